// What stands between a value and its gradient without changing the value: checkpoints and hooks.
#pragma once

#include "autodiff/registry.hpp"

namespace wengert {

/// y = f(x), of which the tape keeps x and f alone: backward computes f once more. Time for memory: what f keeps inside
/// lives only while its own part is walked. Parameters that f uses beside x get their gradients as ever; f must compute
/// the same both times, so a dropout in it needs a fixed seed. Derivatives of any order. T. Chen et al., "Training deep
/// nets with sublinear memory cost", 2016; A. Griewank, 1992.
template <class T> Variable<T> checkpoint(Function<T> f, std::vector<Variable<T>> x);

/// The same for f of a single variable.
template <class T, class F>
requires std::is_invocable_v < F, const Variable<T>
& > Variable<T> checkpoint(F f, Variable<T> x) {
  return checkpoint<T>(Function<T>([f](const std::vector<Variable<T>>& xs) { return f(xs[0]); }),
                       std::vector{std::move(x)});
}

/// y = x;   gx += f(gy): to look at a gradient on its way, or to change it. f may return an empty handle: gy goes on as it
/// is. Under create_graph f gets variables that are recorded. A ShapeError if f returns another shape.
template <class T> Variable<T> hook(Variable<T> x, std::function<Variable<T>(const Variable<T>&)> f);
template <class T, class F>
requires std::is_invocable_r_v < Variable<T>, F,
const Variable<T>& > Variable<T> hook(Variable<T> x, F f) {
  return hook<T>(std::move(x), std::function<Variable<T>(const Variable<T>&)>(std::move(f)));
}

}  // namespace wengert
