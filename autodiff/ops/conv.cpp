#include "autodiff/ops/conv.hpp"

#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;
using kernels::Tap;

constexpr Op conv2d_op{"conv2d", "y[n,o,i,j] = b[o] + sum over c,u,v of w[o,c,u,v] x[n,c,i s+u d-p,j s+v d-p]"},
    conv1d_op{"conv1d", "y[n,o,i] = b[o] + sum over c,u of w[o,c,u] x[n,c,i s+u d-p]"},
    input_op{"conv_input", "dB/dx of B = <g, conv(x, w)>"}, weight_op{"conv_weight", "dB/dw of B = <g, conv(x, w)>"};

/// The arguments of B, each in the place of its partial derivative.
enum Part { X, W, Y };

/// x [N, groups channels, image], w [groups filters, channels, taps], y [N, groups filters, outputs].
struct Geometry {
  Index samples, groups, channels, filters;
  Windows windows;
  bool line;  // conv1d: one axis, not two

  Index fan_in() const { return channels * windows.taps(); }
  const Op& op(Part part) const { return part == X ? input_op : part == W ? weight_op : line ? conv1d_op : conv2d_op; }
  Shape shape(Part part) const {
    const Index first = part == W ? groups * filters : samples;
    const Index second = part == W ? channels : groups * (part == X ? channels : filters);
    const auto extent = [&](const Window& w) { return part == X ? w.in : part == W ? w.kernel : w.out; };
    Shape s{static_cast<std::size_t>(first), static_cast<std::size_t>(second)};
    if (!line) s.push_back(static_cast<std::size_t>(extent(windows.h)));
    s.push_back(static_cast<std::size_t>(extent(windows.w)));
    return s;
  }
};

/// The taps of a filter: where each is in w, and in the planes of x.
Scratch<Tap> taps_of(const Geometry& s) {
  const Windows& v = s.windows;
  Scratch<Tap> taps;
  taps.reserve(static_cast<std::size_t>(s.fan_in()));
  for (Index c = 0; c < s.channels; ++c)
    for (Index i = 0; i < v.h.kernel; ++i)
      for (Index j = 0; j < v.w.kernel; ++j)
        taps.push_back({static_cast<Index>(taps.size()), c * v.planes() * v.plane() + v.tap(i, j)});
  return taps;
}

// --- the three derivatives ---------------------------------------------------------------------------------------
//
// x, y or its gradient are used as they lie where their rows have no gaps as planes; else a few samples at a time are
// copied, to or from planes that stay in the cache.

template <class T> void run_y(const Geometry& s, const T* x, const T* w, const T* bias, T* y, bool add) {
  const Windows& v = s.windows;
  const Index inputs = s.groups * s.channels, outputs = s.groups * s.filters;
  const bool own_x = !v.image_is_plane(), own_y = !v.outputs_are_places();
  const Index x_image = v.planes() * v.plane(), y_image = own_y ? v.plane() : v.outputs();
  const Index at_once = samples_at_once<T>(s.samples, inputs * x_image + outputs * y_image);
  Scratch<T> x_planes(own_x ? at_once * inputs * x_image : 0);
  Unset<T> y_planes(own_y ? at_once * outputs * y_image : 0);
  const Scratch<Tap> taps = taps_of(s);
  for (Index n = 0; n < s.samples;
       n += at_once, x += at_once * inputs * v.image(), y += at_once * outputs * v.outputs()) {
    const Index samples = std::min(at_once, s.samples - n);
    if (own_x) images_to_planes(v, samples * inputs, x, x_planes.data());
    const T* const from = own_x ? x_planes.data() : x;
    T* const to = own_y ? y_planes.data() : y;
    for (Index g = 0; g < s.groups; ++g)
      kernels::of<T>().correlate({.a = w + g * s.filters * s.fan_in(),
                                  .a_row = s.fan_in(),
                                  .x = from + g * s.channels * x_image,
                                  .x_sample = inputs * x_image,
                                  .taps = taps.data(),
                                  .count = s.fan_in(),
                                  .start = bias ? bias + g * s.filters : nullptr,
                                  .y = to + g * s.filters * y_image,
                                  .y_sample = outputs * y_image,
                                  .y_row = y_image,
                                  .samples = samples,
                                  .rows = s.filters,
                                  .length = v.places(),
                                  .add = add && !own_y});
    if (own_y) places_to_outputs(v, samples * outputs, y_planes.data(), y, add);
  }
}

