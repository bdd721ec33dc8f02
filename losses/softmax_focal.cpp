#include "losses/softmax_focal.hpp"

#include <cmath>
#include <limits>

#include "autodiff/map.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/softmax_ce_rows.hpp"

namespace wengert::losses {
namespace {

constexpr Op softmax_focal_op{"softmax_focal", "L = mean of -a_t (1 - p_t)^gamma ln p_t, p = softmax(s)"};

/// row_weights, mask and a_t in one; an empty handle if all are 1.
template <class T> Variable<T> weights_of(const Rows<T>& rows, const SoftmaxFocal<T>& o) {
  if (rows.weights.weight.empty() && !o.class_weights) return {};
  Variable<T> w = make_result<T>(rows.shape);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::int64_t t = rows.labels.storage()[i];
    out(w)[i] = static_cast<T>(rows.weights[i]) * (o.class_weights ? o.class_weights.data()[t] : T(1));
  }
  return w;
}

}  // namespace

template <class T> Variable<T> softmax_focal(Variable<T> scores, const Labels& labels, SoftmaxFocal<T> o) {
  need_number("softmax_focal", o.gamma >= 0 && std::isfinite(o.gamma), "gamma", o.gamma, "finite and not negative");
  const SoftmaxCe<T> options = as_softmax_ce(o);
  const Rows<T> rows("softmax_focal", scores.shape(), labels, options);
  const Variable<T> w = weights_of(rows, o);
  const Variable<T> l = softmax_ce(std::move(scores), labels,
                                   {.reduction = Reduction::none,
                                    .mask = w,
                                    .axis = o.axis,
                                    .ignore_index = o.ignore_index});  // what weighs 0 is left out
  const auto f = [gamma = o.gamma, least = double(std::numeric_limits<T>::min())](auto l) {
    const auto c = minimum(maximum(l, least), 1000);  // beyond, p_t is 0 and F(l) = l
    return gamma == 0 ? l : select(l >= least, pow(-expm1(-c), gamma) * c + relu(l - 1000), 0);
  };
  const auto counted = static_cast<double>(rows.weights.counted);
  const bool mean = o.reduction == Reduction::mean;
  const fused::Form form{softmax_focal_op, o.reduction != Reduction::none, !mean ? 1 : counted > 0 ? 1 / counted : 0};
  if (!w) return fused::map(form, f, l);
  return fused::map(
      form, [f](auto w, auto l) { return select(w > 0, w * f(l), 0); }, w, l);
}

template Variable<float> softmax_focal(Variable<float>, const Labels&, SoftmaxFocal<float>);
template Variable<double> softmax_focal(Variable<double>, const Labels&, SoftmaxFocal<double>);

Declared declared_softmax_focal() {
  std::vector<Attribute> attributes = class_attributes();
  attributes.push_back({"gamma", "number", "2"});
  std::vector<std::string> samples = class_samples();
  samples.push_back("scores=[3,4] labels=[3] gamma=0.5");
  samples.push_back("scores=[3,4] labels=[3] gamma=0 weights=[4]");
  samples.push_back("scores=[3,4] labels=[3] gamma=5");
  return declare(softmax_focal_op, class_inputs({-2, 2}), and_reduction(attributes), samples, [](const auto& a) {
    auto o = class_options<SoftmaxFocal>(a);
    o.gamma = a.number("gamma");
    return softmax_focal(a["scores"], a.indices("labels"), o);
  });
}

}  // namespace wengert::losses
