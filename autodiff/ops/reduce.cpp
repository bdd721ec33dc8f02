#include "autodiff/ops/reduce.hpp"

#include <algorithm>

#include "autodiff/broadcast.hpp"
#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/softmax.hpp"
#include "autodiff/registry.hpp"

namespace wengert {

namespace {

using kernels::Lines;

constexpr Op sum_op{"sum", "y = sum of x over the axes"}, mean_op{"mean", "y = mean of x over the axes"},
    spread_op{"broadcast_to", "y = x, stretched"},
    max_op{.name = "max", .formula = "y = max of x over the axes", .kinked = true},
    logsumexp_op{"logsumexp", "y = ln(sum of e^x over the axes)"},
    softmax_op{"softmax", "y = e^x / sum of e^x along the axis"},
    log_softmax_op{"log_softmax", "y = x - logsumexp(x) along the axis"};

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

template <class T> Variable<T> shaped_like(const Variable<T>& x, const Shape& shape) {
  return reshape(x, Extents(shape));
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

template <class T> Variable<T> max(Variable<T> x, const AxisList& axes, bool keepdims) {
  const Flags reduced = axes.of("max", x.shape());
  const Shape shape = without(x.shape(), reduced, keepdims);
  for (std::size_t i = 0; i < reduced.size(); ++i)
    if (reduced[i] && x.shape()[i] == 0)
      throw ShapeError("max: x is " + to_string(x.shape()) + ", there is no element along axis " + std::to_string(i) +
                       " to choose");
  const Lines s = join_axes(x, reduced);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().max(x.data(), out(y), s);
  if (gx)
    record(max_op, y, [gx, s, x = saved(x), y = saved(y)](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        kernels::of<T>().max_backward(g->data(), x->data(), y->data(), p, s, add);
      };
      g.add(gx, kernel_term<T>(x->shape(), run, [&] {
              const Variable<T> shares =
                  make_result<T>({std::size_t(s.outer), std::size_t(s.length), std::size_t(s.inner)});
              Variable<T> ones = make_result<T>(y->shape());
              std::fill_n(out(ones), ones.size(), T(1));
              kernels::of<T>().max_backward(ones.data(), x->data(), y->data(), out(shares), s, false);
              return shaped_like(one_each(*g, s) * shares, x->shape());
            }));
    });
  return y;
}

template <class T> Variable<T> logsumexp(Variable<T> x, const AxisList& axes, bool keepdims) {
  const Flags reduced = axes.of("logsumexp", x.shape());
  const Shape shape = without(x.shape(), reduced, keepdims);
  const Lines s = join_axes(x, reduced);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().logsumexp(x.data(), out(y), s);
  if (gx)
    record(logsumexp_op, y, [gx, s, x = saved(x), y = saved(y)](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        kernels::of<T>().logsumexp_backward(g->data(), x->data(), y->data(), p, s, add);
      };
      g.add(gx, kernel_term<T>(x->shape(), run, [&] {
              return shaped_like(one_each(*g, s) * exp(along(*x, s) - one_each(*y, s)), x->shape());
            }));
    });
  return y;
}

template <class T> Variable<T> softmax(Variable<T> x, std::ptrdiff_t axis) {
  const std::size_t a = normal_axis("softmax", axis, x.shape());
  const Lines s = lines(x.shape(), a, a + 1);
  const Edge<T> gx = edge(x);
  Variable<T> y = is_free(x) ? make_result_in(x) : make_result<T>(x.shape());
  kernels::of<T>().softmax(x.data(), out(y), s);
  if (gx) record_softmax(y, gx, a);
  return y;
}

template <class T> void record_softmax(Variable<T>& y, Edge<T> gx, std::size_t axis) {
  const Lines s = lines(y.shape(), axis, axis + 1);
  record(softmax_op, y, [gx, s, axis, y = saved(y)](Upstream<T>& g) {
    const auto run = [&](T* p, bool add) { kernels::of<T>().softmax_backward(g->data(), y->data(), p, s, add); };
    g.add(gx, kernel_term<T>(y->shape(), run,
                             [&] { return *y * (*g - sum(*g * *y, static_cast<std::ptrdiff_t>(axis), true)); }));
  });
}

template <class T> Variable<T> log_softmax(Variable<T> x, std::ptrdiff_t axis) {
  const std::size_t a = normal_axis("log_softmax", axis, x.shape());
  const Lines s = lines(x.shape(), a, a + 1);
  const Edge<T> gx = edge(x);
  Variable<T> y = is_free(x) ? make_result_in(x) : make_result<T>(x.shape());
  kernels::of<T>().log_softmax(x.data(), out(y), s);
  if (gx)
    record(log_softmax_op, y, [gx, s, a, y = saved(y)](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) { kernels::of<T>().log_softmax_backward(g->data(), y->data(), p, s, add); };
      g.add(gx, kernel_term<T>(y->shape(), run,
                               [&] { return *g - exp(*y) * sum(*g, static_cast<std::ptrdiff_t>(a), true); }));
    });
  return y;
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

#define WENGERT_INSTANTIATE(T)                                        \
  template Variable<T> sum(Variable<T>, const AxisList&, bool);       \
  template Variable<T> mean(Variable<T>, const AxisList&, bool);      \
  template Variable<T> max(Variable<T>, const AxisList&, bool);       \
  template Variable<T> logsumexp(Variable<T>, const AxisList&, bool); \
  template Variable<T> softmax(Variable<T>, std::ptrdiff_t);          \
  template void record_softmax(Variable<T>&, Edge<T>, std::size_t);   \
  template Variable<T> log_softmax(Variable<T>, std::ptrdiff_t);      \
  template Variable<T> sum_to(Variable<T>, const Shape&);             \
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
  const auto reduction = [](const Op& op, Draw draw, auto f) {
    std::vector<std::string> samples = {"x=[3,4]",
                                        "x=[]",
                                        "x=[3,4] axes=0",
                                        "x=[3,2,4] axes=-1 keepdims=true",
                                        "x=[2,3,4] axes=1",
                                        "x=[2,3,4] axes=0,2",
                                        "x=[2,3,2,2] axes=1,3 keepdims=true",
                                        "x=[0,3] axes=1"};
    return declare(
        op, {{"x", op.a, draw}}, {{"axes", "ints", "", "all axes if none is given"}, {"keepdims", "flag", "false"}},
        std::move(samples), [f](const auto& a) { return f(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); });
  };
  const auto along_axis = [](const Op& op, auto f) {
    return declare(op, {{"x"}}, {{"axis", "int", "-1"}},
                   {"x=[3,4]", "x=[5,3] axis=0", "x=[2,3,4] axis=1", "x=[1]", "x=[0,3]", "x=[3,0]"},
                   [f](const auto& a) { return f(a["x"], a.integer("axis")); });
  };
  return {reduction(sum_op, Draw::uniform,
                    [](const auto& x, const AxisList& axes, bool keepdims) { return sum(x, axes, keepdims); }),
          reduction(mean_op, Draw::uniform,
                    [](const auto& x, const AxisList& axes, bool keepdims) { return mean(x, axes, keepdims); }),
          reduction(max_op, Draw::distinct,
                    [](const auto& x, const AxisList& axes, bool keepdims) { return max(x, axes, keepdims); }),
          reduction(logsumexp_op, Draw::uniform,
                    [](const auto& x, const AxisList& axes, bool keepdims) { return logsumexp(x, axes, keepdims); }),
          along_axis(softmax_op, [](const auto& x, std::ptrdiff_t axis) { return softmax(x, axis); }),
          along_axis(log_softmax_op, [](const auto& x, std::ptrdiff_t axis) { return log_softmax(x, axis); }),
          declare(spread_op, {{"x"}}, {{"shape", "ints", ""}},
                  {"x=[3,1,5] shape=2,3,4,5", "x=[] shape=3", "x=[2] shape=2", "x=[0,1] shape=2,0,3"},
                  [](const auto& a) { return broadcast_to(a["x"], shape_of(a.integers("shape"))); })};
}

}  // namespace wengert
