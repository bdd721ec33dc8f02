// Loops of the elementwise ops, made from their formulas.
#include "autodiff/kernels/erf.hpp"
#include "autodiff/kernels/power.hpp"
#include "autodiff/kernels/trigonometry.hpp"

namespace wengert::kernels {
namespace {

/// f(p...) with the numbers of O in registers.
template <class T, class O, class F> void in_registers(const T* p, F f) {
  ops::with_parameters<O>(p, [&](auto... number) { f(Pack<T>(number)...); });
}

template <class T, class O> void forward(const T* x, T* y, Index n, const T* numbers) {
  in_registers<T, O>(numbers,
                     [&](auto... p) { each_pack<T>(n, [&](auto at) { at.store(y, O::value(at.load(x), p...)); }); });
}

// The pointer to what the slope does not use may be null.
template <class T, class O>
void backward(const T* g, const T* x, const T* y, T* gx, Index n, bool add, const T* numbers) {
  in_registers<T, O>(numbers, [&](auto... p) {
    const auto term = [&](auto at) {
      const Pack<T> px = ops::slope_uses<O> & 1 ? at.load(x) : Pack<T>(0);
      const Pack<T> py = ops::slope_uses<O> & 2 ? at.load(y) : Pack<T>(0);
      return at.load(g) * O::slope(px, py, p...);
    };
    if (add)
      each_pack<T>(n, [&](auto at) { at.store(gx, at.load(gx) + term(at)); });
    else
      each_pack<T>(n, [&](auto at) { at.store(gx, term(at)); });
  });
}

template <class T> void scale(const T* x, T factor, T* y, Index n, bool add) {
  const Pack<T> f(factor);
  if (add)
    each_pack<T>(n, [&](auto at) { at.store(y, at.load(y) + at.load(x) * f); });
  else
    each_pack<T>(n, [&](auto at) { at.store(y, at.load(x) * f); });
}

template <class T> void select_kernel(const T* mask, const T* a, const T* b, T* y, Index n) {
  each_pack<T>(n, [&](auto at) { at.store(y, select(at.load(mask) != Pack<T>(0), at.load(a), at.load(b))); });
}

template <class T> void greater(const T* a, const T* b, bool or_equal, T* y, Index n) {
  each_pack<T>(n, [&](auto at) {
    const Pack<T> pa = at.load(a), pb = at.load(b);
    at.store(y, select(or_equal ? pa >= pb : pa > pb, Pack<T>(1), Pack<T>(0)));
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_elementwise(Kernels<T>& k) {
  ops::Elementwise::each([&]<class O>(std::size_t i) { k.unary[i] = {forward<T, O>, backward<T, O>}; });
  k.scale = scale<T>;
  k.select = select_kernel<T>;
  k.greater = greater<T>;
}
template void fill_elementwise(Kernels<float>&);
template void fill_elementwise(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
