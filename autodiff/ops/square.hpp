// What the ops on stacks of square matrices have in common. Internal to autodiff/.
#pragma once

#include <cmath>

#include "autodiff/array.hpp"

namespace wengert {

/// n of a stack [...,n,n]; a ShapeError names `op` if it is none, or beyond what LAPACK counts.
std::size_t square(const char* op, const Shape& a);

/// Which matrix of the stack is the i-th, for errors: " in a[1,0]", or nothing if there is only one.
std::string in_matrix(const Shape& a, std::size_t i);

/// 0 times a number is 0, times anything else NaN. In eight strands, which the compiler puts into registers.
template <class T> bool all_finite(const T* x, std::size_t n) {
  T strand[8] = {}, sum = 0;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t k = 0; k < 8; ++k) strand[k] += x[i + k] * 0;
  for (; i < n; ++i) sum += x[i] * 0;
  for (const T s : strand) sum += s;
  return sum == 0;
}

}  // namespace wengert
