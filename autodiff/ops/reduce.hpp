// Reductions over any axes, and softmax along one. Axes may be negative (counted from the end); none given means all.
// With keepdims, reduced axes stay with extent 1. An axis that is out of range or given twice is a ShapeError. Sums
// carry their rounding errors along (see kernels/sum.hpp): a float32 sum of 2e7 ones is 2e7.
#pragma once

#include "autodiff/ops/axes.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

/// y = the sum of x over the axes.   dy = sum dx   so   gx += gy, spread over them.
template <class T> Variable<T> sum(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = (1/n) the sum of x over the axes, n elements each; NaN for n = 0.
template <class T> Variable<T> mean(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = the largest x along the axes; NaN if there is one. Where several are largest, each gets an even share of the
/// gradient (PyTorch's amax). A ShapeError if there is nothing to choose from. Saves x and y.
template <class T> Variable<T> max(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = ln of the sum of e^x along the axes, in nats; -inf for no elements. Neither overflows nor loses the small ones:
/// m + log1p(the sum of e^(x - m) over the others), m the largest.   dy = <softmax(x), dx>   so   gx += gy e^(x - y).
/// Saves x and y.
template <class T> Variable<T> logsumexp(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = e^x / the sum of e^x along the axis.   dy = y (dx - <y, dx>)   so   gx += y (gy - <gy, y>). Saves y.
template <class T> Variable<T> softmax(Variable<T> x, std::ptrdiff_t axis = -1);

/// y = x - logsumexp(x) along the axis.   dy = dx - <e^y, dx>   so   gx += gy - e^y <gy, 1>. Saves y.
template <class T> Variable<T> log_softmax(Variable<T> x, std::ptrdiff_t axis = -1);

/// x summed over the axes along which `shape` would have been stretched to x's.
template <class T> Variable<T> sum_to(Variable<T> x, const Shape& shape);

/// x stretched to `shape` by the rules of broadcasting.   gx += gy, summed to the shape of x.
template <class T> Variable<T> broadcast_to(Variable<T> x, const Shape& shape);

}  // namespace wengert
