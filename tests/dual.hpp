// Exact derivatives of plain loops: a number and its derivative, in long double. Nothing here is of the library.
#pragma once

#include <cmath>
#include <vector>

#include "autodiff/variable.hpp"

namespace wengert::test {

struct Dual {
  long double value = 0, slope = 0;

  Dual(long double value = 0, long double slope = 0) : value(value), slope(slope) {}
  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
  friend Dual operator/(Dual a, Dual b) {
    const long double y = a.value / b.value;
    return {y, (a.slope - y * b.slope) / b.value};
  }
  Dual& operator+=(Dual b) { return *this = *this + b; }
  friend Dual exp(Dual a) { return {std::exp(a.value), std::exp(a.value) * a.slope}; }
};

/// A matrix of them, or a stack of matrices; b(i) of a bias.
struct Duals {
  std::vector<Dual> numbers;
  std::size_t columns;

  template <class T>
  explicit Duals(const Variable<T>& x)
      : numbers(x.data(), x.data() + x.size()), columns(x.rank() == 0 ? 1 : x.shape().back()) {}
  Dual operator()(std::size_t i, std::size_t j) const { return numbers[i * columns + j]; }
  Dual operator()(std::size_t i) const { return numbers[i]; }
};

/// The exact y = f(xs), and the gradients of sum of u y: f is called once for every entry of every x.
struct Gradients {
  std::vector<long double> y;
  std::vector<std::vector<long double>> of;

  template <class T, class F> Gradients(const std::vector<Variable<T>>& xs, const Array<T>& u, F f) {
    std::vector<Duals> inputs(xs.begin(), xs.end());
    for (const Dual& d : f(inputs)) y.push_back(d.value);
    for (Duals& x : inputs) {
      of.emplace_back();
      for (Dual& number : x.numbers) {
        number.slope = 1;
        const std::vector<Dual> moved = f(inputs);
        number.slope = 0;
        long double sum = 0;
        for (std::size_t i = 0; i < moved.size(); ++i) sum += moved[i].slope * u.storage()[i];
        of.back().push_back(sum);
      }
    }
  }
};

/// The largest distance of `got` from the exact values, in units in the last place of the largest of them.
template <class T> double ulps(const Variable<T>& got, const std::vector<long double>& exact) {
  if (got.size() != exact.size()) return HUGE_VAL;
  long double largest = 0, off = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (std::isnan(got.data()[i])) return HUGE_VAL;
    largest = std::max(largest, std::abs(exact[i]));
    off = std::max(off, std::abs(got.data()[i] - exact[i]));
  }
  return off == 0 ? 0 : static_cast<double>(off / (largest * std::numeric_limits<T>::epsilon()));
}

}  // namespace wengert::test
