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
  Variable<T> (*slope)(const Variable<T>& x, const Variable<T>& y, const T* p);
};

template <class O, class T> const UnaryOp<T>& unary() {
  static const UnaryOp<T> op{&O::op, ops::slope_uses<O>, &kernels::of<T>().unary[ops::Elementwise::index<O>()],
                             [](const Variable<T>& x, const Variable<T>& y, const T* p) {
                               return ops::with_parameters<O>(
                                   p, [&](auto... number) { return O::slope(x, y, number...); });
                             }};
  return op;
}

/// g slope(x, y, p...)
template <class T> struct Slope {
  const UnaryOp<T>& op;
  Variable<T> g;
  const Variable<T>&x, &y;  // an empty handle where the slope does not use it
  const T* p;

  Variable<T> value() {
    if (recording()) return g * op.slope(x, y, p);
    Variable<T> gx = is_free(g) ? make_result_in(g) : make_result<T>(g.shape());
    run(out(gx), false);
    return gx;
  }
  void add_to(T* gx) { run(gx, true); }

 private:
  void run(T* gx, bool add) {
    op.kernel->backward(g.data(), x ? x.data() : nullptr, y ? y.data() : nullptr, gx,
                        static_cast<kernels::Index>(g.size()), add, p);
  }
};

/// What a rule keeps of the numbers that an op takes: nothing if there are none.
template <class T, int n> struct Parameters {
  T values[n];
  const T* data() const { return values; }
};
template <class T> struct Parameters<T, 0> {
  static const T* data() { return nullptr; }
};

/// The rule of an op that keeps x or y, or neither.
template <class T, int n> struct KeepOne {
  Edge<T> gx;
  const UnaryOp<T>& op;
  Saved<T> kept;
  [[no_unique_address]] Parameters<T, n> p;

  void operator()(Upstream<T>& g) const {
    static const Variable<T> none;
    const Variable<T>& x_or_y = kept ? *kept : none;
    g.add(gx, Slope<T>{op, g.take(), op.uses & 1 ? x_or_y : none, op.uses & 1 ? none : x_or_y, p.data()});
  }
};

template <class T, int n> struct KeepBoth {
  Edge<T> gx;
  const UnaryOp<T>& op;
  Saved<T> x, y;
  [[no_unique_address]] Parameters<T, n> p;

  void operator()(Upstream<T>& g) const { g.add(gx, Slope<T>{op, g.take(), *x, *y, p.data()}); }
};

template <class T, int n> Variable<T> elementwise(const UnaryOp<T>& op, Variable<T> x, const Parameters<T, n>& p) {
  const bool uses_x = op.uses & 1, uses_y = op.uses & 2;
  const Edge<T> gx = edge(x);
  Variable<T> y = is_free(x) && !(gx && uses_x) ? make_result_in(x) : make_result<T>(x.shape());
  op.kernel->forward(x.data(), out(y), static_cast<kernels::Index>(x.size()), p.data());
  if (!gx) return y;
  if (uses_x && uses_y)
    record(*op.op, y, KeepBoth<T, n>{gx, op, saved(std::move(x)), saved(y), p});
  else
    record(*op.op, y, KeepOne<T, n>{gx, op, saved_if(op.uses != 0, uses_x ? std::move(x) : y), p});
  return y;
}

}  // namespace

template <class O, class T>
Variable<T> apply(Variable<T> x, [[maybe_unused]] std::type_identity_t<T> p,
                  [[maybe_unused]] std::type_identity_t<T> q) {
  if constexpr (ops::parameters<O> == 0)
    return elementwise(unary<O, T>(), std::move(x), Parameters<T, 0>());
  else if constexpr (ops::parameters<O> == 1)
    return elementwise(unary<O, T>(), std::move(x), Parameters<T, 1>{p});
  else
    return elementwise(unary<O, T>(), std::move(x), Parameters<T, 2>{p, q});
}

namespace {
// Every op of the list is compiled here, for both types.
template <class T, class... O> auto instances(ops::List<O...>) {
  using Function = Variable<T> (*)(Variable<T>, T, T);
  return std::array<Function, sizeof...(O)>{&apply<O, T>...};
}
[[gnu::used]] const auto instances32 = instances<float>(ops::Elementwise{});
[[gnu::used]] const auto instances64 = instances<double>(ops::Elementwise{});
}  // namespace

std::vector<Declared> declared_elementwise() {
  std::vector<Declared> all;
  const std::vector<std::string> samples = {"x=[3,7]", "x=[]", "x=[1]", "x=[0,3]"};
  ops::Elementwise::each([&]<class O>(std::size_t) {
    if constexpr (ops::parameters<O> == 0 && !std::is_same_v<O, ops::Gelu> && !std::is_same_v<O, ops::GeluTanh>)
      all.push_back(declare(O::op, {{"x", O::op.a}}, {}, samples, [](const auto& a) { return apply<O>(a["x"]); }));
  });
  const auto with = [&](std::initializer_list<const char*> attributes) {
    std::vector<std::string> more = samples;
    for (const char* a : attributes) more.push_back(std::string("x=[5] ") + a);
    return more;
  };
  all.push_back(declare(ops::Gaussian::op, {{"x"}}, {{"c", "number", "1"}}, with({"c=0.5", "c=0.3"}),
                        [](const auto& a) { return gaussian(a["x"], a.number("c")); }));
  all.push_back(declare(ops::Softplus::op, {{"x", ops::Softplus::op.a}}, {{"beta", "number", "1"}},
                        with({"beta=0.5", "beta=3"}),
                        [](const auto& a) { return softplus(a["x"], a.number("beta")); }));
  all.push_back(declare(ops::LeakyRelu::op, {{"x"}}, {{"negative_slope", "number", "0.01"}},
                        with({"negative_slope=0.3", "negative_slope=-1"}),
                        [](const auto& a) { return leaky_relu(a["x"], a.number("negative_slope")); }));
  all.push_back(declare(ops::Elu::op, {{"x"}}, {{"alpha", "number", "1"}}, with({"alpha=0.5"}),
                        [](const auto& a) { return elu(a["x"], a.number("alpha")); }));
  all.push_back(declare(
      ops::Gelu::op, {{"x", ops::Gelu::op.a}}, {{"approximate", "none|tanh", "none"}}, with({"approximate=tanh"}),
      [](const auto& a) { return gelu(a["x"], a.word("approximate") == "tanh" ? Gelu::tanh : Gelu::exact); }));
  all.push_back(declare(ops::Clamp::op, {{"x"}}, {{"min", "number", "-1"}, {"max", "number", "1"}},
                        with({"min=-0.5 max=0.5"}),
                        [](const auto& a) { return clamp(a["x"], a.number("min"), a.number("max")); })
                    .kinks({-1, -0.5, 0.5, 1}));
  return all;
}

}  // namespace wengert
