// What rounding may have done to a derivative that was computed in double: measured, not assumed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "autodiff/checker/direction.hpp"
#include "autodiff/checker/run.hpp"

namespace wengert {

/// The noise, as a standard deviation, in n values of a smooth function at evenly spaced close points: their differences of
/// order 3 and more vanish, what is left is rounding (More and Wild, "Estimating computational noise", 2011). The
/// values are overwritten.
double noise_of(double* values, int n);

/// x, each entry moved by a random part of two units in its last place; x itself for 0.
template <class T> Array<T> moved(Array<T> x, std::uint64_t seed);

/// The scatter of a gradient. Two kinds: of the arguments, weights included, as they were rounded themselves: all of
/// them are moved by about a unit in the last place. And on the way: the noise in a row of close points.
class Rounding {
 public:
  /// `f(0)` is the function, `f(seed)` the same with numbers moved that it holds itself.
  Rounding(const std::function<Function<double>(std::uint64_t)>& f, const std::vector<Array<double>>& inputs,
           const Run<double>& run, std::uint64_t seed);

  /// One standard deviation of the derivative along d.
  double along(const Direction& d) const;

 private:
  using Gradients = std::vector<Array<double>>;
  Gradients here_;
  std::vector<Gradients> close_, row_;
};

}  // namespace wengert
