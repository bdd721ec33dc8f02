// Updates of parameters by their gradients, one pass each. The formulas are documented in nn/optimise.hpp.
#include "autodiff/kernels/simd.hpp"

namespace wengert::kernels {
namespace {

template <class T> void sgd(const T* g, T* velocity, T* w, Index n, T rate, T momentum, T decay, bool nesterov) {
  const Pack<T> r(rate), mu(momentum), d(decay);
  each_pack<T>(n, [&](auto at) {
    const Pack<T> pw = at.load(w);
    Pack<T> step = fma(d, pw, at.load(g));
    if (velocity) {
      const Pack<T> v = fma(mu, at.load(velocity), step);
      at.store(velocity, v);
      step = nesterov ? fma(mu, v, step) : v;
    }
    at.store(w, fma(-r, step, pw));
  });
}

template <class T> void adam(const T* g, T* m, T* v, T* w, Index n, const Adam& a) {
  const Pack<T> beta1(a.beta1), beta2(a.beta2), rest1(1 - a.beta1), rest2(1 - a.beta2), epsilon(a.epsilon),
      decay(a.decay);
  const Pack<T> step(a.rate / a.correction1), root(__builtin_sqrt(a.correction2));
  each_pack<T>(n, [&](auto at) {
    const Pack<T> pw = at.load(w), pg = fma(decay, pw, at.load(g));
    const Pack<T> pm = fma(beta1, at.load(m), rest1 * pg);
    const Pack<T> pv = fma(beta2, at.load(v), rest2 * pg * pg);
    at.store(m, pm);
    at.store(v, pv);
    at.store(w, pw - step * pm / (sqrt(pv) / root + epsilon));
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_optimise(Kernels<T>& k) {
  k.sgd = sgd<T>;
  k.adam = adam<T>;
}
template void fill_optimise(Kernels<float>&);
template void fill_optimise(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
