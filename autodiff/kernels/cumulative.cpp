// Products along an axis, and what runs along it: cumulative sums, products of all others.
#include "autodiff/kernels/line.hpp"

namespace wengert::kernels {
namespace {

// --- along a row --------------------------------------------------------------------------------------------------

/// A row, from the first element or from the last.
struct Run {
  Index length;
  bool reverse;
  Index at(Index i) const { return reverse ? length - 1 - i : i; }
};

/// f(i, state) for every element in order, where f combines the state, `unit` at first, with element i. In eight pieces
/// side by side, since each step waits for the one before: combined(first, n) is the state after n elements alone.
template <class N, class Combine, class Piece, class F>
void scan(Run run, N unit, Combine combine, Piece combined, F f) {
  constexpr Index pieces = 8;
  const Index piece = run.length < 8 * pieces ? 0 : run.length / pieces;
  N state[pieces] = {unit, unit, unit, unit, unit, unit, unit, unit};
  if (piece > 0)
    for (Index k = 1; k < pieces; ++k)
      state[k] = combine(state[k - 1], combined(run.reverse ? run.length - k * piece : (k - 1) * piece, piece));
  for (Index i = 0; i < piece; ++i)
    for (Index k = 0; k < pieces; ++k) f(run.at(k * piece + i), state[k]);
  for (Index i = pieces * piece; i < run.length; ++i) f(run.at(i), state[pieces - 1]);
}

/// The product of a row, in four strands.
template <class T> T product_of(const T* x, Index n) {
  constexpr Index lanes = Pack<T>::lanes, strands = 4;
  Pack<T> p[strands] = {1, 1, 1, 1};
  Index i = 0;
  for (; i + strands * lanes <= n; i += strands * lanes)
    for (Index k = 0; k < strands; ++k) p[k] = p[k] * Whole<T>{i + k * lanes}.load(x);
  for (; i + lanes <= n; i += lanes) p[0] = p[0] * Whole<T>{i}.load(x);
  if (i < n) {
    const Part<T> rest{i, n - i};
    p[1] = p[1] * rest.only(rest.load(x), 1);
  }
  alignas(64) T lane[lanes];
  ((p[0] * p[1]) * (p[2] * p[3])).v.store_aligned(lane);
  for (Index half = lanes / 2; half > 0; half /= 2)
    for (Index k = 0; k < half; ++k) lane[k] = lane[k] * lane[k + half];
  return lane[0];
}

// --- products -----------------------------------------------------------------------------------------------------

template <class T> void prod(const T* x, T* y, Lines s) {
  if (s.inner == 1) {
    for (Index o = 0; o < s.outer; ++o) y[o] = product_of(x + o * s.length, s.length);
    return;
  }
  each_strip<T>(s, [&](auto line) {
    auto p = line.values([](auto) { return Pack<T>(1); });
    line.each([&](auto at) { p.of_pack[at.line] = p[at] * at.load(x); });
    line.store(y, p);
  });
}

// dy = sum_i (the product of the others) dx_i. If y is a normal number no x is 0, and that is y / x_i; otherwise the product of
// those before times the product of those behind, which is right whatever the zeros.
template <class T> void prod_backward(const T* g, const T* x, const T* y, T* gx, Lines s) {
  const auto times = [](T a, T b) { return a * b; };
  if (s.inner == 1) {
    for (Index o = 0; o < s.outer; ++o, x += s.length, gx += s.length) {
      if (lanes_set(is_normal(Pack<T>(y[o])), 1)) {
        const Pack<T> product = y[o], upstream = g[o];
        each_pack<T>(s.length, [&](auto at) { at.store(gx, product / at.load(x) * upstream); });
        continue;
      }
      const auto piece = [&](Index first, Index n) { return product_of(x + first, n); };
      scan(Run{s.length, false}, T(1), times, piece, [&](Index i, T& before) {
        gx[i] = before;
        before *= x[i];
      });
      scan(Run{s.length, true}, T(1), times, piece, [&](Index i, T& behind) {
        gx[i] = gx[i] * behind * g[o];
        behind *= x[i];
      });
    }
    return;
  }
  each_strip<T>(s, [&](auto line) {
    const auto product = line.load(y), upstream = line.load(g);
    if (line.all([&](auto at) { return is_normal(product[at]); })) {
      line.each([&](auto at) { at.store(gx, product[at] / at.load(x) * upstream[at]); });
      return;
    }
    auto p = line.values([](auto) { return Pack<T>(1); });
    line.each([&](auto at) {
      at.store(gx, p[at]);
      p.of_pack[at.line] = p[at] * at.load(x);
    });
    p = upstream;
    for (Index l = line.length; l-- > 0;)
      line.element(l, [&](auto at) {
        at.store(gx, at.load(gx) * p[at]);
        p.of_pack[at.line] = p[at] * at.load(x);
      });
  });
}

// --- cumulative sums ----------------------------------------------------------------------------------------------

/// What a sum is carried in along a row: double for float, and with its rounding errors for double.
template <class T> struct Running;
template <> struct Running<float> {
  double sum;
  void add(double x) { sum += x; }
  double value() const { return sum; }
};
template <> struct Running<double> : Carried<double> {};

// y_i = x_0 + .. + x_i; reverse: y_i = x_i + .. + x_last, which is what the gradient of the former is.
template <class T> void cumsum(const T* x, T* y, Lines s, bool reverse, bool add) {
  if (s.inner == 1) {
    const auto plus = [](Running<T> a, double b) {
      a.add(b);
      return a;
    };
    for (Index o = 0; o < s.outer; ++o, x += s.length, y += s.length) {
      const auto piece = [&](Index first, Index n) {
        return sum_over<T>(n, [&](auto at) { return at.load(x + first); });
      };
      scan(Run{s.length, reverse}, Running<T>{}, plus, piece, [&](Index i, Running<T>& sum) {
        sum.add(x[i]);
        const T total = static_cast<T>(sum.value());
        y[i] = add ? y[i] + total : total;
      });
    }
    return;
  }
  each_strip<T>(s, [&](auto line) {
    Carried<Pack<T>> sum[line.packs];
    for (Index i = 0; i < line.length; ++i)
      line.element(reverse ? line.length - 1 - i : i, [&](auto at) {
        sum[at.line].add(at.load(x));
        const Pack<T> total = sum[at.line].value();
        at.store(y, add ? at.load(y) + total : total);
      });
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_cumulative(Kernels<T>& k) {
  k.prod = prod<T>;
  k.prod_backward = prod_backward<T>;
  k.cumsum = cumsum<T>;
}
template void fill_cumulative(Kernels<float>&);
template void fill_cumulative(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
