// Convolution, as nets mean it: cross-correlation, in PyTorch's layout.
//
//   y[n,o,i,j] = b[o] + sum over c, u, v of w[o,c,u,v] x[n,c, i s + u d - p, j s + v d - p]      (x is 0 outside)
//
// y is linear in x and in w, so everything about it follows from one form, linear in three:
//
//   B(x, w, g) = <g, conv(x, w)> = the sum over all n, o, i, j, c, u, v of g[n,o,i,j] w[o,c,u,v] x[n,c,...]
//
//   dB/dg = conv(x, w) = y
//   dB/dx = g spread back through the windows, weighted by w: the gradient of x  ("transposed convolution")
//   dB/dw = x in the windows, weighted by g: the gradient of w
//
// Each of the three is linear in the two arguments left, and its derivative by either is one of the other two. Recorded
// for derivatives of derivatives, they need nothing beyond each other.
#pragma once

#include "autodiff/ops/window.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

struct Conv2d {
  Pair stride = 1, padding = 0, dilation = 1;  ///< along [H,W]; one number for both
  std::ptrdiff_t groups = 1;                   ///< channels in so many groups, each with filters of its own
};

struct Conv1d {
  std::ptrdiff_t stride = 1, padding = 0, dilation = 1, groups = 1;
};

/// y [N,O,H',W'] from x [N,C,H,W], weight [O,C/groups,KH,KW] and bias [O] or an empty handle;
/// H' = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1, rounded down; W' likewise.
///
///   gx += dB/dx       gw += dB/dw       gb += the sum of gy over [N,H',W']
///
/// Saves x for gw and w for gx. A ShapeError where shapes do not fit each other or a kernel is larger than the padded x; a
/// ValueError for a stride, dilation or groups below 1, a negative padding. N = 0 gives an empty y; without channels
/// (C = 0) y is the bias, or 0.
template <class T>
Variable<T> conv2d(Variable<T> x, Variable<T> weight, Variable<T> bias = {}, const Conv2d& options = {});

/// The same along one axis: y [N,O,L'] from x [N,C,L], weight [O,C/groups,K], bias [O] or an empty handle.
template <class T>
Variable<T> conv1d(Variable<T> x, Variable<T> weight, Variable<T> bias = {}, const Conv1d& options = {});

}  // namespace wengert
