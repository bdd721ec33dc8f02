#include "losses/softmax_ce.hpp"

#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/ops/softmax.hpp"
#include "losses/losses.hpp"

namespace wengert::losses {
namespace {

constexpr Op softmax_ce_op{"softmax_ce", "L = mean of (logsumexp(s) - s_t)"};

void check_scores(const Shape& scores) {
  if (scores.size() != 2)
    throw ShapeError("softmax_ce: scores are " + to_string(scores) + "; they must be [N,C], a row an example");
  if (scores[1] == 0 && scores[0] != 0)
    throw ShapeError("softmax_ce: scores are " + to_string(scores) + "; there are no classes to choose from");
}

template <class T> void check_targets(const Shape& scores, const Variable<T>& targets) {
  if (targets.shape() != scores)
    throw ShapeError("softmax_ce: scores are " + to_string(scores) + " but targets are " + to_string(targets.shape()) +
                     "; targets must have the shape of the scores, or be int64 labels [" + std::to_string(scores[0]) +
                     "]");
  const T *const first = targets.data(), *const last = first + targets.size();
  const T* const bad = std::find_if(first, last, [](T t) { return !(t - t == 0); });
  if (bad == last) return;
  const auto i = static_cast<std::size_t>(bad - first);
  throw ValueError("softmax_ce: the target of class " + std::to_string(i % scores[1]) + " in row " +
                   std::to_string(i / scores[1]) + " is " + std::to_string(*bad) + "; targets must be finite");
}

/// [N] as [N,1].
Labels column(Labels labels) {
  labels.reshape({labels.size(), 1});
  return labels;
}

/// w: one-hot rows for labels, the targets themselves otherwise. Only derivatives of derivatives ask for it.
template <class T> struct Weights {
  Labels labels;
  Saved<T> targets;

  Variable<T> of(const Shape& scores) const {
    if (targets) return *targets;
    const Variable<T> zeros = broadcast_to(Variable<T>(0), scores), ones = broadcast_to(Variable<T>(1), {scores[0], 1});
    return scatter_add(zeros, 1, column(labels), ones);
  }
};

/// The gradient of the loss as variables: its value is `kept`, to the last bit, and its derivative that of W p - w. The
/// softmax p is got back from kept = scale (W p - w) and takes its rule from softmax(), with the scores as its input.
template <class T>
Variable<T> recorded_gradient(const Variable<T>& kept, const Edge<T>& scores, const Weights<T>& weights, T scale) {
  Variable<T> p, row_weight;
  {
    const NoGrad constant;
    const Variable<T> w = weights.of(kept.shape());
    row_weight = sum(w, 1, true);
    p = (kept / scale + w) / select(greater(square(row_weight), Variable<T>(0)), row_weight, Variable<T>(1));
  }
  const Variable<T> p_value = p.detach();
  record_softmax(p, scores, 1);
  return kept + scale * row_weight * (p - p_value);
}

template <class T> Variable<T> fused(Variable<T> scores, Weights<T> weights, const SoftmaxCe& options) {
  const std::size_t rows = scores.shape()[0], classes = scores.shape()[1];
  const bool each = options.reduction == Reduction::none;
  const T scale = options.reduction == Reduction::mean ? T(1) / static_cast<T>(rows) : T(1);
  const Edge<T> gs = edge(scores);
  Variable<T> kept;  // the gradient
  if (gs) kept = is_free(scores) ? make_result_in(scores) : make_result<T>(scores.shape());
  Variable<T> loss = make_result<T>(each ? Shape{rows} : Shape{});
  const double total =
      kernels::of<T>().softmax_ce({.scores = scores.data(),
                                   .labels = weights.targets ? nullptr : weights.labels.storage().data(),
                                   .targets = weights.targets ? weights.targets->data() : nullptr,
                                   .rows = static_cast<kernels::Index>(rows),
                                   .classes = static_cast<kernels::Index>(classes),
                                   .scale = options.reduction == Reduction::mean ? 1. / static_cast<double>(rows) : 1.,
                                   .losses = each ? out(loss) : nullptr,
                                   .gradient = kept ? out(kept) : nullptr});
  if (!each)
    *out(loss) = static_cast<T>(options.reduction == Reduction::mean ? total / static_cast<double>(rows) : total);
  if (!gs) return loss;
  record(softmax_ce_op, loss, [gs, each, scale, kept, weights = std::move(weights)](Upstream<T>& g) mutable {
    struct Term {
      Variable<T>& kept;
      const Edge<T>& scores;
      const Weights<T>& weights;
      T scale;
      Variable<T> upstream;  // a number, or [N,1]
      bool last;

      Variable<T> value() {
        if (recording()) return upstream * recorded_gradient(kept, scores, weights, scale);
        if (upstream.size() == 1 && upstream.item() == 1) return kept;
        return (last ? std::move(kept) : kept) * upstream;
      }
    };
    g.add(gs, Term{kept, gs, weights, scale, each ? reshape(*g, {-1, 1}) : *g, g.last()});
  });
  return loss;
}

}  // namespace

template <class T> Variable<T> softmax_ce(Variable<T> scores, const Labels& labels, SoftmaxCe options) {
  check_scores(scores.shape());
  check_labels("softmax_ce", labels, scores.shape());
  return fused<T>(std::move(scores), {labels, {}}, options);
}

template <class T> Variable<T> softmax_ce(Variable<T> scores, Variable<T> targets, SoftmaxCe options) {
  check_scores(scores.shape());
  check_targets(scores.shape(), targets);
  return fused<T>(std::move(scores), {{}, saved(std::move(targets))}, options);
}

template <class T> Variable<T> softmax_ce(Variable<T> scores, const Array<T>& targets, SoftmaxCe options) {
  return softmax_ce(std::move(scores), Variable<T>(targets), options);
}

namespace {
template <class T> Variable<T> reduced(Variable<T> losses, const SoftmaxCe& options) {
  switch (options.reduction) {
    case Reduction::mean: return mean(std::move(losses));
    case Reduction::sum: return sum(std::move(losses));
    case Reduction::none: break;
  }
  return losses;
}
}  // namespace

template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Labels& labels, SoftmaxCe options) {
  check_scores(scores.shape());
  check_labels("softmax_ce_unfused", labels, scores.shape());
  return reduced(log(sum(exp(scores), 1)) - reshape(gather(scores, 1, column(labels)), {-1}), options);
}