// A place q of plane (a,b) of x meets place q - offset(u,v) of g for every tap (u,v) that looks into that plane; before
// the first plane of g, and between its rows, there are zeros.
template <class T> void run_x(const Geometry& s, const T* w, const T* g, T* gx, bool add) {
  const Windows& v = s.windows;
  const Index inputs = s.groups * s.channels, outputs = s.groups * s.filters;
  const bool own_x = !v.image_is_plane(), own_g = v.reach() > 0;
  const Index x_image = v.planes() * v.plane(), margin = v.reach();
  const Index at_once = samples_at_once<T>(s.samples, inputs * x_image + outputs * v.plane());
  Unset<T> x_planes(own_x ? at_once * inputs * x_image : 0);
  Scratch<T> g_planes(own_g ? margin + at_once * outputs * v.plane() : 0);
  Scratch<Tap> taps;
  taps.reserve(static_cast<std::size_t>(s.filters * v.taps()));
  if (own_x && !add) std::fill_n(gx, s.samples * inputs * v.image(), T(0));  // some of it may be out of every window
  for (Index n = 0; n < s.samples;
       n += at_once, gx += at_once * inputs * v.image(), g += at_once * outputs * v.outputs()) {
    const Index samples = std::min(at_once, s.samples - n);
    if (own_g) outputs_to_places(v, samples * outputs, g, g_planes.data() + margin);
    const T* const from = own_g ? g_planes.data() + margin : g;
    T* const to = own_x ? x_planes.data() : gx;
    each_plane(v, [&](const Plane& part) {
      taps.clear();
      for (Index o = 0; o < s.filters; ++o)
        for (Index i = 0; i < v.h.kernel; ++i)
          for (Index j = 0; j < v.w.kernel; ++j)
            if (v.plane_of(i, j) == part.number)
              taps.push_back({o * s.fan_in() + i * v.w.kernel + j, o * v.plane() - v.offset(i, j)});
      for (Index k = 0; k < s.groups; ++k)
        kernels::of<T>().correlate({.a = w + k * s.filters * s.fan_in(),
                                    .a_row = v.taps(),
                                    .x = from + k * s.filters * v.plane() + part.start,
                                    .x_sample = outputs * v.plane(),
                                    .taps = taps.data(),
                                    .count = static_cast<Index>(taps.size()),
                                    .start = nullptr,
                                    .y = to + k * s.channels * x_image + part.number * v.plane() + part.start,
                                    .y_sample = inputs * x_image,
                                    .y_row = x_image,
                                    .samples = samples,
                                    .rows = s.channels,
                                    .length = (part.rows - 1) * v.width() + part.columns,
                                    .add = add && !own_x});
    });
    if (own_x) planes_to_images(v, samples * inputs, x_planes.data(), gx, add);
  }
}

template <class T> void run_w(const Geometry& s, const T* x, const T* g, T* gw, bool add) {
  const Windows& v = s.windows;
  const Index inputs = s.groups * s.channels, outputs = s.groups * s.filters;
  const bool own_x = !v.image_is_plane(), own_g = !v.outputs_are_places();
  const Index x_image = v.planes() * v.plane(), g_image = own_g ? v.plane() : v.outputs();
  const Index at_once = samples_at_once<T>(s.samples, inputs * x_image + outputs * g_image);
  Scratch<T> x_planes(own_x ? at_once * inputs * x_image : 0), g_planes(own_g ? at_once * outputs * g_image : 0);
  const Scratch<Tap> taps = taps_of(s);
  if (!add) std::fill_n(gw, outputs * s.fan_in(), T(0));
  for (Index n = 0; n < s.samples;
       n += at_once, x += at_once * inputs * v.image(), g += at_once * outputs * v.outputs()) {
    const Index samples = std::min(at_once, s.samples - n);
    if (own_x) images_to_planes(v, samples * inputs, x, x_planes.data());
    if (own_g) outputs_to_places(v, samples * outputs, g, g_planes.data());
    for (Index k = 0; k < s.groups; ++k)
      kernels::of<T>().tap_dots({.g = (own_g ? g_planes.data() : g) + k * s.filters * g_image,
                                 .g_sample = outputs * g_image,
                                 .g_row = g_image,
                                 .x = (own_x ? x_planes.data() : x) + k * s.channels * x_image,
                                 .x_sample = inputs * x_image,
                                 .taps = taps.data(),
                                 .count = s.fan_in(),
                                 .out = gw + k * s.filters * s.fan_in(),
                                 .out_row = s.fan_in(),
                                 .rows = s.filters,
                                 .samples = samples,
                                 .length = v.places()});
  }
}

