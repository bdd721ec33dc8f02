// Runs a function for the checker: forward, backward, and once more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autodiff/registry.hpp"

namespace wengert {

/// The seed that gradient_of() has if none is given.
constexpr std::uint64_t first_order_seed = 1;

/// How far a gradient may be from an exact one, in the units of Comparison::ulp.
constexpr double most_ulps = 16;

/// Random weights for the sum of the outputs, away from 0 and of either sign: an error cannot hide behind a weight of
/// nothing. The same for the same seed, and the same numbers in both types.
template <class T> Array<T> random_weights(const Shape& shape, std::uint64_t seed);

/// y = f(x), and the gradients of sum of u y.
template <class T> struct Run {
  Array<T> y, u;
  std::vector<Array<T>> gradients;
};

/// With random weights u. A ShapeError if a gradient is not of its input's shape: `names` are the inputs'.
template <class T>
Run<T> run(const Function<T>& f, const std::vector<Array<double>>& inputs, const std::vector<std::string>& names,
           std::uint64_t seed);
/// With the weights given.
template <class T> Run<T> run_with(const Function<T>& f, const std::vector<Array<double>>& inputs, const Array<T>& u);

/// Runs f once more, with the same seed, on inputs that are made from column-major parts of larger arrays. What was
/// different, or whether an input was changed, in words; "" if all is as it should be.
template <class T>
std::string run_again(const Function<T>& f, const std::vector<Array<double>>& inputs, const Run<T>& first,
                      std::uint64_t seed, const std::vector<std::string>& names);

}  // namespace wengert
