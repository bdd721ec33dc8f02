// Variance, standard deviation and norms.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/ops/index.hpp"
#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Lines;

constexpr Op var_op{"var", "y = sum of (x - mean)^2 / (n - ddof) over the axes"}, std_op{"std", "y = sqrt(var(x))"},
    norm_op{.name = "norm", .formula = "y = (sum of |x|^p over the axes)^(1/p)", .kinked = true};

/// 1 / y, or 0 where y is 0.
template <class T> Variable<T> inverse_or_zero(const Variable<T>& y) {
  const Variable<T> zero = y <= T(0);
  return select(zero, Variable<T>(0), 1 / select(zero, Variable<T>(1), y));
}

template <class T>
Variable<T> deviation(const Op& op, Variable<T> x, const AxisList& axes, std::ptrdiff_t ddof, bool keepdims,
                      bool root) {
  const Flags reduced = axes.of(op.name, x.shape());
  const Shape shape = without(x.shape(), reduced, keepdims);
  if (has_empty_lines(x.shape(), reduced)) return mean(std::move(x), axes, keepdims);  // NaN
  const Lines s = join_axes(x, reduced);
  const double factor = 1 / static_cast<double>(std::max<std::ptrdiff_t>(s.length - ddof, 0));
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape), middle = make_result<T>(shape);
  kernels::of<T>().variance(x.data(), out(middle), out(y), s, factor, root);
  if (gx)
    record(
        op, y,
        [gx, s, root, slope = root ? factor : 2 * factor, middle, x = saved(x), y = saved_if(root, y)](Upstream<T>& g) {
          const auto run = [&](T* p, bool add) {
            kernels::of<T>().variance_backward(g->data(), x->data(), middle.data(), root ? y->data() : nullptr, p, s,
                                               slope, add);
          };
          g.add(gx, kernel_term<T>(x->shape(), run, [&] {
                  const Variable<T> all = along(*x, s), upstream = static_cast<T>(slope) * one_each(*g, s);
                  const Variable<T> scale = root ? upstream * inverse_or_zero(one_each(*y, s)) : upstream;
                  return reshape((all - mean(all, 1, true)) * scale, Extents(x->shape()));
                }));
        });
  return y;
}

template <class T> Variable<T> euclidean(Variable<T> x, const Flags& reduced, bool keepdims) {
  const Shape shape = without(x.shape(), reduced, keepdims);
  const Lines s = join_axes(x, reduced);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().norm(x.data(), out(y), s);
  if (gx)
    record(norm_op, y, [gx, s, x = saved(x), y = saved(y)](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        kernels::of<T>().norm_backward(g->data(), x->data(), y->data(), p, s, add);
      };
      g.add(gx, kernel_term<T>(x->shape(), run, [&] {
              return reshape(along(*x, s) * (one_each(*g, s) * inverse_or_zero(one_each(*y, s))), Extents(x->shape()));
            }));
    });
  return y;
}

/// m (sum of (|x|/m)^p)^(1/p), m the largest |x| of the line, which is taken as a constant; (|x|/m)^p as e^(p ln(|x|/m)). At
/// x = 0 the gradient is 0.
template <class T> Variable<T> general(const Variable<T>& x, double p, const AxisList& axes, bool keepdims) {
  const Variable<T> size = abs(x);
  Variable<T> unit;  // of each line
  {
    const NoGrad constant;
    unit = max(size, axes, true);
    unit = select((unit > T(0)) * (unit < std::numeric_limits<T>::infinity()), unit, Variable<T>(1));
  }
  const Variable<T> ratio = size / unit, none = ratio <= T(0);
  const Variable<T> power = exp(static_cast<T>(p) * log(select(none, Variable<T>(1), ratio)));
  const Variable<T> total = sum(select(none, Variable<T>(0), power), axes, true), nothing = total <= T(0);
  const Variable<T> root = exp(log(select(nothing, Variable<T>(1), total)) / static_cast<T>(p));
  const Variable<T> y = unit * select(nothing, Variable<T>(0), root);
  return reshape(y, Extents(without(x.shape(), axes.of("norm", x.shape()), keepdims)));
}

}  // namespace

template <class T> Variable<T> var(Variable<T> x, const AxisList& axes, std::ptrdiff_t ddof, bool keepdims) {
  return deviation(var_op, std::move(x), axes, ddof, keepdims, false);
}

template <class T> Variable<T> stddev(Variable<T> x, const AxisList& axes, std::ptrdiff_t ddof, bool keepdims) {
  return deviation(std_op, std::move(x), axes, ddof, keepdims, true);
}

template <class T> Variable<T> norm(Variable<T> x, double p, const AxisList& axes, bool keepdims) {
  if (!(p >= 1)) throw ValueError("norm: p is " + std::to_string(p) + "; it must be at least 1");
  const Flags reduced = axes.of("norm", x.shape());
  if (std::isinf(p)) {
    need_elements("norm", x.shape(), reduced);
    return max(abs(std::move(x)), axes, keepdims);
  }
  if (p == 1 || has_empty_lines(x.shape(), reduced)) return sum(abs(std::move(x)), axes, keepdims);
  if (p == 2) return euclidean(std::move(x), reduced, keepdims);
  return general(x, p, axes, keepdims);
}

#define WENGERT_INSTANTIATE(T)                                                     \
  template Variable<T> var(Variable<T>, const AxisList&, std::ptrdiff_t, bool);    \
  template Variable<T> stddev(Variable<T>, const AxisList&, std::ptrdiff_t, bool); \
  template Variable<T> norm(Variable<T>, double, const AxisList&, bool);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_statistics() {
  const std::vector<Attribute> spread = reduction_attributes({{"ddof", "int", "0", "the sum is divided by n - ddof"}});
  return {declare(var_op, {{"x"}}, spread, reduction_samples({"x=[3,4] axes=0 ddof=1", "x=[5] ddof=1"}),
                  [](const auto& a) {
                    return var(a["x"], AxisList(a.integers("axes")), a.integer("ddof"), a.flag("keepdims"));
                  }),
          declare(std_op, {{"x"}}, spread, reduction_samples({"x=[3,4] axes=0 ddof=1", "x=[5] ddof=1"}),
                  [](const auto& a) {
                    return stddev(a["x"], AxisList(a.integers("axes")), a.integer("ddof"), a.flag("keepdims"));
                  }),
          declare(norm_op, {{"x"}}, reduction_attributes({{"p", "number", "2", "from 1 to inf"}}),
                  reduction_samples({"x=[3,4] p=1 axes=0", "x=[3,4] p=inf axes=1", "x=[2,3] p=3",
                                     "x=[3,4] p=1.5 axes=0", "x=[2,3,2] p=4 axes=0,2 keepdims=true", "x=[] p=3"}),
                  [](const auto& a) {
                    return norm(a["x"], a.number("p"), AxisList(a.integers("axes")), a.flag("keepdims"));
                  })};
}

}  // namespace wengert
