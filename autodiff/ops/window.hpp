// Windows that slide over images: what convolution and pooling have in common.
//
// Output (i,j) of a window with taps (u,v) looks at x[i s + u d - p, j s + v d - p]: s the stride, d the dilation, p the
// padding. To have packs of neighbouring outputs read packs of neighbouring elements, an image is laid out as planes, one
// for each phase of the stride: plane (a,b) holds padded rows a, a+s, a+2s, ... and columns b, b+s, ... . Tap (u,v) is then
// a fixed offset: into plane (u d mod s, v d mod s), by u d div s rows and v d div s columns; it holds for all outputs at
// once, if they are counted in rows of the plane's width, so that sums over windows become sums of shifted planes.
// For stride 1 without padding the image is the one plane, as it lies.
#pragma once

#include <algorithm>
#include <vector>

#include "autodiff/array.hpp"
#include "autodiff/kernels/kernels.hpp"

namespace wengert {

/// A number for each axis of an image, or one for both.
struct Pair {
  std::ptrdiff_t h, w;
  constexpr Pair(std::ptrdiff_t both) : h(both), w(both) {}
  constexpr Pair(std::ptrdiff_t h, std::ptrdiff_t w) : h(h), w(w) {}
};

// For ops.

/// A window along one axis. Numbers of rows are said of both axes.
struct Window {
  using Index = kernels::Index;
  Index in, kernel, stride = 1, padding = 0, dilation = 1;
  Index out = 1;  // how many windows fit

  Index span() const { return (kernel - 1) * dilation + 1; }
  Index reach() const { return (span() - 1) / stride; }  // how far taps go into a plane
  Index rows() const { return out + reach(); }           // of a plane
  Index phases() const { return std::min(stride, span()); }
  // The rows of phase a's plane that lie in the image: [first, last).
  Index first(Index a) const { return std::min(rows(), a < padding ? (padding - a - 1) / stride + 1 : 0); }
  Index last(Index a) const { return std::min(rows(), in + padding > a ? (in + padding - a - 1) / stride + 1 : 0); }
  Index row_in_image(Index a, Index row) const { return row * stride + a - padding; }
  /// The first tap of output i that lies in the image, or -1.
  Index first_tap(Index i) const;
  /// How many taps of output i lie in the image.
  Index taps_inside(Index i) const;
};

struct Windows {
  using Index = kernels::Index;
  Window h, w;

  Index taps() const { return h.kernel * w.kernel; }
  Index image() const { return h.in * w.in; }
  Index outputs() const { return h.out * w.out; }
  Index width() const { return w.rows(); }
  Index plane() const { return h.rows() * width(); }
  Index planes() const { return h.phases() * w.phases(); }
  /// The places of an output in a plane: outputs() of them count, those at the end of a row do not.
  Index places() const { return (h.out - 1) * width() + w.out; }
  /// The number of the plane that tap (u,v) looks into, its offset there, and both as one offset.
  Index plane_of(Index u, Index v) const { return u * h.dilation % h.stride * w.phases() + v * w.dilation % w.stride; }
  Index offset(Index u, Index v) const { return u * h.dilation / h.stride * width() + v * w.dilation / w.stride; }
  Index tap(Index u, Index v) const { return plane_of(u, v) * plane() + offset(u, v); }
  Index reach() const { return h.reach() * width() + w.reach(); }

  bool image_is_plane() const { return h.stride == 1 && w.stride == 1 && h.padding == 0 && w.padding == 0; }
  bool outputs_are_places() const { return w.reach() == 0; }
};

/// From an attribute of the registry: one number or two, else a ValueError.
Pair to_pair(const char* name, const Axes& numbers);

/// "(2,3)"; of a line, which has the second alone, "3".
std::string to_string(Pair p, bool line = false);

/// The windows of a kernel over the images, the last two axes of x [N,C,H,W], or lines, the last of x [N,C,L]. A
/// ValueError or ShapeError names `op` and says `what` the kernel is.
Windows windows(const char* op, const Shape& x, const std::string& what, Pair kernel, Pair stride, Pair padding,
                Pair dilation);

/// The part of a plane that lies in the image.
struct Plane {
  using Index = kernels::Index;
  Index number, start;  // its place among the planes, and of its first element in it
  Index rows, columns;
  Index image;  // where the first element is in the image
};

/// f(plane) for those that the image has a part in.
template <class F> void each_plane(const Windows& s, F f) {
  using Index = kernels::Index;
  for (Index a = 0; a < s.h.phases(); ++a)
    for (Index b = 0; b < s.w.phases(); ++b) {
      const Index top = s.h.first(a), left = s.w.first(b), rows = s.h.last(a) - top, columns = s.w.last(b) - left;
      if (rows > 0 && columns > 0)
        f(Plane{a * s.w.phases() + b, top * s.width() + left, rows, columns,
                s.h.row_in_image(a, top) * s.w.in + s.w.row_in_image(b, left)});
    }
}

// Copies of `count` images, one after the other, to their planes and back. What lies between (padding, the ends of rows)
// is neither read nor written, and elements that no window looks at are not in the planes.
template <class T> void images_to_planes(const Windows& s, kernels::Index count, const T* images, T* planes);
template <class T> void planes_to_images(const Windows& s, kernels::Index count, const T* planes, T* images, bool add);
template <class T> void outputs_to_places(const Windows& s, kernels::Index count, const T* outputs, T* planes);
template <class T>
void places_to_outputs(const Windows& s, kernels::Index count, const T* planes, T* outputs, bool add);

/// Recycled memory, set to 0 and not set.
template <class T> using Scratch = std::vector<T, Allocator<T>>;
template <class T> using Unset = xt::uvector<T, Allocator<T>>;

/// How many samples of that many elements, of `count`, are worked on together: as many as a second-level cache holds.
template <class T> kernels::Index samples_at_once(kernels::Index count, kernels::Index elements) {
  constexpr kernels::Index cache = (kernels::Index{1} << 20) / kernels::Index{sizeof(T)};
  return std::clamp(cache / std::max<kernels::Index>(1, elements), kernels::Index{1},
                    std::max<kernels::Index>(1, count));
}

}  // namespace wengert
