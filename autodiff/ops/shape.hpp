// The same elements in another shape or order; parts of arrays, and arrays of parts. Values are contiguous, so what is
// not a mere change of the shape is a copy. Axes are counted from the end if negative; one that is out of range
// is a ShapeError.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <vector>

#include "autodiff/ops/axes.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

/// The extents of a shape to be; one of them may be -1: what the others leave.
class Extents {
 public:
  Extents(std::initializer_list<std::ptrdiff_t> extents) : extents_(extents) {}
  Extents(const Shape& shape) : extents_(shape.begin(), shape.end()) {}
  explicit Extents(Axes extents) : extents_(std::move(extents)) {}

  /// The shape for `size` elements of x; a ShapeError if they do not fill it.
  Shape of(const Shape& x) const;

 private:
  Axes extents_;
};

/// y = x in another shape, row by row.   gx += gy in the shape of x. Free of cost where nobody else holds x, or x is
/// the result of an op and keeps its shape.
template <class T> Variable<T> reshape(Variable<T> x, const Extents& extents);

/// y = x without the axes given, which must have the extent 1; without all such axes if none is given. As reshape.
template <class T> Variable<T> squeeze(Variable<T> x, const AxisList& axes = {});

/// y = x with a new axis of extent 1, which is `axis` of y. As reshape.
template <class T> Variable<T> unsqueeze(Variable<T> x, std::ptrdiff_t axis);

/// y = x with its axes in the order given: y.shape[i] = x.shape[axes[i]]; reversed if none is given.
/// gx += gy with the axes put back. A ShapeError if `axes` is no permutation.
template <class T> Variable<T> transpose(Variable<T> x, Axes axes = {});

/// y = x backwards along the axes.   gx += gy backwards.
template <class T> Variable<T> flip(Variable<T> x, const AxisList& axes = {});

// --- parts --------------------------------------------------------------------------------------------------------

/// Python's start:stop:step. What is left out is the first, or the last; a negative index counts from the end, one
/// that is beyond is clipped, and a negative step goes backwards: {.step = -1} is [::-1].
struct Slice {
  std::optional<std::ptrdiff_t> start = {}, stop = {};
  std::ptrdiff_t step = 1;
};
using Slices = xt::svector<Slice, 4>;

/// y = x[start:stop:step, ..], one slice an axis; axes without one stay whole. slice(x, {{1, 3}, {.step = 2}}) is
/// x[1:3, ::2].   gx += gy there. A ShapeError for more slices than axes, a ValueError for a step of 0.
template <class T> Variable<T> slice(Variable<T> x, const Slices& slices);

/// x in `parts` equal pieces along the axis (as NumPy's split); a ShapeError if it does not divide.
template <class T> std::vector<Variable<T>> split_evenly(Variable<T> x, std::ptrdiff_t parts, std::ptrdiff_t axis);
template <class T, std::integral I> std::vector<Variable<T>> split(Variable<T> x, I parts, std::ptrdiff_t axis = 0) {
  return split_evenly(std::move(x), static_cast<std::ptrdiff_t>(parts), axis);
}

/// x in pieces of the sizes {..} along the axis (as PyTorch's split); a ShapeError if they do not add up.
template <class T> std::vector<Variable<T>> split(Variable<T> x, const Axes& sizes, std::ptrdiff_t axis = 0);

// --- arrays of parts ----------------------------------------------------------------------------------------------

/// How many elements to put before and after those of an axis.
struct Padding {
  std::size_t before = 0, after = 0;
};
using Paddings = xt::svector<Padding, 4>;

/// y = x amid `value`, one padding an axis: pad(x, {{0, 0}, {1, 2}}) adds three columns.   gx += gy in x's place.
template <class T> Variable<T> pad(Variable<T> x, const Paddings& paddings, std::type_identity_t<T> value = 0);

namespace joins {
template <class T> Variable<T> concat(const Variable<T>* xs, std::size_t n, std::ptrdiff_t axis);
template <class T> Variable<T> stack(const Variable<T>* xs, std::size_t n, std::ptrdiff_t axis);
}  // namespace joins

/// y = the xs one behind the other along the axis; their other extents must be equal, or it is a ShapeError.
/// gx_k += gy in x_k's place.
template <class T> Variable<T> concat(std::initializer_list<Variable<T>> xs, std::ptrdiff_t axis = 0) {
  return joins::concat(xs.begin(), xs.size(), axis);
}
template <class T> Variable<T> concat(const std::vector<Variable<T>>& xs, std::ptrdiff_t axis = 0) {
  return joins::concat(xs.data(), xs.size(), axis);
}

/// y = the xs, of one shape, along a new axis, which is `axis` of y.   gx_k += gy[.., k, ..].
template <class T> Variable<T> stack(std::initializer_list<Variable<T>> xs, std::ptrdiff_t axis = 0) {
  return joins::stack(xs.begin(), xs.size(), axis);
}
template <class T> Variable<T> stack(const std::vector<Variable<T>>& xs, std::ptrdiff_t axis = 0) {
  return joins::stack(xs.data(), xs.size(), axis);
}

}  // namespace wengert
