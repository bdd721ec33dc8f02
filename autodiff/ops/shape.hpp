// The same elements in another shape or order.
#pragma once

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

/// y = x in another shape, row by row.   gx += gy in the shape of x. Free of cost where nobody else holds x.
template <class T> Variable<T> reshape(Variable<T> x, const Extents& extents);

/// y = x with its axes in the order given: y.shape[i] = x.shape[axes[i]]; reversed if none is given.
/// gx += gy with the axes put back. A ShapeError if `axes` is no permutation.
template <class T> Variable<T> transpose(Variable<T> x, Axes axes = {});

}  // namespace wengert
