#include "autodiff/blas.hpp"

// In this order: cxxblas needs complex numbers, and without the first header it falls back to loops of its own.
// clang-format off
#include <xtensor-blas/xblas_config.hpp>
#include <cmath>
#include <complex>
#include <xflens/cxxblas/cxxblas.cxx>
// clang-format on

#include <algorithm>
#include <climits>
#include <string>

#include "autodiff/error.hpp"
#include "autodiff/kernels/kernels.hpp"

#ifndef HAVE_CBLAS
#error "cxxblas does not call CBLAS: products would be ten times slower"
#endif

namespace wengert {
namespace {

cxxblas::Transpose flag(bool transposed) { return transposed ? cxxblas::Trans : cxxblas::NoTrans; }

/// Where one extent is 1, the product is bound by memory, and OpenBLAS's general one up to five times slower than need
/// be. False if it is another product.
template <class T>
bool vector_product(const Matrix<T>& a, const Matrix<T>& b, T* c, std::size_t m, std::size_t k, std::size_t n,
                    bool add) {
  const auto& kernel = kernels::of<T>();
  const auto index = [](std::size_t i) { return static_cast<kernels::Index>(i); };
  if (k == 1 && n == 1)
    kernel.scale(a.data, b.data[0], c, index(m), add);
  else if (k == 1 && m == 1)
    kernel.scale(b.data, a.data[0], c, index(n), add);
  else if (n == 1 && (m == 1 || !a.transposed))
    kernel.dot_rows(a.data, b.data, c, index(m), index(k), add);
  else if (n == 1)
    kernel.dot_columns(a.data, b.data, c, index(k), index(m), add);
  else if (m == 1 && b.transposed)
    kernel.dot_rows(b.data, a.data, c, index(n), index(k), add);
  else if (m == 1)
    kernel.dot_columns(b.data, a.data, c, index(k), index(n), add);
  else if (k == 1 && n >= 16)
    for (std::size_t i = 0; i < m; ++i) kernel.scale(b.data, a.data[i], c + i * n, index(n), add);
  else
    return false;
  return true;
}

}  // namespace

int blas_extent(const char* op, std::size_t extent) {
  if (extent > INT_MAX)
    throw ShapeError(std::string(op) + ": an extent of " + std::to_string(extent) + " is beyond BLAS's " +
                     std::to_string(INT_MAX));
  return static_cast<int>(extent);
}

template <class T> void gemm(const char* op, const Matrix<T>& a, const Matrix<T>& b, T* c, bool add) {
  const std::size_t m = a.used_rows(), k = a.used_columns(), n = b.used_columns();
  const int im = blas_extent(op, m), ik = blas_extent(op, k), in = blas_extent(op, n);
  if (m == 0 || n == 0) return;
  if (k > 0 && vector_product(a, b, c, m, k, n, add)) return;
  // OpenBLAS 0.3.21 is slower with beta = 0 than on a cleared C, on the thin products of nets.
  if (!add) std::fill_n(c, m * n, T(0));
  if (k == 0) return;
  cxxblas::gemm<int>(cxxblas::RowMajor, flag(a.transposed), flag(b.transposed), im, in, ik, T(1), a.data,
                     static_cast<int>(a.columns), b.data, static_cast<int>(b.columns), T(1), c, in);
}

namespace {

/// What trsm and trmm have in common. X is [rows, columns]; A has the extent of the side on which it stands.
template <class T, class F>
void triangular(F f, cxxblas::Side side, const Matrix<T>& a, Triangle t, T* x, std::size_t rows, std::size_t columns) {
  if (rows == 0 || columns == 0) return;
  f(cxxblas::RowMajor, side, t.upper ? cxxblas::Upper : cxxblas::Lower, flag(a.transposed),
    t.unit ? cxxblas::Unit : cxxblas::NonUnit, static_cast<int>(rows), static_cast<int>(columns), T(1), a.data,
    static_cast<int>(a.columns), x, static_cast<int>(columns));
}

constexpr auto trsm = [](auto... arguments) { cxxblas::trsm<int>(arguments...); };
constexpr auto trmm = [](auto... arguments) { cxxblas::trmm<int>(arguments...); };

}  // namespace

template <class T> void solve_left(const Matrix<T>& a, Triangle t, T* x, std::size_t columns) {
  if (columns == 1 && a.rows > 0)  // two to five times faster than trsm
    return cxxblas::trsv<int>(cxxblas::RowMajor, t.upper ? cxxblas::Upper : cxxblas::Lower, flag(a.transposed),
                              t.unit ? cxxblas::Unit : cxxblas::NonUnit, static_cast<int>(a.rows), a.data,
                              static_cast<int>(a.rows), x, 1);
  triangular(trsm, cxxblas::Left, a, t, x, a.rows, columns);
}
template <class T> void solve_right(const Matrix<T>& a, Triangle t, T* x, std::size_t rows) {
  triangular(trsm, cxxblas::Right, a, t, x, rows, a.rows);
}
template <class T> void multiply_left(const Matrix<T>& a, Triangle t, T* x, std::size_t columns) {
  triangular(trmm, cxxblas::Left, a, t, x, a.rows, columns);
}

#define WENGERT_INSTANTIATE(T)                                                   \
  template void gemm(const char*, const Matrix<T>&, const Matrix<T>&, T*, bool); \
  template void solve_left(const Matrix<T>&, Triangle, T*, std::size_t);         \
  template void solve_right(const Matrix<T>&, Triangle, T*, std::size_t);        \
  template void multiply_left(const Matrix<T>&, Triangle, T*, std::size_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
