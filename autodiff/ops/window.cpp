#include "autodiff/ops/window.hpp"

namespace wengert {

using kernels::Index;

Index Window::first_tap(Index i) const {
  for (Index u = 0; u < kernel; ++u)
    if (const Index at = i * stride + u * dilation - padding; at >= 0) return at < in ? u : -1;
  return -1;
}

Index Window::taps_inside(Index i) const {
  Index count = 0;
  for (Index u = 0; u < kernel; ++u) {
    const Index at = i * stride + u * dilation - padding;
    count += at >= 0 && at < in;
  }
  return count;
}

Pair to_pair(const char* name, const Axes& numbers) {
  if (numbers.size() == 1) return numbers[0];
  if (numbers.size() == 2) return {numbers[0], numbers[1]};
  throw ValueError(std::string(name) + ": " + std::to_string(numbers.size()) +
                   " numbers given; it takes one for both axes of an image, or two");
}

std::string to_string(Pair p, bool line) {
  return line ? std::to_string(p.w) : "(" + std::to_string(p.h) + "," + std::to_string(p.w) + ")";
}

Windows windows(const char* op, const Shape& x, const std::string& what, Pair kernel, Pair stride, Pair padding,
                Pair dilation) {
  constexpr Index most = 2147483647;
  const bool line = x.size() == 3;  // one axis to slide along, the last
  const auto need = [&](const char* name, Pair p, Index least) {
    if (std::min(p.h, p.w) >= least && std::max(p.h, p.w) <= most) return;
    throw ValueError(std::string(op) + ": " + name + " is " + to_string(p, line) + "; it must be at least " +
                     std::to_string(least) + (std::max(p.h, p.w) > most ? " and at most " + std::to_string(most) : ""));
  };
  need("kernel", kernel, 1);
  need("stride", stride, 1);
  need("padding", padding, 0);
  need("dilation", dilation, 1);
  const auto along = [&](std::size_t axis, Index k, Index s, Index p, Index d) {
    Window w{static_cast<Index>(x[axis]), k, s, p, d};
    if (w.in > most) throw ShapeError(std::string(op) + ": x is " + to_string(x) + ", too long for a window");
    const Index left = w.in + 2 * p - w.span();
    if (left < 0)
      throw ShapeError(std::string(op) + ": x is " + to_string(x) + " but " + what + "; along axis " +
                       std::to_string(axis) + " the kernel spans " + std::to_string(w.span()) +
                       ", more than the padded x with " + std::to_string(w.in + 2 * p) +
                       "; give more padding or a smaller kernel");
    w.out = left / s + 1;
    return w;
  };
  const std::size_t last = x.size() - 1;
  return {line ? Window{1, 1} : along(last - 1, kernel.h, stride.h, padding.h, dilation.h),
          along(last, kernel.w, stride.w, padding.w, dilation.w)};
}

template <class T> void images_to_planes(const Windows& s, Index count, const T* images, T* planes) {
  each_plane(s, [&](const Plane& p) {
    const kernels::Grid grid{p.rows, p.columns, s.h.stride * s.w.in, s.w.stride, s.width(), 1};
    for (Index i = 0; i < count; ++i)
      kernels::of<T>().copy_grid(images + i * s.image() + p.image,
                                 planes + (i * s.planes() + p.number) * s.plane() + p.start, grid, false);
  });
}

template <class T> void planes_to_images(const Windows& s, Index count, const T* planes, T* images, bool add) {
  each_plane(s, [&](const Plane& p) {
    const kernels::Grid grid{p.rows, p.columns, s.width(), 1, s.h.stride * s.w.in, s.w.stride};
    for (Index i = 0; i < count; ++i)
      kernels::of<T>().copy_grid(planes + (i * s.planes() + p.number) * s.plane() + p.start,
                                 images + i * s.image() + p.image, grid, add);
  });
}

template <class T> void outputs_to_places(const Windows& s, Index count, const T* outputs, T* planes) {
  const kernels::Grid grid{s.h.out, s.w.out, s.w.out, 1, s.width(), 1};
  for (Index i = 0; i < count; ++i)
    kernels::of<T>().copy_grid(outputs + i * s.outputs(), planes + i * s.plane(), grid, false);
}

template <class T> void places_to_outputs(const Windows& s, Index count, const T* planes, T* outputs, bool add) {
  const kernels::Grid grid{s.h.out, s.w.out, s.width(), 1, s.w.out, 1};
  for (Index i = 0; i < count; ++i)
    kernels::of<T>().copy_grid(planes + i * s.plane(), outputs + i * s.outputs(), grid, add);
}

#define WENGERT_INSTANTIATE(T)                                               \
  template void images_to_planes(const Windows&, Index, const T*, T*);       \
  template void planes_to_images(const Windows&, Index, const T*, T*, bool); \
  template void outputs_to_places(const Windows&, Index, const T*, T*);      \
  template void places_to_outputs(const Windows&, Index, const T*, T*, bool);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
