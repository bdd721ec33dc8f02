// Linear systems and factorisations of square matrices, by LAPACK (autodiff/lapack.hpp). Each takes stacks of matrices,
// A [...,n,n], whose batch axes are worked through one after the other; n may be 0. A ShapeError for what is not square.
//
// A matrix with an entry that is not finite gives NaN in its whole result. Singular means that a pivot is exactly 0,
// as in LAPACK: a matrix that is singular but for rounding is taken as it is, with results as large as its condition
// makes them.
//
// The formulas are those of M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
// differentiation", 2008. A first derivative reuses the factorisation that the forward made; so do the systems of the
// higher ones.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert {

/// X = A^-1 B,   A [...,n,n]   B [...,n,m] or a vector [n]   X in the shape of B. By LU with partial pivoting.
/// The batch axes broadcast as in matmul; only a B of one axis is a vector (NumPy 2's rule).
///
///   A X = B:   dA X + A dX = dB,   dX = A^-1 (dB - dA X)
///   so   Z = A^-T gX,    gB += Z       gA -= Z X^T      summed over the batch axes along which B, or A, was stretched
///
/// Saves A, its LU and X. A ValueError if A is singular: "solve: a [3,3] is singular: pivot 2 is 0".
template <class T> Variable<T> solve(Variable<T> a, Variable<T> b);

/// What solve_triangular uses of A: the lower triangle or the upper one, or its transpose.
struct Triangular {
  bool upper = false;
  bool transposed = false;
};

/// X = A^-1 B for a triangle A, or A^-T B; shapes as for solve. The other triangle of A is not read.
///
///   gB and gA as for solve, gA only in the triangle; with `transposed`, A^T X = B:   Z = A^-1 gX,   gA -= X Z^T
///
/// Saves A and X. A ValueError if there is a 0 on the diagonal.
template <class T> Variable<T> solve_triangular(Variable<T> a, Variable<T> b, Triangular of = {});

/// Y = A^-1,   A and Y [...,n,n].
///
///   A Y = 1:   dA Y + A dY = 0,   dY = -Y dA Y
///   so   gA -= Y^T gY Y^T
///
/// Saves Y. A ValueError if A is singular. To multiply by A^-1, solve() is cheaper and more accurate.
template <class T> Variable<T> inv(Variable<T> a);

/// y = ln det A,   A [...,n,n]   y [...]; 0 for n = 0. From the pivots of its LU, summed wide: it neither over- nor
/// underflows where the determinant would.
///
///   d det A = det A tr(A^-1 dA)   (Jacobi),   dy = tr(A^-1 dA)
///   so   gA += gy A^-T
///
/// Saves A and its LU. A ValueError if A is singular or its determinant negative, whose logarithm is not real (PyTorch's
/// logdet gives NaN there).
template <class T> Variable<T> logdet(Variable<T> a);

/// L, lower triangular, with L L^T = S = (A + A^T)/2,   A and L [...,n,n]. Of A only its symmetric part S counts: then
/// the gradient is symmetric, and agrees with finite differences entry by entry, whether or not A is symmetric. (PyTorch's
/// reads one triangle, and has the same gradient for a symmetric A.) The upper triangle of L is 0.
///
///   dS = dL L^T + L dL^T,   L^-1 dS L^-T = M + M^T  with  M = L^-1 dL lower triangular,
///   so   dL = L phi(L^-1 dS L^-T),   phi: the lower triangle, its diagonal halved
///   <gL, dL> = <phi(L^T gL), L^-1 dS L^-T> = <L^-T phi(L^T gL) L^-1, dS>,   dS = (dA + dA^T)/2
///   so   gA += 1/2 L^-T (phi(L^T gL) + phi(L^T gL)^T) L^-1
///
/// I. Murray, "Differentiation of the Cholesky decomposition", 2016. Saves L. A ValueError if S is not positive
/// definite: "cholesky: a [3,3] is not positive definite: the leading minor of order 2 is not positive".
template <class T> Variable<T> cholesky(Variable<T> a);

}  // namespace wengert
