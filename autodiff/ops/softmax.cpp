// softmax, log_softmax and logsumexp.
#include "autodiff/ops/softmax.hpp"

#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Lines;

constexpr Op logsumexp_op{"logsumexp", "y = ln(sum of e^x over the axes)"},
    softmax_op{"softmax", "y = e^x / sum of e^x along the axis"},
    log_softmax_op{"log_softmax", "y = x - logsumexp(x) along the axis"};

}  // namespace

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
              return reshape(one_each(*g, s) * exp(along(*x, s) - one_each(*y, s)), Extents(x->shape()));
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

#define WENGERT_INSTANTIATE(T)                                        \
  template Variable<T> logsumexp(Variable<T>, const AxisList&, bool); \
  template Variable<T> softmax(Variable<T>, std::ptrdiff_t);          \
  template void record_softmax(Variable<T>&, Edge<T>, std::size_t);   \
  template Variable<T> log_softmax(Variable<T>, std::ptrdiff_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_softmax() {
  const std::vector<std::string> samples{"x=[3,4]", "x=[5,3] axis=0", "x=[2,3,4] axis=1",
                                         "x=[1]",   "x=[0,3]",        "x=[3,0]"};
  return {declare(logsumexp_op, {{"x"}}, reduction_attributes(), reduction_samples(),
                  [](const auto& a) { return logsumexp(a["x"], AxisList(a.integers("axes")), a.flag("keepdims")); }),
          declare(softmax_op, {{"x"}}, {{"axis", "int", "-1"}}, samples,
                  [](const auto& a) { return softmax(a["x"], a.integer("axis")); }),
          declare(log_softmax_op, {{"x"}}, {{"axis", "int", "-1"}}, samples,
                  [](const auto& a) { return log_softmax(a["x"], a.integer("axis")); })};
}

}  // namespace wengert
