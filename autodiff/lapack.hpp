// Factorisations of square matrices on bare row-major memory, [n,n], by LAPACK.
//
// LAPACK counts by columns, so what it sees is A^T, and nothing is transposed for it: its factorisation A^T = P L U is
// A = (U^T L^T) P^T. Both triangles then lie where they are found by rows, L first: A = L U P^T, where U has ones on its
// diagonal and it is columns of A that were exchanged.
#pragma once

#include <cstddef>

namespace wengert {

/// A -> L and U in its place, and for each column the one that it was exchanged with. Returns the first i for which
/// L[i,i] is 0, or n. A must be finite.
template <class T> std::size_t factor_lu(T* a, std::size_t n, int* pivots);

/// X <- A^-1 X, or with `transposed` A^-T X;   X [n,columns].
template <class T>
void solve_lu(const T* lu, const int* pivots, std::size_t n, T* x, std::size_t columns, bool transposed);

/// A -> L with A = L L^T, in the lower triangle; the upper one is neither read nor written. Returns the first i for
/// which the leading minor of order i + 1 is not positive, or n. A must be finite.
template <class T> std::size_t factor_cholesky(T* a, std::size_t n);

}  // namespace wengert
