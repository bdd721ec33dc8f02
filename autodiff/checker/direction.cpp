#include "autodiff/checker/direction.hpp"

#include <random>

namespace wengert {
namespace {

/// "w[3,1]": the entry that is `index`-th row by row.
std::string entry_name(const std::string& input, std::size_t index, const Shape& shape) {
  std::string text;
  for (std::size_t i = shape.size(); i-- > 0; index /= shape[i])
    text = std::to_string(index % shape[i]) + (text.empty() ? "" : ",") + text;
  return shape.size() == 0 ? input : input + "[" + text + "]";
}

}  // namespace

std::vector<Direction> each_entry(const std::vector<Array<double>>& inputs, const std::vector<std::string>& names) {
  std::vector<Direction> all;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    for (std::size_t i = 0; i < inputs[k].size(); ++i)
      all.push_back({.name = entry_name(names[k], i, inputs[k].shape()), .input = k, .index = i});
  return all;
}

std::vector<Direction> random_directions(const std::vector<Array<double>>& inputs, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Direction> all;
  for (std::size_t k = 0; k < n; ++k) {
    Direction d{.name = "direction " + std::to_string(k), .index = k};
    for (const auto& input : inputs) {
      Array<double> v(input.shape());
      for (double& x : v.storage()) x = normal(random);
      d.through.push_back(std::move(v));
    }
    all.push_back(std::move(d));
  }
  return all;
}

}  // namespace wengert
