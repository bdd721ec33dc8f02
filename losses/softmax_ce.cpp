#include "losses/softmax_ce.hpp"

#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/ops/softmax.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/softmax_ce_rows.hpp"

namespace wengert::losses {
namespace {

constexpr Op softmax_ce_op{"softmax_ce", "L = mean of (logsumexp(s) - s_t)"};

template <class T> bool is_transformed(const SoftmaxCe<T>& o) { return o.soft_cap > 0 || o.temperature != 1; }

/// z of the scores, with ops on variables, and its slope.
template <class T> Variable<T> transformed(const Variable<T>& s, const SoftmaxCe<T>& o) {
  const T cap = static_cast<T>(o.soft_cap), temperature = static_cast<T>(o.temperature);
  return (cap > 0 ? cap * tanh(s / cap) : s) / temperature;
}
template <class T> Variable<T> slope_of_transform(const Variable<T>& s, const SoftmaxCe<T>& o) {
  const T cap = static_cast<T>(o.soft_cap), temperature = static_cast<T>(o.temperature);
  if (cap == 0) return Variable<T>(1 / temperature);
  const Variable<T> u = tanh(s / cap);
  return (1 - u) * (1 + u) / temperature;
}

}  // namespace

template <class T> Variable<T> score_gradient(const Variable<T>& given, const Rows<T>& rows, const SoftmaxCe<T>& o) {
  const auto axis = static_cast<std::ptrdiff_t>(rows.axis);
  // What stands in rows that are left out must not matter, NaN included.
  const Variable<T> scores = rows.weights.weight.empty() ? given : where(rows.scales(), given, Variable<T>(T(0)));
  const Variable<T> w = rows.dense_weights(o), z = is_transformed(o) ? transformed(scores, o) : scores;
  Variable<T> pushes = sum(w, axis, true);  // W + 2 z_loss lse
  if (o.z_loss > 0) pushes = pushes + static_cast<T>(2 * o.z_loss) * logsumexp(z, axis, true);
  const Variable<T> g = rows.scales() * (pushes * softmax(z, axis) - w);
  return is_transformed(o) ? g * slope_of_transform(scores, o) : g;
}
template Variable<float> score_gradient(const Variable<float>&, const Rows<float>&, const SoftmaxCe<float>&);
template Variable<double> score_gradient(const Variable<double>&, const Rows<double>&, const SoftmaxCe<double>&);

namespace {

/// The gradient of the loss as variables: its value is `kept`, to the last bit, and its derivative that of the formula.
///
/// Without cap, temperature and z-loss, the softmax p is got back from kept = r (W p - w) and takes its rule from
/// softmax(), with the scores as its input: they may have been overwritten. With them it is computed again.
template <class T>
Variable<T> recorded_gradient(const Variable<T>& kept, const Edge<T>& scores, const Saved<T>& saved_scores,
                              const Rows<T>& rows, const SoftmaxCe<T>& o) {
  if (saved_scores) {
    const Variable<T> again = score_gradient(*saved_scores, rows, o);
    return kept + (again - again.detach());
  }
  if (is_transformed(o) || o.z_loss > 0)
    throw TapeError(
        "softmax_ce: reuse_scores has overwritten the scores, which the derivative of the gradient needs "
        "with a cap, a temperature or a z-loss");
  const auto axis = static_cast<std::ptrdiff_t>(rows.axis);
  Variable<T> w, r, weight, p;
  {
    const NoGrad constant;
    w = rows.dense_weights(o);
    r = rows.scales();
    weight = sum(w, axis, true);
    const auto or_one = [](const Variable<T>& x) { return select(square(x) > 0, x, Variable<T>(1)); };
    p = (kept / or_one(r) + w) / or_one(weight);
  }
  const Variable<T> p_value = p.detach();
  record_softmax(p, scores, rows.axis);
  return kept + r * weight * (p - p_value);
}

/// Where the gradient goes: new memory, or that of the scores.
template <class T> Variable<T> place_of_gradient(const Variable<T>& scores, bool needed_again, bool reuse) {
  if (needed_again) return make_result<T>(scores.shape());
  if (is_free(scores)) return make_result_in(scores);
  if (!reuse || scores.block()->leaf) return make_result<T>(scores.shape());
  ++scores.block()->version;  // a rule that saved them finds out
  return scores;
}

template <class T> Variable<T> fused(Variable<T> scores, Rows<T> rows, const SoftmaxCe<T>& o) {
  const bool each = o.reduction == Reduction::none;
  const Edge<T> gs = edge(scores);
  const bool again = (is_transformed(o) || o.z_loss > 0) && !o.reuse_scores;
  Variable<T> kept;  // the gradient
  if (gs) kept = place_of_gradient(scores, again, o.reuse_scores);
  Variable<T> loss = make_result<T>(each ? rows.shape : Shape{});
  kernels::SoftmaxCe<T> call = rows.call(o);
  call.scores = scores.data();
  call.losses = each ? out(loss) : nullptr;
  call.gradient = kept ? out(kept) : nullptr;
  const Variable<double> scratch = make_scratch(call);
  call.scratch = out(scratch);
  const double total = kernels::of<T>().softmax_ce(call);
  if (!each) *out(loss) = static_cast<T>(rows.reduced(total));
  if (!gs) return loss;
  record(softmax_ce_op, loss,
         [gs, each, kept, again = saved_if(again, scores), rows = std::move(rows), o](Upstream<T>& g) mutable {
           struct Term {
             Variable<T>& kept;
             const Edge<T>& to;
             const Saved<T>& scores;
             const Rows<T>& rows;
             const SoftmaxCe<T>& options;
             Variable<T> upstream;  // a number, or one a row
             bool last;

             Variable<T> value() {
               if (recording()) return upstream * recorded_gradient(kept, to, scores, rows, options);
               if (upstream.size() == 1 && upstream.item() == 1) return kept;
               return (last ? std::move(kept) : kept) * upstream;
             }
           };
           const Variable<T> upstream = each ? reshape(*g, Extents(with_axis(rows.shape, rows.axis))) : *g;
           g.add(gs, Term{kept, gs, again, rows, o, upstream, g.last()});
         });
  return loss;
}

}  // namespace

template <class T> Variable<T> softmax_ce(Variable<T> scores, const Labels& labels, SoftmaxCe<T> options) {
  Rows<T> rows("softmax_ce", scores.shape(), labels, options);
  warn_if_probabilities("softmax_ce", scores, rows.lines);
  return fused<T>(std::move(scores), std::move(rows), options);
}

template <class T> Variable<T> softmax_ce(Variable<T> scores, Variable<T> targets, SoftmaxCe<T> options) {
  Rows<T> rows("softmax_ce", scores.shape(), std::move(targets), options);
  warn_if_probabilities("softmax_ce", scores, rows.lines);
  return fused<T>(std::move(scores), std::move(rows), options);
}

namespace {
template <class T> Variable<T> unfused(const Variable<T>& s, const Rows<T>& rows, const SoftmaxCe<T>& o) {
  const auto axis = static_cast<std::ptrdiff_t>(rows.axis);
  const Variable<T> z = is_transformed(o) ? transformed(s, o) : s, w = rows.dense_weights(o);
  const Variable<T> lse = log(sum(exp(z), axis, true));
  Variable<T> loss = sum(w * (lse - z), axis, true);
  if (o.z_loss > 0) loss = loss + static_cast<T>(o.z_loss) * square(lse);
  if (!rows.weights.weight.empty() || o.reduction == Reduction::mean) loss = loss * rows.scales();
  loss = reshape(loss, Extents(rows.shape));
  return o.reduction == Reduction::none ? loss : sum(loss);
}
}  // namespace

template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Labels& labels, SoftmaxCe<T> options) {
  return unfused(scores, Rows<T>("softmax_ce_unfused", scores.shape(), labels, options), options);
}

