#include "autodiff/ops/pool.hpp"

#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;
using kernels::Tap;

constexpr Op max_op{.name = "max_pool2d", .formula = "y = the largest x of a window", .kinked = true},
    avg_op{"avg_pool2d", "y = the mean of x over a window"},
    put_op{"max_pool_put", "x = y at the place that won, else 0"},
    pick_op{"max_pool_pick", "y = x at the place that won"},
    spread_op{"avg_pool_spread", "x = the shares of all windows"};

/// x [images, image], y [images, outputs].
struct Pooling {
  Index samples, channels;
  Windows windows;
  bool count_include_pad = true;

  Index images() const { return samples * channels; }
  Shape x_shape() const { return shape(windows.h.in, windows.w.in); }
  Shape y_shape() const { return shape(windows.h.out, windows.w.out); }

 private:
  Shape shape(Index h, Index w) const {
    return {std::size_t(samples), std::size_t(channels), std::size_t(h), std::size_t(w)};
  }
};

Scratch<Tap> taps_of(const Windows& v) {
  Scratch<Tap> taps;
  for (Index i = 0; i < v.h.kernel; ++i)
    for (Index j = 0; j < v.w.kernel; ++j) taps.push_back({0, v.tap(i, j)});
  return taps;
}

// --- max ---------------------------------------------------------------------------------------------------------

/// For each output the first tap inside the image, -1 if there is none: what wins while nothing is more than -inf.
template <class T> Unset<T> first_taps(const Windows& v) {
  Unset<T> first(static_cast<std::size_t>(v.outputs()));
  for (Index i = 0; i < v.h.out; ++i)
    for (Index j = 0; j < v.w.out; ++j) {
      const Index row = v.h.first_tap(i), column = v.w.first_tap(j);
      first[i * v.w.out + j] = static_cast<T>(row < 0 || column < 0 ? -1 : row * v.w.kernel + column);
    }
  return first;
}

template <class T> void run_max(const Pooling& s, const T* x, T* y, T* winner) {
  const Windows& v = s.windows;
  const bool own = !v.image_is_plane();
  Scratch<T> planes(own ? v.planes() * v.plane() : 0, -std::numeric_limits<T>::infinity());
  const Scratch<Tap> taps = taps_of(v);
  const Unset<T> first = first_taps<T>(v);
  for (Index n = 0; n < s.images(); ++n) {
    if (own) images_to_planes(v, 1, x + n * v.image(), planes.data());
    kernels::of<T>().max_taps(own ? planes.data() : x + n * v.image(), taps.data(), v.taps(), first.data(),
                              y + n * v.outputs(), winner ? winner + n * v.outputs() : nullptr,
                              {v.h.out, v.w.out, v.width(), v.w.out});
  }
}

/// f(place in x, place in y) for every output that has a winner.
template <class T, class F> void each_winner(const Pooling& s, const T* winner, F f) {
  const Windows& v = s.windows;
  Scratch<Index> at;  // of each tap, from output (0,0)
  for (Index i = 0; i < v.h.kernel; ++i)
    for (Index j = 0; j < v.w.kernel; ++j)
      at.push_back((i * v.h.dilation - v.h.padding) * v.w.in + j * v.w.dilation - v.w.padding);
  Index y = 0;
  for (Index n = 0; n < s.images(); ++n)
    for (Index i = 0; i < v.h.out; ++i) {
      Index x = n * v.image() + i * v.h.stride * v.w.in;
      for (Index j = 0; j < v.w.out; ++j, ++y, x += v.w.stride)
        if (const auto tap = static_cast<Index>(winner[y]); tap >= 0) f(x + at[static_cast<std::size_t>(tap)], y);
    }
}

template <class T> void run_put(const Pooling& s, const T* y, const T* winner, T* x, bool add) {
  if (!add) std::fill_n(x, s.images() * s.windows.image(), T(0));
  each_winner(s, winner, [&](Index in, Index out) { x[in] += y[out]; });
}

template <class T> void run_pick(const Pooling& s, const T* x, const T* winner, T* y, bool add) {
  if (!add) std::fill_n(y, s.images() * s.windows.outputs(), T(0));
  each_winner(s, winner, [&](Index in, Index out) { y[out] += x[in]; });
}

template <class T> Variable<T> put(const Pooling& s, Variable<T> y, Variable<T> winner);

template <class T>
auto put_term(const Shape& shape, const Pooling& s, const Variable<T>& g, const Variable<T>& winner) {
  return kernel_term<T>(
      shape, [&](T* p, bool add) { run_put(s, g.data(), winner.data(), p, add); }, [&] { return put(s, g, winner); });
}

