// The one door to xtensor-blas and OpenBLAS: products and triangular systems of matrices on bare memory.
#pragma once

#include <cstddef>

namespace wengert {

/// A matrix in memory, row-major without gaps: [rows, columns] as stored; `transposed`: it is used as its transpose.
template <class T> struct Matrix {
  const T* data;
  std::size_t rows, columns;
  bool transposed = false;

  std::size_t used_rows() const { return transposed ? columns : rows; }
  std::size_t used_columns() const { return transposed ? rows : columns; }
};

/// C = A B, or C += A B with `add`; C is [used rows of A, used columns of B] and overlaps neither. The inner extents
/// must be equal. A ShapeError names `op` if an extent is beyond BLAS's integers. float32 and float64.
template <class T> void gemm(const char* op, const Matrix<T>& a, const Matrix<T>& b, T* c, bool add);

/// The triangle of a square matrix that is used; the other half of the memory is not read.
struct Triangle {
  bool upper = false;
  bool unit = false;  ///< the diagonal counts as ones
};

/// X <- A^-1 X, A a triangle, [n,n], used as its transpose if `a` says so; X [n,columns].
template <class T> void solve_left(const Matrix<T>& a, Triangle, T* x, std::size_t columns);

/// X <- X A^-1,   X [rows,n].
template <class T> void solve_right(const Matrix<T>& a, Triangle, T* x, std::size_t rows);

/// X <- A X.
template <class T> void multiply_left(const Matrix<T>& a, Triangle, T* x, std::size_t columns);

/// A extent as BLAS and LAPACK count them; a ShapeError names `op` if it is beyond 2147483647.
int blas_extent(const char* op, std::size_t extent);

}  // namespace wengert
