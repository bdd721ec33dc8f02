#include "autodiff/checker/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace wengert {

double noise_of(double* values, int n) {
  double noise = 0, scale = 1;  // k!^2 / (2k)!: the variance of a k-th difference of independent errors, inverted
  for (int k = 1; k < n; ++k) {
    double squares = 0;
    for (int i = 0; i + k < n; ++i) values[i] = values[i + 1] - values[i], squares += values[i] * values[i];
    scale *= k / (2. * (2 * k - 1));
    if (k >= 3) noise = std::max(noise, std::sqrt(scale * squares / (n - k)));
  }
  return std::isfinite(noise) ? noise : 0;
}

template <class T> Array<T> moved(Array<T> x, std::uint64_t seed) {
  if (seed == 0) return x;
  std::mt19937_64 random(seed);
  for (T& v : x.storage())
    v += v * std::numeric_limits<T>::epsilon() * static_cast<T>(static_cast<double>(random() >> 11) * 0x1p-51 - 2);
  return x;
}
template Array<float> moved(Array<float>, std::uint64_t);
template Array<double> moved(Array<double>, std::uint64_t);

Rounding::Rounding(const std::function<Function<double>(std::uint64_t)>& f, const std::vector<Array<double>>& inputs,
                   const Run<double>& run, std::uint64_t seed)
    : here_(run.gradients) {
  std::mt19937_64 random(seed);
  const auto add = [](std::vector<Gradients>& to, const auto& run) {
    try {
      to.push_back(run().gradients);
    } catch (const ValueError&) {}  // f is not defined there
  };
  for (int times = 0; times < 8; ++times) {
    std::vector<Array<double>> at;
    for (const auto& x : inputs) at.push_back(moved(x, random()));
    add(close_, [&] { return run_with(f(random()), at, moved(run.u, random())); });
  }
  // Of the size of the largest entry, so that roundings change even where an entry is small.
  std::vector<Array<double>> step;
  for (const auto& x : inputs) {
    double size = 0.125;
    for (const double v : x.storage()) size = std::max(size, std::abs(v));
    step.push_back(random_weights<double>(x.shape(), random()) * (size * 0x1p-21));
  }
  for (int k = 0; k < 7; ++k) {
    std::vector<Array<double>> at;
    for (std::size_t i = 0; i < inputs.size(); ++i) at.push_back(inputs[i] + k * step[i]);
    add(row_, [&] { return run_with(f(0), at, run.u); });
  }
}

double Rounding::along(const Direction& d) const {
  const double here = wengert::along(here_, d);
  double squares = 0;
  for (const Gradients& g : close_) squares += std::pow(wengert::along(g, d) - here, 2);
  std::vector<double> row;
  for (const Gradients& g : row_) row.push_back(wengert::along(g, d) - here);
  return std::sqrt(squares / static_cast<double>(std::max<std::size_t>(close_.size(), 1))) +
         noise_of(row.data(), static_cast<int>(row.size()));
}

}  // namespace wengert