template <class T> Variable<T> pick(const Pooling& s, Variable<T> x, Variable<T> winner) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(s.y_shape());
  run_pick(s, x.data(), winner.data(), out(y), false);
  if (gx)
    record(pick_op, y, [gx, s, winner](Upstream<T>& g) {
      const Shape shape = s.x_shape();
      g.add(gx, put_term(shape, s, *g, winner));
    });
  return y;
}

template <class T> Variable<T> put(const Pooling& s, Variable<T> y, Variable<T> winner) {
  const Edge<T> gy = edge(y);
  Variable<T> x = make_result<T>(s.x_shape());
  run_put(s, y.data(), winner.data(), out(x), false);
  if (gy)
    record(put_op, x, [gy, s, winner](Upstream<T>& g) {
      const Shape shape = s.y_shape();
      g.add(gy, kernel_term<T>(
                    shape, [&](T* p, bool add) { run_pick(s, g->data(), winner.data(), p, add); },
                    [&] { return pick(s, *g, winner); }));
    });
  return x;
}

// --- mean --------------------------------------------------------------------------------------------------------

/// How many elements are counted, for each output.
template <class T> Unset<T> counts(const Pooling& s) {
  const Windows& v = s.windows;
  Unset<T> count(static_cast<std::size_t>(v.outputs()));
  for (Index i = 0; i < v.h.out; ++i)
    for (Index j = 0; j < v.w.out; ++j)
      count[i * v.w.out + j] = static_cast<T>(s.count_include_pad ? v.taps() : v.h.taps_inside(i) * v.w.taps_inside(j));
  return count;
}

template <class T> void run_mean(const Pooling& s, const T* x, T* y, bool add) {
  const Windows& v = s.windows;
  const bool own = !v.image_is_plane();
  Scratch<T> planes(own ? v.planes() * v.plane() : 0);
  const Scratch<Tap> taps = taps_of(v);
  const Unset<T> count = counts<T>(s);
  for (Index n = 0; n < s.images(); ++n) {
    if (own) images_to_planes(v, 1, x + n * v.image(), planes.data());
    kernels::of<T>().sum_taps(own ? planes.data() : x + n * v.image(), taps.data(), v.taps(), count.data(),
                              y + n * v.outputs(), {v.h.out, v.w.out, v.width(), v.w.out}, add);
  }
}

// As the gradient of a convolution with weights 1: a place q of a plane of x meets place q - offset(u,v) of y / count.
template <class T> void run_spread(const Pooling& s, const T* y, T* x, bool add) {
  const Windows& v = s.windows;
  const bool own = !v.image_is_plane();
  Scratch<T> shares(v.reach() + v.plane());
  Unset<T> planes(own ? v.planes() * v.plane() : 0);
  T* const from = shares.data() + v.reach();
  const Unset<T> count = counts<T>(s);
  const Tap itself{0, 0};
  Scratch<Scratch<Tap>> taps(static_cast<std::size_t>(v.planes()));
  for (Index i = 0; i < v.h.kernel; ++i)
    for (Index j = 0; j < v.w.kernel; ++j)
      taps[static_cast<std::size_t>(v.plane_of(i, j))].push_back({0, -v.offset(i, j)});
  if (own && !add) std::fill_n(x, s.images() * v.image(), T(0));  // some of it may be out of every window
  for (Index n = 0; n < s.images(); ++n, x += v.image(), y += v.outputs()) {
    kernels::of<T>().sum_taps(y, &itself, 1, count.data(), from, {v.h.out, v.w.out, v.w.out, v.width()}, false);
    each_plane(v, [&](const Plane& p) {
      const auto& t = taps[static_cast<std::size_t>(p.number)];
      kernels::of<T>().sum_taps(from + p.start, t.data(), static_cast<Index>(t.size()), nullptr,
                                (own ? planes.data() + p.number * v.plane() : x) + p.start,
                                {p.rows, p.columns, v.width(), v.width()}, add && !own);
    });
    if (own) planes_to_images(v, 1, planes.data(), x, add);
  }
}

template <class T> Variable<T> spread(const Pooling& s, Variable<T> y);

template <class T> Variable<T> mean_of(const Pooling& s, Variable<T> x) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(s.y_shape());
  run_mean(s, x.data(), out(y), false);
  if (gx)
    record(avg_op, y, [gx, s](Upstream<T>& g) {
      const Shape shape = s.x_shape();
      g.add(gx, kernel_term<T>(
                    shape, [&](T* p, bool add) { run_spread(s, g->data(), p, add); }, [&] { return spread(s, *g); }));
    });
  return y;
}

