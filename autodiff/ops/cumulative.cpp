// Products along axes, and cumulative sums.
#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/part.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Lines;

constexpr Op prod_op{"prod", "y = product of x over the axes"},
    cumsum_op{"cumsum", "y_i = x_0 + .. + x_i along the axis"};

/// g times the product of all others for every x of a line, by ops, x [outer,length,inner], g [outer,1,inner]. No division, so
/// that zeros are like other numbers: halves are multiplied with each other until one element is left, and on the way
/// back each half gets the other as a factor.
template <class T> Variable<T> times_others(const Variable<T>& x, const Variable<T>& g) {
  const std::size_t length = x.shape()[1], half = length / 2;
  if (length <= 1) return length == 1 ? g : x;
  const auto part = [](const Variable<T>& of, std::size_t start, std::size_t n) {
    return take_part(slice_op, of, range_of("prod", of.shape(), 1, start, n));
  };
  const Variable<T> first = part(x, 0, half), second = part(x, half, half);
  if (length % 2 == 0) {
    const Variable<T> both = times_others(first * second, g);
    return concat({both * second, both * first}, 1);
  }
  const Variable<T> both = times_others(concat({first * second, part(x, 2 * half, 1)}, 1), g);
  const Variable<T> halves = part(both, 0, half);
  return concat({halves * second, halves * first, part(both, half, 1)}, 1);
}

/// Forwards or backwards: each is the gradient of the other.
template <class T> Variable<T> running_sum(Variable<T> x, Lines s, bool reverse) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(x.shape());
  kernels::of<T>().cumsum(x.data(), out(y), s, reverse, false);
  if (gx)
    record(cumsum_op, y, [gx, s, reverse](Upstream<T>& g) {
      g.add(gx, kernel_term<T>(
                    g->shape(), [&](T* p, bool add) { kernels::of<T>().cumsum(g->data(), p, s, !reverse, add); },
                    [&] { return running_sum(*g, s, !reverse); }));
    });
  return y;
}

}  // namespace

template <class T> Variable<T> prod(Variable<T> x, const AxisList& axes, bool keepdims) {
  const Flags reduced = axes.of("prod", x.shape());
  const Shape shape = without(x.shape(), reduced, keepdims);
  const Lines s = join_axes(x, reduced);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().prod(x.data(), out(y), s);
  if (gx)
    record(prod_op, y, [gx, s, x = saved(x), y = saved(y)](Upstream<T>& g) {
      struct Term {
        const Variable<T>&x, &y, &g;
        Lines s;
        Variable<T> value() {
          if (recording()) return reshape(times_others(along(x, s), one_each(g, s)), Extents(x.shape()));
          Variable<T> gx = make_result<T>(x.shape());
          kernels::of<T>().prod_backward(g.data(), x.data(), y.data(), out(gx), s);
          return gx;
        }
      };
      g.add(gx, Term{*x, *y, *g, s});
    });
  return y;
}

template <class T> Variable<T> cumsum(Variable<T> x, std::ptrdiff_t axis) {
  const std::size_t a = normal_axis("cumsum", axis, x.shape());
  const Lines s = lines(x.shape(), a, a + 1);
  return running_sum(std::move(x), s, false);
}

#define WENGERT_INSTANTIATE(T)                                   \
  template Variable<T> prod(Variable<T>, const AxisList&, bool); \
  template Variable<T> cumsum(Variable<T>, std::ptrdiff_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_cumulative() {
  return {declare(prod_op, {{"x"}}, reduction_attributes(), reduction_samples({"x=[5]", "x=[2,7] axes=1"}),
                  [](const auto& a) { return prod(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); }),
          declare(cumsum_op, {{"x"}}, {{"axis", "int", "-1"}},
                  {"x=[5]", "x=[3,4]", "x=[5,3] axis=0", "x=[2,3,4] axis=1", "x=[1]", "x=[0,3]", "x=[3,0]"},
                  [](const auto& a) { return cumsum(a["x"], a.integer("axis")); })};
}

}  // namespace wengert
