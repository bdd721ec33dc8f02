// Parts of arrays: what slices, paddings, splits and joins are made of. Internal to autodiff/.
#pragma once

#include "autodiff/ops/result.hpp"

namespace wengert {

/// Some elements of an array of shape `whole`, each at most once: element [i,j,..] of the part, which has `shape`, lies
/// at offset + i strides[0] + j strides[1] + ...
struct Part {
  Shape whole, shape;
  std::ptrdiff_t offset;
  Axes strides;
};

/// All of an array; a ShapeError for more axes than the copies can walk, in the name of `op`.
Part all_of(const char* op, const Shape& shape);

/// Its range [start, start + length) along an axis.
Part range_of(const char* op, const Shape& shape, std::size_t axis, std::size_t start, std::size_t length);

/// y = that part of x, contiguous; added to y if `add`.
template <class T> void copy_from(const T* x, const Part& part, T* y, bool add);

/// That part of y = x; the rest of y stays as it is.
template <class T> void copy_to(const T* x, T* y, const Part& part, bool add);

/// y = that part of x.   gx += gy in that part.
template <class T> Variable<T> take_part(const Op& op, const Variable<T>& x, const Part& part);

/// y = x in that part, `value` elsewhere, of shape part.whole.   gx += that part of gy.
template <class T> Variable<T> put_part(const Op& op, const Variable<T>& x, const Part& part, T value);

extern const Op slice_op;

/// The term of a gradient that is a part of g.
template <class T> auto part_term(const Variable<T>& g, const Part& part) {
  return kernel_term<T>(
      part.shape, [&g, &part](T* p, bool add) { copy_from(g.data(), part, p, add); },
      [&g, &part] { return take_part(slice_op, g, part); });
}

}  // namespace wengert
