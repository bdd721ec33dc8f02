// Derivatives as functions: of f at x, without a tape of one's own. f takes a variable, or a vector of them, and is
// called within a tape that ends with the call; what an outer tape has recorded is constant to it.
#pragma once

#include "autodiff/registry.hpp"

namespace wengert {

/// H v: the Hessian of f at x times v, in the shapes of x; f(x) is one number. The gradient of <grad f(x), v>, so one
/// forward and two backward walks, whatever the size of x. B. Pearlmutter, "Fast exact multiplication by the Hessian",
/// 1994. A ShapeError if the v are not of the shapes of the x.
template <class T>
std::vector<Variable<T>> hvp(const Function<T>& f, const std::vector<Variable<T>>& x,
                             const std::vector<Variable<T>>& v);

/// J[i..., j...] = d f(x)[i...] / d x[j...],   [y's shape, x's shape]. Row by row: one backward for each element of y.
template <class T> Variable<T> jacobian(const Function<T>& f, const Variable<T>& x);

// The same for f of a single variable.
template <class T, class F>
requires std::is_invocable_v < F, const Variable<T>
& > Variable<T> hvp(const F& f, const Variable<T>& x, const std::type_identity_t<Variable<T>>& v) {
  return hvp<T>(Function<T>([&](const std::vector<Variable<T>>& xs) { return f(xs[0]); }), std::vector{x},
                std::vector{v})[0];
}
template <class T, class F>
requires std::is_invocable_v < F, const Variable<T>
& > Variable<T> jacobian(const F& f, const Variable<T>& x) {
  return jacobian<T>(Function<T>([&](const std::vector<Variable<T>>& xs) { return f(xs[0]); }), x);
}

}  // namespace wengert
