#include "losses/regression.hpp"

#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/pointwise.hpp"

namespace wengert::losses {
namespace {

constexpr Op mse_op{"mse", "L = mean of (x - t)^2"};
constexpr Op l1_op{.name = "l1", .formula = "L = mean of |x - t|", .kinked = true};
constexpr Op huber_op{.name = "huber",
                      .formula = "L = mean of d^2/2 for |d| <= delta, else delta (|d| - delta/2); d = x - t",
                      .kinked = true};
constexpr Op smooth_l1_op{.name = "smooth_l1",
                          .formula = "L = mean of d^2/(2 beta) for |d| < beta, else |d| - beta/2; d = x - t",
                          .kinked = true};

template <class T, class F>
Variable<T> of_difference(const Op& op, F f, const Weighting<T>& options, Variable<T> x, Variable<T> targets) {
  return pointwise<T>(
      op, "x", [f](auto x, auto t) { return f(x - t); }, is_finite<T>, finite_rule, options, std::move(x),
      std::move(targets));
}

/// Huber's function over delta: with c = d, but not beyond +-delta, both pieces are c^2/(2 delta) + |d - c|.
template <class N> N bent(N d, double delta) {
  const N c = clamp(d, -delta, delta);
  return 0.5 * c * (c / delta) + abs(d - c);
}

}  // namespace

template <class T> Variable<T> mse(Variable<T> x, std::type_identity_t<Variable<T>> targets, Weighting<T> options) {
  return of_difference(
      mse_op, [](auto d) { return square(d); }, options, std::move(x), std::move(targets));
}

template <class T> Variable<T> l1(Variable<T> x, std::type_identity_t<Variable<T>> targets, Weighting<T> options) {
  return of_difference(
      l1_op, [](auto d) { return abs(d); }, options, std::move(x), std::move(targets));
}

template <class T> Variable<T> huber(Variable<T> x, std::type_identity_t<Variable<T>> targets, Huber<T> o) {
  need_number("huber", o.delta > 0 && is_finite(o.delta), "delta", o.delta, "finite and above 0");
  return of_difference(
      huber_op, [delta = o.delta](auto d) { return delta * bent(d, delta); }, weighting(o), std::move(x),
      std::move(targets));
}

template <class T> Variable<T> smooth_l1(Variable<T> x, std::type_identity_t<Variable<T>> targets, SmoothL1<T> o) {
  need_number("smooth_l1", o.beta >= 0 && is_finite(o.beta), "beta", o.beta, "finite and not negative");
  const auto f = [beta = static_cast<T>(o.beta)](auto d) {
    return beta == 0 ? abs(d) : bent(d, static_cast<double>(beta));
  };
  return of_difference(smooth_l1_op, f, weighting(o), std::move(x), std::move(targets));
}

#define WENGERT_INSTANTIATE(T)                                                            \
  template Variable<T> mse(Variable<T>, std::type_identity_t<Variable<T>>, Weighting<T>); \
  template Variable<T> l1(Variable<T>, std::type_identity_t<Variable<T>>, Weighting<T>);  \
  template Variable<T> huber(Variable<T>, std::type_identity_t<Variable<T>>, Huber<T>);   \
  template Variable<T> smooth_l1(Variable<T>, std::type_identity_t<Variable<T>>, SmoothL1<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_regression() {
  // Distinct: x - t keeps away from 0, and from a delta of 1, where the slope of the slope jumps.
  const std::vector<Input> inputs = and_weights({{"x", {-2, 2}, Draw::distinct}, {"targets", {-2, 2}, Draw::distinct}});
  return {declare(mse_op, and_weights({{"x"}, {"targets"}}), and_reduction({}), elementwise_samples("x"),
                  [](const auto& a) { return mse(a["x"], a["targets"], weighting_of(a)); }),
          declare(l1_op, inputs, and_reduction({}), elementwise_samples("x"),
                  [](const auto& a) { return l1(a["x"], a["targets"], weighting_of(a)); }),
          declare(huber_op, inputs, and_reduction({{"delta", "number", "1"}}), elementwise_samples("x"),
                  [](const auto& a) {
                    const auto w = weighting_of(a);
                    return huber(a["x"], a["targets"], {w.reduction, w.row_weights, w.mask, a.number("delta")});
                  }),
          declare(smooth_l1_op, inputs, and_reduction({{"beta", "number", "1"}}), elementwise_samples("x"),
                  [](const auto& a) {
                    const auto w = weighting_of(a);
                    return smooth_l1(a["x"], a["targets"], {w.reduction, w.row_weights, w.mask, a.number("beta")});
                  })};
}

}  // namespace wengert::losses
