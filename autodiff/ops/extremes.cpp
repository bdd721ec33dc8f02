// The largest and the smallest along axes, and where they are.
#include <algorithm>

#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Lines;

constexpr Op max_op{.name = "max", .formula = "y = max of x over the axes", .kinked = true},
    min_op{.name = "min", .formula = "y = min of x over the axes", .kinked = true};

template <class T>
Variable<T> extreme(const Op& op, Variable<T> x, const AxisList& axes, bool keepdims, bool smallest) {
  const Flags reduced = axes.of(op.name, x.shape());
  need_elements(op.name, x.shape(), reduced);
  const Shape shape = without(x.shape(), reduced, keepdims);
  const Lines s = join_axes(x, reduced);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().max(x.data(), out(y), s, smallest);
  if (gx)
    record(op, y, [gx, s, x = saved(x), y = saved(y)](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        kernels::of<T>().max_backward(g->data(), x->data(), y->data(), p, s, add);
      };
      g.add(gx, kernel_term<T>(x->shape(), run, [&] {
              Variable<T> ones = make_result<T>(y->shape()), shares = make_result<T>(x->shape());
              std::fill_n(out(ones), ones.size(), T(1));
              kernels::of<T>().max_backward(ones.data(), x->data(), y->data(), out(shares), s, false);
              return reshape(one_each(*g, s) * along(shares, s), Extents(x->shape()));
            }));
    });
  return y;
}

}  // namespace

template <class T> Variable<T> max(Variable<T> x, const AxisList& axes, bool keepdims) {
  return extreme(max_op, std::move(x), axes, keepdims, false);
}

template <class T> Variable<T> min(Variable<T> x, const AxisList& axes, bool keepdims) {
  return extreme(min_op, std::move(x), axes, keepdims, true);
}

template <class T> Labels argmax(const Variable<T>& x, const AxisList& axes, bool keepdims) {
  const NoGrad constant;
  const Flags reduced = axes.of("argmax", x.shape());
  need_elements("argmax", x.shape(), reduced);
  Labels index(without(x.shape(), reduced, keepdims));
  Variable<T> joined = x;
  const Lines s = join_axes(joined, reduced);
  const Variable<T> most = make_result<T>(index.shape());
  kernels::of<T>().max(joined.data(), out(most), s, false);
  kernels::of<T>().argmax(joined.data(), most.data(), index.storage().data(), s);
  return index;
}

#define WENGERT_INSTANTIATE(T)                                  \
  template Variable<T> max(Variable<T>, const AxisList&, bool); \
  template Variable<T> min(Variable<T>, const AxisList&, bool); \
  template Labels argmax(const Variable<T>&, const AxisList&, bool);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_extremes() {
  const Input x{"x", max_op.a, Draw::distinct};
  return {declare(max_op, {x}, reduction_attributes(), reduction_samples(),
                  [](const auto& a) { return max(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); }),
          declare(min_op, {x}, reduction_attributes(), reduction_samples(),
                  [](const auto& a) { return min(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); })};
}

}  // namespace wengert
