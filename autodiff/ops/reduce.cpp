#include "autodiff/ops/reduce.hpp"

#include <algorithm>

#include "autodiff/broadcast.hpp"
#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Lines;

constexpr Op sum_op{"sum", "y = sum of x over the axes"}, mean_op{"mean", "y = mean of x over the axes"},
    spread_op{"broadcast_to", "y = x, stretched"};

template <class T> Variable<T> spread(Variable<T> x, Lines s, T factor, const Shape& shape);

/// y[o,i] = factor sum_l x[o,l,i], in the shape given. Its gradient is spread, and that one's is this.
template <class T> Variable<T> sum_lines(const Op& op, const Variable<T>& x, Lines s, T factor, const Shape& shape) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().sum(x.data(), out(y), s, factor, false);
  if (gx)
    record(op, y, [gx, s, factor, x_shape = x.shape()](Upstream<T>& g) {
      g.add(gx, kernel_term<T>(
                    x_shape, [&](T* p, bool add) { kernels::of<T>().spread(g->data(), p, s, factor, add); },
                    [&] { return spread(*g, s, factor, x_shape); }));
    });
  return y;
}

template <class T> Variable<T> spread(Variable<T> x, Lines s, T factor, const Shape& shape) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().spread(x.data(), out(y), s, factor, false);
  if (gx)
    record(spread_op, y, [gx, s, factor, x_shape = x.shape()](Upstream<T>& g) {
      g.add(gx, kernel_term<T>(
                    x_shape, [&](T* p, bool add) { kernels::of<T>().sum(g->data(), p, s, factor, add); },
                    [&] { return sum_lines(sum_op, *g, s, factor, x_shape); }));
    });
  return y;
}

/// Run by run of neighbouring axes, from the last to the first.
template <class T> Variable<T> sum_axes(const Op& op, Variable<T> x, Flags reduced, bool keepdims, bool mean) {
  const Shape result = without(x.shape(), reduced, keepdims);
  for (;;) {
    const auto [first, last] = last_run(reduced);
    if (first == last) return reshape(std::move(x), Extents(result));
    const Lines s = lines(x.shape(), first, last);
    Flags run(reduced.size(), false);
    std::fill(run.begin() + first, run.begin() + last, true);
    std::fill(reduced.begin() + first, reduced.begin() + last, false);
    const bool done = last_run(reduced).second == 0;
    const Shape shape = done ? result : without(x.shape(), run, true);
    x = sum_lines(op, x, s, static_cast<T>(mean ? 1. / static_cast<double>(s.length) : 1.), shape);
    if (done) return x;
  }
}

}  // namespace

template <class T> Variable<T> sum(Variable<T> x, const AxisList& axes, bool keepdims) {
  const Flags reduced = axes.of("sum", x.shape());
  return sum_axes(sum_op, std::move(x), reduced, keepdims, false);
}

template <class T> Variable<T> mean(Variable<T> x, const AxisList& axes, bool keepdims) {
  const Flags reduced = axes.of("mean", x.shape());
  return sum_axes(mean_op, std::move(x), reduced, keepdims, true);
}

template <class T> Variable<T> sum_to(Variable<T> x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (shape.size() > x.rank() || broadcast_shape("sum_to", x.shape(), shape) != x.shape())
    throw ShapeError("sum_to: " + to_string(shape) + " does not stretch to x " + to_string(x.shape()));
  const std::size_t more = x.rank() - shape.size();
  Flags reduced(x.rank());
  for (std::size_t i = 0; i < reduced.size(); ++i) reduced[i] = i < more || (shape[i - more] == 1 && x.shape()[i] != 1);
  return reshape(sum_axes(sum_op, std::move(x), reduced, true, false), Extents(shape));
}

template <class T> Variable<T> broadcast_to(Variable<T> x, const Shape& shape) {
  if (broadcast_shape("broadcast_to", x.shape(), shape) != shape)
    throw ShapeError("broadcast_to: x is " + to_string(x.shape()) + ", which does not stretch to " + to_string(shape));
  Shape from(shape.size(), 1);
  std::copy(x.shape().begin(), x.shape().end(), from.end() - static_cast<std::ptrdiff_t>(x.rank()));
  x = reshape(std::move(x), Extents(from));
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (from[i] == shape[i]) continue;
    std::size_t last = i;
    while (last < shape.size() && from[last] == 1) from[last] = shape[last], ++last;
    x = spread(std::move(x), lines(from, i, last), T(1), from);
  }
  return x;
}

#define WENGERT_INSTANTIATE(T)                                   \
  template Variable<T> sum(Variable<T>, const AxisList&, bool);  \
  template Variable<T> mean(Variable<T>, const AxisList&, bool); \
  template Variable<T> sum_to(Variable<T>, const Shape&);        \
  template Variable<T> broadcast_to(Variable<T>, const Shape&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

namespace {
Shape shape_of(const Axes& extents) {
  Shape shape;
  for (const std::ptrdiff_t e : extents) {
    if (e < 0) throw ShapeError("broadcast_to: the extent " + std::to_string(e) + " is negative");
    shape.push_back(static_cast<std::size_t>(e));
  }
  return shape;
}
}  // namespace

std::vector<Declared> declared_reduce() {
  return {declare(sum_op, {{"x"}}, reduction_attributes(), reduction_samples(),
                  [](const auto& a) { return sum(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); }),
          declare(mean_op, {{"x"}}, reduction_attributes(), reduction_samples(),
                  [](const auto& a) { return mean(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); }),
          declare(spread_op, {{"x"}}, {{"shape", "ints", ""}},
                  {"x=[3,1,5] shape=2,3,4,5", "x=[] shape=3", "x=[2] shape=2", "x=[0,1] shape=2,0,3"},
                  [](const auto& a) { return broadcast_to(a["x"], shape_of(a.integers("shape"))); })};
}

}  // namespace wengert
