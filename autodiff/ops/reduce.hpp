// Reductions over any axes, and softmax along one. Axes may be negative (counted from the end); none given means all.
// With keepdims, reduced axes stay with extent 1. An axis that is out of range or given twice is a ShapeError. Sums
// carry their rounding errors along (see kernels/sum.hpp): a float32 sum of 2e7 ones is 2e7.
#pragma once

#include "autodiff/ops/axes.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

/// y = the sum of x over the axes; 0 for no elements.   dy = sum dx   so   gx += gy, spread over them.
template <class T> Variable<T> sum(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = (1/n) the sum of x over the axes, n elements each; NaN for n = 0.
template <class T> Variable<T> mean(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = the product of x over the axes; 1 for no elements.
///   dy = the sum of (the product of all others) dx   so   gx += gy y / x, or without the division where there are
/// zeros: one zero gets the product of the others, of two none gets any. Saves x and y.
template <class T> Variable<T> prod(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// y = the largest x along the axes, or the smallest; NaN if there is one. Where several are, each gets an even share of
/// the gradient (PyTorch's amax and amin). A ShapeError if there is nothing to choose from. Saves x and y.
template <class T> Variable<T> max(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);
template <class T> Variable<T> min(Variable<T> x, const AxisList& axes = {}, bool keepdims = false);

/// Where the largest x is along the axis, the first of several; the first NaN if there is one. Of several axes, or all, the
/// index into them as one, row by row. A ShapeError if there is nothing to choose from.
template <class T> Labels argmax(const Variable<T>& x, const AxisList& axes = {}, bool keepdims = false);

/// y = the sum of (x - m)^2 / (n - ddof) over the axes, m the mean of the n elements. ddof = 0, NumPy's default, is the
/// variance of the elements themselves, ddof = 1, PyTorch's, estimates that of what they are a sample of. NaN or inf if n <=
/// ddof. A large mean costs no digits: elements are taken less the first one.
///   dy = 2/(n - ddof) <x - m, dx>   so   gx += 2 gy (x - m) / (n - ddof). Saves x and m.
template <class T>
Variable<T> var(Variable<T> x, const AxisList& axes = {}, std::ptrdiff_t ddof = 0, bool keepdims = false);

/// y = the square root of var(x), std in NumPy and PyTorch.   gx += gy (x - m) / ((n - ddof) y), 0 where y = 0.
/// Saves x, m and y.
template <class T>
Variable<T> stddev(Variable<T> x, const AxisList& axes = {}, std::ptrdiff_t ddof = 0, bool keepdims = false);

/// y = (the sum of |x|^p over the axes)^(1/p), p >= 1; the largest |x| for p = inf; 0 for no elements. Does not overflow
/// unless y does.   For p = 2: dy = <x, dx> / y   so   gx += gy x / y, 0 where y = 0. Saves x and y. A ValueError for p < 1, a
/// ShapeError for p = inf of no elements.
template <class T> Variable<T> norm(Variable<T> x, double p = 2, const AxisList& axes = {}, bool keepdims = false);

/// y_i = x_0 + .. + x_i along the axis.   gx_i += gy_i + .. + gy_last.
template <class T> Variable<T> cumsum(Variable<T> x, std::ptrdiff_t axis);

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
