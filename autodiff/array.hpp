// Array<T>: the one container of wengert, and the shapes that go with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <xtensor/xarray.hpp>

#include "autodiff/error.hpp"
#include "autodiff/memory.hpp"

namespace wengert {

using Shape = xt::svector<std::size_t, 4>;
using Axes = xt::svector<std::ptrdiff_t, 4>;

/// A row-major xtensor array whose memory is recycled. Every xtensor function works on it, and it is made from any
/// xtensor expression, an xt::xarray or an initializer list. All of its parameters are spelled out: xt::xarray<float>
/// is a different type under -DXTENSOR_USE_XSIMD or another -march, and this one must be the same in the library and
/// in the program that uses it.
template <class T> using Array = xt::xarray_container<xt::uvector<T, Allocator<T>>, xt::layout_type::row_major, Shape>;

/// Class labels and indices.
using Labels = Array<std::int64_t>;

/// "[64,10]"; "[]" for a number.
std::string to_string(const Shape& shape);

/// The product of the extents: 1 for a number. A ShapeError if it overflows.
std::size_t count(const Shape& shape);

/// a == b, without a call: on small arrays the comparison of shapes is felt.
inline bool same_shape(const Shape& a, const Shape& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

/// An array of that shape, its elements not set.
template <class T> Array<T> empty(const Shape& shape) { return Array<T>(shape); }

/// `axis` counted from the end if negative, checked against the rank; a ShapeError names `op`.
std::size_t normal_axis(const char* op, std::ptrdiff_t axis, const Shape& shape);

}  // namespace wengert
