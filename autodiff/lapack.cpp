#include "autodiff/lapack.hpp"

// In this order, as in blas.cpp.
// clang-format off
#include <xtensor-blas/xblas_config.hpp>
#include <cmath>
#include <complex>
#include <xflens/cxxblas/cxxblas.cxx>
#include <xflens/cxxlapack/cxxlapack.cxx>
// clang-format on

#include <algorithm>

#include "autodiff/blas.hpp"

namespace wengert {
namespace {
/// LAPACK's `info` is the place from 1, or 0 if all went well.
std::size_t place(int info, std::size_t n) { return info > 0 ? static_cast<std::size_t>(info) - 1 : n; }
}  // namespace

template <class T> std::size_t factor_lu(T* a, std::size_t n, int* pivots) {
  const int extent = static_cast<int>(n);
  return n == 0 ? n : place(cxxlapack::getrf<int>(extent, extent, a, extent, pivots), n);
}

template <class T> std::size_t factor_cholesky(T* a, std::size_t n) {
  const int extent = static_cast<int>(n);
  return n == 0 ? n : place(cxxlapack::potrf<int>('U', extent, a, extent), n);  // by columns, the lower one is upper
}

// A = L U P^T, P the product of the exchanges from first to last.
//   A X = B:    L Y = B,     U Z = Y,      X = P Z            the exchanges from last to first
//   A^T X = B:  P U^T L^T X = B,   so   Y = P^T B (first to last),   U^T Z = Y,   L^T X = Z
template <class T>
void solve_lu(const T* lu, const int* pivots, std::size_t n, T* x, std::size_t columns, bool transposed) {
  const auto exchange = [&](std::size_t i) {
    const std::size_t with = static_cast<std::size_t>(pivots[i]) - 1;
    if (with != i) std::swap_ranges(x + i * columns, x + (i + 1) * columns, x + with * columns);
  };
  const Matrix<T> a{lu, n, n, transposed};
  constexpr Triangle lower{}, upper{.upper = true, .unit = true};
  if (transposed) {
    for (std::size_t i = 0; i < n; ++i) exchange(i);
    solve_left(a, upper, x, columns);
    solve_left(a, lower, x, columns);
  } else {
    solve_left(a, lower, x, columns);
    solve_left(a, upper, x, columns);
    for (std::size_t i = n; i-- > 0;) exchange(i);
  }
}

#define WENGERT_INSTANTIATE(T)                           \
  template std::size_t factor_lu(T*, std::size_t, int*); \
  template std::size_t factor_cholesky(T*, std::size_t); \
  template void solve_lu(const T*, const int*, std::size_t, T*, std::size_t, bool);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
