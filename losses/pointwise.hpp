// Losses that take element by element: a formula over numbers, which map() makes one pass forward and one backward, with
// the weights, the mask and the mean inside. Internal to losses/.
#pragma once

#include <cmath>

#include "autodiff/map.hpp"
#include "autodiff/op.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

/// A ShapeError unless both shapes are equal: [N] against [N,1] would be stretched to [N,N] without a word.
void need_same_shape(const char* op, const char* name, const Shape& x, const Shape& targets);

/// A ValueError names the first target that counts and is not `valid`.
template <class T>
void need_targets(const char* op, const Variable<T>& targets, const Variable<T>& weight, bool (*valid)(T),
                  const char* rule);

/// sum_i w_i f(x_i, t_i, ..): reduced, and multiplied by `times`; what weighs 0 is not looked at. Targets that are not
/// `valid` are a ValueError, for which they are read again only where the loss is not finite: f must not hide them. (The
/// node is on the tape by then; nothing reaches it.)
template <class T, class F, class... More>
Variable<T> pointwise_times(double times, const Op& op, const char* x_name, F f, bool (*valid)(T), const char* rule,
                            const Weighting<T>& options, Variable<T> x, Variable<T> targets, More... more) {
  need_same_shape(op.name, x_name, x.shape(), targets.shape());
  const ElementWeights<T> w = element_weights(op.name, x.shape(), options);
  const bool each = options.reduction == Reduction::none;
  if (each) need_targets(op.name, targets, w.weight, valid, rule);
  const fused::Form form{op, !each, w.scale * times};
  const auto weighted = [&f](auto w, auto x, auto t, auto... more) {
    const auto counts = w > 0;
    return w * f(select(counts, x, 0), select(counts, t, 0), more...);
  };
  Variable<T> loss = w.weight ? fused::map(form, weighted, w.weight, std::move(x), targets, std::move(more)...)
                              : fused::map(form, f, std::move(x), targets, std::move(more)...);
  if (!each && !std::isfinite(loss.item())) need_targets(op.name, targets, w.weight, valid, rule);
  return loss;
}

template <class T, class F, class... More>
Variable<T> pointwise(const Op& op, const char* x_name, F f, bool (*valid)(T), const char* rule,
                      const Weighting<T>& options, Variable<T> x, Variable<T> targets, More... more) {
  return pointwise_times(1, op, x_name, f, valid, rule, options, std::move(x), std::move(targets), std::move(more)...);
}
template <class T> bool is_finite(T t) { return t - t == 0; }
inline constexpr const char* finite_rule = "targets must be finite";
template <class T> bool is_sign(T t) { return t == 1 || t == -1; }
inline constexpr const char* sign_rule = "targets must be -1 or 1";

}  // namespace wengert::losses
