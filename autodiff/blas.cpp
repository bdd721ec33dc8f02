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

#ifndef HAVE_CBLAS
#error "cxxblas does not call CBLAS: products would be ten times slower"
#endif

namespace wengert {

template <class T> void gemm(const char* op, const Matrix<T>& a, const Matrix<T>& b, T* c, bool add) {
  const std::size_t m = a.used_rows(), k = a.used_columns(), n = b.used_columns();
  const auto shape = [](const Matrix<T>& x) {
    return "[" + std::to_string(x.rows) + "," + std::to_string(x.columns) + "]";
  };
  if (b.used_rows() != k) {
    const int ia = a.transposed ? 0 : 1, ib = b.transposed ? 1 : 0;
    throw ShapeError(std::string(op) + ": a is " + shape(a) + " but b is " + shape(b) + "; a.shape[" +
                     std::to_string(ia) + "] = " + std::to_string(k) + " must equal b.shape[" + std::to_string(ib) +
                     "] = " + std::to_string(b.used_rows()));
  }
  if (std::max({m, k, n}) > INT_MAX)
    throw ShapeError(std::string(op) + ": a " + shape(a) + " and b " + shape(b) +
                     " have an extent beyond BLAS's 2147483647");
  if (m == 0 || n == 0) return;
  // OpenBLAS 0.3.21 is slower with beta = 0 than on a cleared C, on the thin products of nets.
  if (!add) std::fill_n(c, m * n, T(0));
  if (k == 0) return;
  const auto flag = [](const Matrix<T>& x) { return x.transposed ? cxxblas::Trans : cxxblas::NoTrans; };
  cxxblas::gemm<int>(cxxblas::RowMajor, flag(a), flag(b), static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
                     T(1), a.data, static_cast<int>(a.columns), b.data, static_cast<int>(b.columns), T(1), c,
                     static_cast<int>(n));
}
template void gemm(const char*, const Matrix<float>&, const Matrix<float>&, float*, bool);
template void gemm(const char*, const Matrix<double>&, const Matrix<double>&, double*, bool);

}  // namespace wengert
