// Ways to move the inputs of a function, along which derivatives are compared.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "autodiff/array.hpp"

namespace wengert {

/// One entry of one input; or, if `through` is not empty, all of them at once.
struct Direction {
  std::string name;  ///< "w[3,1]", "direction 2"
  std::size_t input = 0, index = 0;
  std::vector<Array<double>> through = {};
};

std::vector<Direction> each_entry(const std::vector<Array<double>>& inputs, const std::vector<std::string>& names);

/// n of them. Their components are normal, so that what an error of the gradient is along one of them is normal, too,
/// whatever the error looks like.
std::vector<Direction> random_directions(const std::vector<Array<double>>& inputs, std::size_t n, std::uint64_t seed);

/// A gradient along d: of anything that has data(), one an input.
template <class Gradients> auto along(const Gradients& gradients, const Direction& d) {
  using T = std::decay_t<decltype(gradients[0].data()[0])>;
  std::conditional_t<std::is_same_v<T, float>, double, T> sum = 0;
  if (d.through.empty()) return sum + gradients[d.input].data()[d.index];
  for (std::size_t k = 0; k < d.through.size(); ++k)
    for (std::size_t i = 0; i < d.through[k].size(); ++i) sum += gradients[k].data()[i] * d.through[k].data()[i];
  return sum;
}

}  // namespace wengert