template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Array<T>& targets, SoftmaxCe<T> options) {
  return unfused(scores, Rows<T>("softmax_ce_unfused", scores.shape(), Variable<T>(targets), options), options);
}

#define WENGERT_INSTANTIATE(T)                                                       \
  template Variable<T> softmax_ce(Variable<T>, const Labels&, SoftmaxCe<T>);         \
  template Variable<T> softmax_ce(Variable<T>, Variable<T>, SoftmaxCe<T>);           \
  template Variable<T> softmax_ce_unfused(Variable<T>, const Labels&, SoftmaxCe<T>); \
  template Variable<T> softmax_ce_unfused(Variable<T>, const Array<T>&, SoftmaxCe<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

Declared declared_softmax_ce() {
  return declare(softmax_ce_op,
                 {{"scores"},
                  {"labels", {0, 3}, Draw::index, true},
                  {"targets", {0, 2}, Draw::constant, true},
                  {"weights", {0.5, 2}, Draw::constant, true},
                  {"row_weights", {0, 2}, Draw::constant, true},
                  {"mask", {0, 1}, Draw::mask, true}},
                 {{"reduction", "mean|sum|none", "mean"},
                  {"axis", "int", "1", "of the classes"},
                  {"ignore_index", "int", "-100"},
                  {"label_smoothing", "number", "0"},
                  {"multilabel", "flag", "false", "targets that are not 0 count 1/M each"},
                  {"count_empty_rows", "flag", "true", "in the mean of targets"},
                  {"temperature", "number", "1"},
                  {"soft_cap", "number", "0", "0 for none"},
                  {"z_loss", "number", "0"}},
                 {"scores=[3,4] labels=[3]", "scores=[3,4] targets=[3,4]", "scores=[3,4] labels=[3] reduction=sum",
                  "scores=[3,4] targets=[3,4] reduction=none", "scores=[1,4] labels=[1]", "scores=[4] labels=[]",
                  "scores=[0,4] labels=[0] reduction=sum", "scores=[2,4,3] labels=[2,3] reduction=none",
                  "scores=[2,3,4] targets=[2,3,4] axis=-1",
                  "scores=[5,4] labels=[5] weights=[4] label_smoothing=0.1 ignore_index=2",
                  "scores=[5,4] targets=[5,4] weights=[4] row_weights=[5] mask=[5] label_smoothing=0.2",
                  "scores=[3,4] targets=[3,4] multilabel=true", "scores=[3,4] labels=[3] temperature=0.5",
                  "scores=[2,4,2] labels=[2,2] soft_cap=3 z_loss=0.1 temperature=2",
                  "scores=[3,4] targets=[3,4] soft_cap=3 z_loss=0.1 label_smoothing=0.1 reduction=none"},
                 [](const auto& a) {
                   if (a.has("labels") == a.has("targets"))
                     throw ValueError("softmax_ce: give either labels or targets");
                   SoftmaxCe<typename std::decay_t<decltype(a["scores"])>::value_type> o{
                       .reduction = reduction_of(a),
                       .row_weights = a["row_weights"],
                       .mask = a["mask"],
                       .axis = a.integer("axis"),
                       .class_weights = a["weights"],
                       .ignore_index = a.integer("ignore_index"),
                       .label_smoothing = a.number("label_smoothing"),
                       .multilabel = a.flag("multilabel"),
                       .count_empty_rows = a.flag("count_empty_rows"),
                       .temperature = a.number("temperature"),
                       .soft_cap = a.number("soft_cap"),
                       .z_loss = a.number("z_loss")};
                   return a.has("labels") ? softmax_ce(a["scores"], a.indices("labels"), o)
                                          : softmax_ce(a["scores"], a["targets"], o);
                 });
}

}  // namespace wengert::losses
