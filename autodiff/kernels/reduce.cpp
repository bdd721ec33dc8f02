// Sums and maxima along an axis, and their backward.
#include "autodiff/kernels/line.hpp"

namespace wengert::kernels {
namespace {

template <class T> void sum(const T* x, T* y, Lines s, double factor, bool add) {
  if (s.inner == 1) {
    for (Index o = 0; o < s.outer; ++o) {
      const T* const row = x + o * s.length;
      const T total = static_cast<T>(factor * sum_over<T>(s.length, [&](auto at) { return at.load(row); }));
      y[o] = add ? y[o] + total : total;
    }
    return;
  }
  const Pack<T> f(factor);
  for (Index o = 0; o < s.outer; ++o) {
    const T* const block = x + o * s.length * s.inner;
    sum_rows<T>(
        s.length, s.inner, [&](Index i, auto at) { return at.load(block + i * s.inner) * f; }, y + o * s.inner, add);
  }
}

template <class T> void spread(const T* g, T* gx, Lines s, T factor, bool add) {
  const auto put = [&](T* to, auto at, Pack<T> term) { at.store(to, add ? at.load(to) + term : term); };
  const Pack<T> f(factor);
  for (Index o = 0; o < s.outer; ++o)
    if (s.inner == 1) {
      const Pack<T> value = Pack<T>(g[o]) * f;
      each_pack<T>(s.length, [&](auto at) { put(gx + o * s.length, at, value); });
    } else {
      const T* const row = g + o * s.inner;
      for (Index l = 0; l < s.length; ++l)  // in the order of memory, whatever the width
        each_pack<T>(s.inner, [&](auto at) { put(gx + (o * s.length + l) * s.inner, at, at.load(row) * f); });
    }
}

template <class T> void max_kernel(const T* x, T* y, Lines s) {
  each_line<T>(s, [&](auto line) { line.store(y, line.largest([&](auto at) { return at.load(x); })); });
}

template <class T> void max_backward(const T* g, const T* x, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto most = line.load(y), upstream = line.load(g);
    const auto is_most = [&](auto at) {
      const Pack<T> px = at.load(x), m = most[at];
      return select((px == m) | ((px != px) & (m != m)), Pack<T>(1), Pack<T>(0));
    };
    const auto ties = line.sum(is_most);
    const auto share = line.values([&](auto at) { return upstream[at] / ties[at]; });
    line.each([&](auto at) {
      const Pack<T> term = select(is_most(at) != Pack<T>(0), share[at], Pack<T>(0));
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_reduce(Kernels<T>& k) {
  k.sum = sum<T>;
  k.spread = spread<T>;
  k.max = max_kernel<T>;
  k.max_backward = max_backward<T>;
}
template void fill_reduce(Kernels<float>&);
template void fill_reduce(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
