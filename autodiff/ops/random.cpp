#include "autodiff/ops/random.hpp"

#include <cmath>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op dropout_op{"dropout", "y = x m / (1 - p), m = 0 with probability p, else 1"};

template <class T> void run(const Variable<T>& x, T* y, const kernels::Dropout& k, bool add) {
  kernels::of<T>().dropout(x.data(), y, static_cast<kernels::Index>(x.size()), k, add);
}

template <class T> struct DropoutTerm {
  Variable<T> g;
  double p;
  kernels::Dropout k;

  Variable<T> value() { return dropout(std::move(g), p, k.seed); }
  void add_to(T* gx) { run(g, gx, k, true); }
};

}  // namespace

template <class T> Variable<T> dropout(Variable<T> x, double p, std::uint64_t seed) {
  if (!(p >= 0 && p <= 1))
    throw ValueError("dropout: p is " + std::to_string(p) + "; it must be a probability, from 0 to 1");
  const Edge<T> gx = edge(x);
  if (p == 0) return x;
  const kernels::Dropout k{seed, static_cast<std::uint64_t>(std::llround(std::ldexp(p, 32))), 1 / (1 - p)};
  Variable<T> y = is_free(x) ? make_result_in(x) : make_result<T>(x.shape());
  run(x, out(y), k, false);
  if (gx) record(dropout_op, y, [gx, p, k](Upstream<T>& g) { g.add(gx, DropoutTerm<T>{g.take(), p, k}); });
  return y;
}

template Variable<float> dropout(Variable<float>, double, std::uint64_t);
template Variable<double> dropout(Variable<double>, double, std::uint64_t);

std::vector<Declared> declared_random() {
  return {declare(
      dropout_op, {{"x"}}, {{"p", "number", "0.5"}, {"seed", "int", "1"}},
      {"x=[3,7]", "x=[2,40] p=0.25 seed=-7", "x=[]", "x=[3] p=0", "x=[3] p=1", "x=[0,3]"},
      [](const auto& a) { return dropout(a["x"], a.number("p"), static_cast<std::uint64_t>(a.integer("seed"))); })};
}

}  // namespace wengert