// --- the op ------------------------------------------------------------------------------------------------------

template <class T>
void run(Part part, const Geometry& s, const Variable<T>& x, const Variable<T>& w, const Variable<T>& y, const T* bias,
         T* to, bool add) {
  switch (part) {
    case X: return run_x(s, w.data(), y.data(), to, add);
    case W: return run_w(s, x.data(), y.data(), to, add);
    case Y: return run_y(s, x.data(), w.data(), bias, to, add);
  }
}

/// The gradient of the bias: the sum of g over samples and image.
template <class T> auto bias_term(const Shape& shape, const Geometry& s, const Variable<T>& g) {
  const Index outputs = s.groups * s.filters;
  return kernel_term<T>(
      shape,
      [&g, outputs, s](T* p, bool add) {
        const Variable<T> images = make_result<T>({g.shape()[0], g.shape()[1]});
        kernels::of<T>().sum(g.data(), out(images), {s.samples * outputs, s.windows.outputs(), 1}, 1, false);
        kernels::of<T>().sum(images.data(), p, {1, s.samples, outputs}, 1, add);
      },
      [&g, line = s.line] {
        return line ? sum(g, {0, 2}) : sum(g, {0, 2, 3});
      });
}

template <class T>
Variable<T> partial(Part part, const Geometry& s, Variable<T> x, Variable<T> w, Variable<T> y, Variable<T> bias = {});

/// A partial derivative as a term; the argument it is taken by is not looked at.
template <class T> struct Partial {
  Part part;
  const Geometry& s;
  const Variable<T>&x, &w, &y;

  Variable<T> value() { return partial(part, s, x, w, y); }
  void add_to(T* p) { run<T>(part, s, x, w, y, nullptr, p, true); }
};

/// dB/d part of the two other arguments, and a bias for dB/dy; the argument itself is an empty handle.
template <class T>
Variable<T> partial(Part part, const Geometry& s, Variable<T> x, Variable<T> w, Variable<T> y, Variable<T> bias) {
  const auto edge_of = [&](Part p, const Variable<T>& v) { return p == part ? Edge<T>() : edge(v); };
  const Edge<T> gx = edge_of(X, x), gw = edge_of(W, w), gy = edge_of(Y, y), gb = bias ? edge(bias) : Edge<T>();
  Variable<T> result = make_result<T>(s.shape(part));
  run(part, s, x, w, y, bias ? bias.data() : nullptr, out(result), false);
  if (gx || gw || gy || gb)
    record(s.op(part), result,
           [part, s, gx, gw, gy, gb, x = saved_if(part != X && (gw || gy), x), w = saved_if(part != W && (gx || gy), w),
            y = saved_if(part != Y && (gx || gw), y)](Upstream<T>& g) {
             const auto in_place = [&](Part p, const Saved<T>& v) { return p == part ? *g : v ? *v : Variable<T>(); };
             const Variable<T> vx = in_place(X, x), vw = in_place(W, w), vy = in_place(Y, y);
             if (gx) g.add(gx, Partial<T>{X, s, vx, vw, vy});
             if (gw) g.add(gw, Partial<T>{W, s, vx, vw, vy});
             if (gy) g.add(gy, Partial<T>{Y, s, vx, vw, vy});
             if (gb) {
               const Shape shape{g->shape()[1]};
               g.add(gb, bias_term(shape, s, *g));
             }
           });
  return result;
}

// --- checks ------------------------------------------------------------------------------------------------------

