// Sums, maxima and minima along an axis, and their backward.
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

/// The smallest is minus the largest of -x.
template <class T> void max_kernel(const T* x, T* y, Lines s, bool smallest) {
  const Pack<T> sign = smallest ? -1 : 1;
  each_line<T>(s, [&](auto line) {
    const auto most = line.largest([&](auto at) { return at.load(x) * sign; });
    line.store(y, line.values([&](auto at) { return most[at] * sign; }));
  });
}

/// Whether x is the y that was chosen; NaN is, if one is.
template <class T> Mask<T> is_chosen(Pack<T> x, Pack<T> y) { return (x == y) | ((x != x) & (y != y)); }

template <class T> void max_backward(const T* g, const T* x, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto most = line.load(y), upstream = line.load(g);
    const auto ties =
        line.sum([&](auto at) { return select(is_chosen(at.load(x), most[at]), Pack<T>(1), Pack<T>(0)); });
    const auto share = line.values([&](auto at) { return upstream[at] / ties[at]; });
    line.each([&](auto at) {
      const Pack<T> term = select(is_chosen(at.load(x), most[at]), share[at], Pack<T>(0));
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

// The first place of every line where x is the y that max_kernel chose.
template <class T> void argmax(const T* x, const T* y, std::int64_t* index, Lines s) {
  constexpr Index lanes = Pack<T>::lanes;
  if (s.inner == 1) {
    for (Index o = 0; o < s.outer; ++o) {
      const T* const row = x + o * s.length;
      const Pack<T> most = y[o];
      unsigned found = 0;
      Index i = 0;
      for (; i + lanes <= s.length; i += lanes)
        if ((found = lanes_set(is_chosen(Whole<T>{i}.load(row), most), lanes))) break;
      if (!found) found = lanes_set(is_chosen(Part<T>{i, s.length - i}.load(row), most), s.length - i);
      index[o] = i + __builtin_ctz(found);
    }
    return;
  }
  each_strip<T>(s, [&](auto line) {
    const auto most = line.load(y);
    unsigned open[line.packs];  // lines whose place has not been found, a bit each
    for (unsigned& bits : open) bits = ~0u;
    for (Index left = line.lines, l = 0; left > 0; ++l)
      line.element(l, [&](auto at) {
        unsigned found = lanes_set(is_chosen(at.load(x), most[at]), at.count) & open[at.line];
        open[at.line] &= ~found;
        for (; found; found &= found - 1, --left) index[line.first + at.line * lanes + __builtin_ctz(found)] = l;
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
  k.argmax = argmax<T>;
}
template void fill_reduce(Kernels<float>&);
template void fill_reduce(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