template <class T> Variable<T> spread(const Pooling& s, Variable<T> y) {
  const Edge<T> gy = edge(y);
  Variable<T> x = make_result<T>(s.x_shape());
  run_spread(s, y.data(), out(x), false);
  if (gy)
    record(spread_op, x, [gy, s](Upstream<T>& g) {
      const Shape shape = s.y_shape();
      g.add(gy, kernel_term<T>(
                    shape, [&](T* p, bool add) { run_mean(s, g->data(), p, add); }, [&] { return mean_of(s, *g); }));
    });
  return x;
}

// --- checks ------------------------------------------------------------------------------------------------------

Pooling pooling(const char* op, const Shape& x, Pair kernel, Pair stride, Pair padding, Pair dilation) {
  if (x.size() != 4) throw ShapeError(std::string(op) + ": x is " + to_string(x) + "; it must be [N,C,H,W]");
  if (stride.h == -1 && stride.w == -1) stride = kernel;
  const Pooling s{Index(x[0]), Index(x[1]),
                  windows(op, x, "the kernel is " + to_string(kernel), kernel, stride, padding, dilation)};
  if (padding.h > kernel.h / 2 || padding.w > kernel.w / 2)
    throw ValueError(std::string(op) + ": padding is " + to_string(padding) + " but the kernel is " +
                     to_string(kernel) + "; it must be at most half the kernel");
  return s;
}

}  // namespace

template <class T> Variable<T> max_pool2d(Variable<T> x, const MaxPool& o) {
  const Pooling s = pooling("max_pool2d", x.shape(), o.kernel, o.stride, o.padding, o.dilation);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(s.y_shape()), winner = gx ? make_result<T>(s.y_shape()) : Variable<T>();
  run_max(s, x.data(), out(y), winner ? out(winner) : nullptr);
  if (gx)
    record(max_op, y, [gx, s, winner](Upstream<T>& g) {
      const Shape shape = s.x_shape();
      g.add(gx, put_term(shape, s, *g, winner));
    });
  return y;
}

template <class T> Variable<T> avg_pool2d(Variable<T> x, const AvgPool& o) {
  Pooling s = pooling("avg_pool2d", x.shape(), o.kernel, o.stride, o.padding, 1);
  s.count_include_pad = o.count_include_pad;
  return mean_of(s, std::move(x));
}

template Variable<float> max_pool2d(Variable<float>, const MaxPool&);
template Variable<double> max_pool2d(Variable<double>, const MaxPool&);
template Variable<float> avg_pool2d(Variable<float>, const AvgPool&);
template Variable<double> avg_pool2d(Variable<double>, const AvgPool&);

std::vector<Declared> declared_pool() {
  const Attribute kernel{"kernel", "ints", "", "along [H,W]; one number for both"},
      stride{"stride", "ints", "-1", "-1: as large as the kernel"}, padding{"padding", "ints", "0"};
  return {
      declare(max_op, {{"x", {-2, 2}, Draw::distinct}}, {kernel, stride, padding, {"dilation", "ints", "1"}},
              {"x=[2,2,4,5] kernel=2", "x=[1,2,5,4] kernel=3 stride=1", "x=[1,1,5,6] kernel=3,2 stride=2,1 padding=1",
               "x=[1,1,6,5] kernel=2 stride=1 dilation=2,3", "x=[1,1,5,5] kernel=1 stride=3", "x=[0,2,4,4] kernel=2"},
              [](const auto& a) {
                return max_pool2d(
                    a["x"], {to_pair("kernel", a.integers("kernel")), to_pair("stride", a.integers("stride")),
                             to_pair("padding", a.integers("padding")), to_pair("dilation", a.integers("dilation"))});
              }),
      declare(avg_op, {{"x"}},
              {kernel, stride, padding, {"count_include_pad", "flag", "true", "whether padding counts, as 0"}},
              {"x=[2,2,4,5] kernel=2", "x=[1,2,5,4] kernel=3 stride=1", "x=[1,1,5,6] kernel=3,2 stride=2,1 padding=1",
               "x=[1,1,5,4] kernel=3 stride=2 padding=1 count_include_pad=false", "x=[1,1,5,5] kernel=1 stride=3",
               "x=[0,2,4,4] kernel=2"},
              [](const auto& a) {
                return avg_pool2d(a["x"],
                                  {to_pair("kernel", a.integers("kernel")), to_pair("stride", a.integers("stride")),
                                   to_pair("padding", a.integers("padding")), a.flag("count_include_pad")});
              })};
}

}  // namespace wengert