Geometry geometry(const char* op, const Shape& x, const Shape& w, const Shape* bias, const Conv2d& options, bool line) {
  const std::string who = std::string(op) + ": ", weight = "weight is " + to_string(w);
  const std::string both = who + "x is " + to_string(x) + " but " + weight + "; ";
  const std::size_t rank = line ? 3 : 4;
  if (x.size() != rank)
    throw ShapeError(who + "x is " + to_string(x) + "; it must be " + (line ? "[N,C,L]" : "[N,C,H,W]"));
  if (w.size() != rank)
    throw ShapeError(who + weight + "; it must be " + (line ? "[O,C/groups,K]" : "[O,C/groups,KH,KW]"));
  if (options.groups < 1)
    throw ValueError(who + "groups is " + std::to_string(options.groups) + "; it must be at least 1");
  const auto groups = static_cast<std::size_t>(options.groups);
  const auto divides = [&](const char* name, std::size_t extent) {
    if (extent % groups)
      throw ShapeError(both + "groups = " + std::to_string(groups) + " must divide " + name + " = " +
                       std::to_string(extent));
  };
  divides("x.shape[1]", x[1]);
  divides("weight.shape[0]", w[0]);
  if (x[1] != w[1] * groups)
    throw ShapeError(both + "x.shape[1] = " + std::to_string(x[1]) + " must equal weight.shape[1]" +
                     (groups > 1 ? " * groups = " + std::to_string(w[1]) + " * " + std::to_string(groups)
                                 : " = " + std::to_string(w[1])));
  if (bias && *bias != Shape{w[0]})
    throw ShapeError(who + "bias is " + to_string(*bias) + " but " + weight + "; bias must be [" +
                     std::to_string(w[0]) + "]");
  const auto index = [](std::size_t n) { return static_cast<Index>(n); };
  return {index(x[0]),
          options.groups,
          index(w[1]),
          index(w[0] / groups),
          windows(op, x, weight, {line ? 1 : index(w[2]), index(w[rank - 1])}, options.stride, options.padding,
                  options.dilation),
          line};
}

template <class T>
Variable<T> conv(const char* op, Variable<T> x, Variable<T> w, Variable<T> b, const Conv2d& options, bool line) {
  const Geometry s = geometry(op, x.shape(), w.shape(), b ? &b.shape() : nullptr, options, line);
  return partial(Y, s, std::move(x), std::move(w), Variable<T>(), std::move(b));
}

}  // namespace

template <class T> Variable<T> conv2d(Variable<T> x, Variable<T> weight, Variable<T> bias, const Conv2d& options) {
  return conv("conv2d", std::move(x), std::move(weight), std::move(bias), options, false);
}

template <class T> Variable<T> conv1d(Variable<T> x, Variable<T> weight, Variable<T> bias, const Conv1d& o) {
  return conv("conv1d", std::move(x), std::move(weight), std::move(bias), {o.stride, o.padding, o.dilation, o.groups},
              true);
}

#define WENGERT_INSTANTIATE(T)                                                       \
  template Variable<T> conv2d(Variable<T>, Variable<T>, Variable<T>, const Conv2d&); \
  template Variable<T> conv1d(Variable<T>, Variable<T>, Variable<T>, const Conv1d&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_conv() {
  const std::vector<Input> inputs = {{"x"}, {"weight"}, {.name = "bias", .optional = true}};
  return {
      declare(conv2d_op, inputs,
              {{"stride", "ints", "1", "along [H,W]; one number for both"},
               {"padding", "ints", "0"},
               {"dilation", "ints", "1"},
               {"groups", "int", "1", "channels in so many groups, each with filters of its own"}},
              {"x=[2,2,4,5] weight=[3,2,3,2] bias=[3]", "x=[2,3,3,3] weight=[2,3,1,1]",
               "x=[1,2,5,4] weight=[2,2,3,3] bias=[2] padding=1", "x=[1,2,5,6] weight=[1,2,2,3] stride=2,3 padding=1,2",
               "x=[1,1,7,6] weight=[2,1,3,2] dilation=2,3 padding=1", "x=[2,4,3,4] weight=[4,1,2,3] bias=[4] groups=4",
               "x=[1,4,5,5] weight=[6,2,3,3] groups=2 stride=2 padding=1",
               "x=[1,1,6,6] weight=[1,1,2,2] stride=3 dilation=2", "x=[1,1,5,4] weight=[1,1,1,1] stride=2",
               "x=[0,2,4,4] weight=[3,2,3,3] bias=[3]", "x=[2,0,3,3] weight=[2,0,2,2] bias=[2]"},
              [](const auto& a) {
                return conv2d(a["x"], a["weight"], a["bias"],
                              {to_pair("stride", a.integers("stride")), to_pair("padding", a.integers("padding")),
                               to_pair("dilation", a.integers("dilation")), a.integer("groups")});
              }),
      declare(conv1d_op, inputs,
              {{"stride", "int", "1"}, {"padding", "int", "0"}, {"dilation", "int", "1"}, {"groups", "int", "1"}},
              {"x=[2,2,7] weight=[3,2,3] bias=[3]", "x=[1,4,8] weight=[2,2,3] stride=2 padding=1 dilation=2 groups=2",
               "x=[0,2,5] weight=[1,2,3]"},
              [](const auto& a) {
                return conv1d(a["x"], a["weight"], a["bias"],
                              {a.integer("stride"), a.integer("padding"), a.integer("dilation"), a.integer("groups")});
              })};
}

}  // namespace wengert