template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Array<T>& targets, SoftmaxCe options) {
  const Variable<T> w(targets);
  check_scores(scores.shape());
  check_targets(scores.shape(), w);
  return reduced(sum(w, 1) * log(sum(exp(scores), 1)) - sum(w * scores, 1), options);
}

#define WENGERT_INSTANTIATE(T)                                                    \
  template Variable<T> softmax_ce(Variable<T>, const Labels&, SoftmaxCe);         \
  template Variable<T> softmax_ce(Variable<T>, Variable<T>, SoftmaxCe);           \
  template Variable<T> softmax_ce(Variable<T>, const Array<T>&, SoftmaxCe);       \
  template Variable<T> softmax_ce_unfused(Variable<T>, const Labels&, SoftmaxCe); \
  template Variable<T> softmax_ce_unfused(Variable<T>, const Array<T>&, SoftmaxCe);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

Declared declared_softmax_ce() {
  return declare(
      softmax_ce_op, {{"scores"}, {"labels", {0, 3}, Draw::index, true}, {"targets", {0, 2}, Draw::constant, true}},
      {{"reduction", "mean|sum|none", "mean"}},
      {"scores=[3,4] labels=[3]", "scores=[3,4] targets=[3,4]", "scores=[3,4] labels=[3] reduction=sum",
       "scores=[3,4] targets=[3,4] reduction=none", "scores=[1,4] labels=[1]", "scores=[0,4] labels=[0] reduction=sum"},
      [](const auto& a) {
        if (a.has("labels") == a.has("targets")) throw ValueError("softmax_ce: give either labels or targets");
        const std::string& word = a.word("reduction");
        const SoftmaxCe options{word == "sum" ? Reduction::sum : word == "none" ? Reduction::none : Reduction::mean};
        return a.has("labels") ? softmax_ce(a["scores"], a.indices("labels"), options)
                               : softmax_ce(a["scores"], a["targets"], options);
      });
}

}  // namespace wengert::losses
