#include "autodiff/ops/elementwise.hpp"

#include <array>

#include "autodiff/gradient.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

/// An op as data: one rule serves them all.
template <class T> struct UnaryOp {
  const Op* op;
  unsigned uses;  // bit 0: the slope needs x, bit 1: y
  const kernels::Unary<T>* kernel;
  Variable<T> (*slope)(const Variable<T>& x, const Variable<T>& y);
};

template <class O, class T> const UnaryOp<T>& unary() {
  static constexpr unsigned uses = O::slope(ops::Uses::argument(0), ops::Uses::argument(1)).arguments;
  static const UnaryOp<T> op{&O::op, uses, &kernels::of<T>().unary[ops::Elementwise::index<O>()],
                             [](const Variable<T>& x, const Variable<T>& y) { return O::slope(x, y); }};
  return op;
}

/// g slope(x, y)
template <class T> struct Slope {
  const UnaryOp<T>& op;
  Variable<T> g;
  const Variable<T>&x, &y;  // an empty handle where the slope does not use it

  Variable<T> value() {
    if (recording()) return g * op.slope(x, y);
    Variable<T> gx = is_free(g) ? make_result_in(g) : make_result<T>(g.shape());
    run(out(gx), false);
    return gx;
  }
  void add_to(T* gx) { run(gx, true); }

 private:
  void run(T* gx, bool add) {
    op.kernel->backward(g.data(), x ? x.data() : nullptr, y ? y.data() : nullptr, gx,
                        static_cast<kernels::Index>(g.size()), add);
  }
};

template <class T> Variable<T> elementwise(const UnaryOp<T>& op, Variable<T> x) {
  const bool uses_x = op.uses & 1, uses_y = op.uses & 2;
  const Edge<T> gx = edge(x);
  Variable<T> y = is_free(x) && !(gx && uses_x) ? make_result_in(x) : make_result<T>(x.shape());
  op.kernel->forward(x.data(), out(y), static_cast<kernels::Index>(x.size()));
  if (!gx) return y;
  if (uses_x && uses_y)
    record(*op.op, y, [gx, &op, x = saved(x), y = saved(y)](Upstream<T>& g) {
      g.add(gx, Slope<T>{op, g.take(), *x, *y});
    });
  else
    record(*op.op, y, [gx, &op, kept = saved_if(op.uses != 0, uses_x ? x : y)](Upstream<T>& g) {
      static const Variable<T> none;
      const Variable<T>& x_or_y = kept ? *kept : none;
      g.add(gx, Slope<T>{op, g.take(), op.uses & 1 ? x_or_y : none, op.uses & 1 ? none : x_or_y});
    });
  return y;
}

}  // namespace

template <class O, class T> Variable<T> apply(Variable<T> x) { return elementwise(unary<O, T>(), std::move(x)); }

namespace {
// Every op of the list is compiled here, for both types.
template <class T, class... O> auto instances(ops::List<O...>) {
  using Function = Variable<T> (*)(Variable<T>);
  return std::array<Function, sizeof...(O)>{&apply<O, T>...};
}
[[gnu::used]] const auto instances32 = instances<float>(ops::Elementwise{});
[[gnu::used]] const auto instances64 = instances<double>(ops::Elementwise{});
}  // namespace

std::vector<Declared> declared_elementwise() {
  std::vector<Declared> all;
  ops::Elementwise::each([&]<class O>(std::size_t) {
    all.push_back(declare(O::op, {{"x", O::op.a}}, {}, {"x=[3,7]", "x=[]", "x=[1]", "x=[0,3]"},
                          [](const auto& a) { return apply<O>(a["x"]); }));
  });
  return all;
}

}  // namespace wengert
