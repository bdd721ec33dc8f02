// Random inputs for tests.
#pragma once

#include <random>

#include "autodiff/array.hpp"
#include "autodiff/op.hpp"

namespace wengert::test {

/// Uniform in the domain; `gap`: at least that far from 0.
template <class T = double>
Array<T> uniform(const Shape& shape, Domain domain, std::mt19937_64& random, double gap = 0) {
  Array<T> x(shape);
  for (T& v : x.storage()) {
    double number;
    do number = domain.low + (domain.high - domain.low) * static_cast<double>(random() >> 11) * 0x1p-53;
    while (std::abs(number) < gap);
    v = static_cast<T>(number);
  }
  return x;
}

/// The distance of `got` from the exact value, in units in the last place of T there.
template <class T> double ulps(T got, long double exact) {
  if (std::isnan(got) && std::isnan(exact)) return 0;
  const T rounded = static_cast<T>(exact);
  if (got == rounded)
    return std::isinf(got)
               ? 0
               : static_cast<double>(
                     std::abs(static_cast<long double>(got) - exact) /
                     (std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded)));
  if (!std::isfinite(got) || !std::isfinite(rounded)) return std::numeric_limits<double>::infinity();
  const T unit = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) / unit);
}

}  // namespace wengert::test
