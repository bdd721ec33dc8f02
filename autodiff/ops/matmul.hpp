// Products of matrices and vectors.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert {

/// Which factors are used as their transpose, in their last two axes; none is ever copied for it. A vector has none.
struct Transposed {
  bool a = false, b = false;
};

/// C = A B,   A [...,m,k]   B [...,k,n]   C [...,m,n]   (as used, after transposition); NumPy's matmul:
/// a vector a [k] is a row and a vector b [k] a column, whose axis of 1 the result lacks: [k]·[k] is a number. The batch
/// axes, all but the last two, broadcast. An empty inner axis, k = 0, gives zeros.
///
///   dC = dA B + A dB;   <gC, dA B> = <gC B^T, dA>;   <gC, A dB> = <A^T gC, dB>
///   so   gA += gC B^T       gB += A^T gC       summed over the batch axes along which A, or B, was stretched
///
/// Saves A for gB and B for gA. A ShapeError for numbers, and for inner extents or batch axes that do not fit.
template <class T> Variable<T> matmul(Variable<T> a, Variable<T> b, Transposed transposed = {});

/// Y = X W^T + b,   X [...,in]   W [out,in]   b [out], or an empty handle: none   Y [...,out]: PyTorch's layout. The
/// bias is written first, the GEMM adds to it.
///
///   gX += gY W       gW += gY^T X       gb += sum of gY over the rows
///
/// Saves X for gW and W for gX.
template <class T> Variable<T> linear(Variable<T> x, Variable<T> weight, Variable<T> bias = {});

/// C = a b^T,   a [m]   b [n]   C [m,n].       ga += gC b       gb += gC^T a
/// Saves a for gb and b for ga. A ShapeError for anything but vectors.
template <class T> Variable<T> outer(Variable<T> a, Variable<T> b);

}  // namespace wengert
