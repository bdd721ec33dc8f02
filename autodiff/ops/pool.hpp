// Pooling: the largest or the mean element of the windows that slide over images.
#pragma once

#include "autodiff/ops/window.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

struct MaxPool {
  Pair kernel;
  Pair stride = -1;  ///< -1: as large as the kernel
  Pair padding = 0, dilation = 1;
};

struct AvgPool {
  Pair kernel;
  Pair stride = -1;  ///< -1: as large as the kernel
  Pair padding = 0;
  bool count_include_pad = true;  ///< whether padding counts as elements, of value 0
};

/// y[n,c,i,j] = the largest x[n,c, i s + u d - p, j s + v d - p] over the taps (u,v); x [N,C,H,W], y [N,C,H',W'];
/// H' = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down; W' likewise.
///
///   dy[n,c,i,j] = dx at the largest element   so   gx there += gy[n,c,i,j]; where windows overlap, they add up
///
/// Saves the number of the tap that won, one for each y. Of equal elements the first in scan order wins, and NaN wins over
/// all; padding counts as -inf but never wins: a window with padding alone is -inf and without a gradient. A ShapeError if
/// x is not [N,C,H,W] or a kernel is larger than the padded x; a ValueError for a kernel, stride or dilation below 1 or
/// a padding of more than half the kernel. There is no ceil_mode: windows that would leave the padded x are left out.
template <class T> Variable<T> max_pool2d(Variable<T> x, const MaxPool& options);

/// y[n,c,i,j] = the mean of x over the window, as above; without count_include_pad, of the elements inside x alone.
///
///   gx += gy / (how many are counted), for every element of the window. Saves nothing. Errors as above.
template <class T> Variable<T> avg_pool2d(Variable<T> x, const AvgPool& options);

}  // namespace wengert
