// Products of matrices.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert {

/// Which factors are used as their transpose; none is ever copied for it.
struct Transposed {
  bool a = false, b = false;
};

/// C = A B,   A [m,k]   B [k,n]   (as used, after transposition)
///
///   dC = dA B + A dB;   <gC, dA B> = <gC B^T, dA>;   <gC, A dB> = <A^T gC, dB>
///   so   gA += gC B^T       gB += A^T gC
///
/// Saves A for gB and B for gA. A ShapeError for anything but two matrices with the same inner extent.
template <class T> Variable<T> matmul(Variable<T> a, Variable<T> b, Transposed transposed = {});

/// Y = X W^T + b,   X [N,in]   W [out,in]   b [out]: PyTorch's layout. The bias is written first, the GEMM adds to it.
///
///   gX += gY W       gW += gY^T X       gb += sum of gY over the rows
///
/// Saves X for gW and W for gX.
template <class T> Variable<T> linear(Variable<T> x, Variable<T> weight, Variable<T> bias);

}  // namespace wengert
