// The one door to xtensor-blas and OpenBLAS.
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

/// C = A B, or C += A B with `add`; C is [used rows of A, used columns of B] and overlaps neither. A ShapeError names
/// `op` if the inner extents differ. float32 and float64.
template <class T> void gemm(const char* op, const Matrix<T>& a, const Matrix<T>& b, T* c, bool add);

}  // namespace wengert
