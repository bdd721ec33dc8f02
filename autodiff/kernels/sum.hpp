// Sums that do not drift: in double or in double words, in an order that depends on nothing but the length.
#pragma once

#include "autodiff/kernels/simd.hpp"

namespace wengert::kernels {
namespace {

/// a + b and what rounding took from it (Knuth).
template <class N> inline N two_sum(N a, N b, N& error) {
  const N s = a + b;
  const N part = s - a;
  error = (a - (s - part)) + (b - part);
  return s;
}

/// x, or 0 where it is infinite or NaN.
inline double finite(double x) { return x - x == 0 ? x : 0; }
template <class T> inline Pack<T> finite(Pack<T> x) { return select(x - x == Pack<T>(0), x, Pack<T>(0)); }

/// A sum with the rounding errors of its additions: high + low, to about twice the precision. low stays below an ulp
/// of high, so that it does not drift either, and finite, so that a sum that overflows is inf and not NaN.
template <class N> struct Carried {
  N high = N(0), low = N(0);
  void add(N x) {
    N error;
    const N s = two_sum(high, x, error);
    low = low + finite(error);
    high = s + low;
    low = finite(low - (high - s));
  }
  N value() const { return high + low; }
};

// The lanes of a register: tree-wise in double for float, with the rounding errors for double.
inline double sum_lanes(Pack<float> x) {
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  return _mm512_reduce_add_pd(
      _mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x.v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.v, 1))));
#else
  alignas(64) float lane[Pack<float>::lanes];
  x.v.store_aligned(lane);
  double even = 0, odd = 0;
  for (Index k = 0; k < Pack<float>::lanes; k += 2) even += lane[k], odd += lane[k + 1];
  return even + odd;
#endif
}
inline Carried<double> sum_lanes_carried(Pack<double> x) {
  alignas(64) double lane[Pack<double>::lanes];
  x.v.store_aligned(lane);
  Carried<double> total;
  for (double l : lane) {
    double error;
    total.high = two_sum(total.high, l, error);
    total.low += finite(error);
  }
  return total;
}

/// The sum over the lanes, in double.
inline double sum_lanes(const Carried<Pack<float>>& s) { return sum_lanes(s.high) + sum_lanes(s.low); }
inline double sum_lanes(const Carried<Pack<double>>& s) {
  Carried<double> total = sum_lanes_carried(s.high);
  total.low += sum_lanes_carried(s.low).high;
  return total.value();
}

inline double sum_lanes(Pack<double> x) { return sum_lanes_carried(x).value(); }

/// The sum of term(place) over [0, n), in double. Blocks of 16 packs are added plainly in four strands, the blocks
/// with their rounding errors: the error does not grow with n, and the order is fixed.
template <class T, class F> inline double sum_over(Index n, F term) {
  if (n <= Pack<T>::lanes) {
    const Part<T> all{0, n};
    return sum_lanes(all.only(term(all)));
  }
  constexpr Index lanes = Pack<T>::lanes, strands = 4, block = 16 * lanes;
  Carried<Pack<T>> total;
  Index i = 0;
  for (; i + strands * lanes <= n;) {
    Pack<T> s[strands] = {term(Whole<T>{i}), term(Whole<T>{i + lanes}), term(Whole<T>{i + 2 * lanes}),
                          term(Whole<T>{i + 3 * lanes})};
    const Index end = n - i < block ? i + (n - i) / (strands * lanes) * (strands * lanes) : i + block;
    for (i += strands * lanes; i < end; i += strands * lanes)
      for (Index k = 0; k < strands; ++k) s[k] = s[k] + term(Whole<T>{i + k * lanes});
    total.add((s[0] + s[1]) + (s[2] + s[3]));
  }
  for (; i + lanes <= n; i += lanes) total.add(term(Whole<T>{i}));
  if (i < n) {
    const Part<T> part{i, n - i};
    total.add(part.only(term(part)));
  }
  return sum_lanes(total);
}

/// out[j] (+)= the sum over i of term(i, place at j), j in [0, columns). Rows are added by eights as a tree, the eights
/// with their rounding errors. A strip of columns at a time, so that memory is read in runs.
template <class T, class F> inline void sum_rows(Index rows, Index columns, F term, T* out, bool add) {
  constexpr Index strip = 256;
  alignas(64) T high[strip], low[strip];
  for (Index start = 0; start < columns; start += strip) {
    const Index width = columns - start < strip ? columns - start : strip;
    each_pack<T>(width, [&](auto place) {
      place.store(high, Pack<T>(0));
      place.store(low, Pack<T>(0));
    });
    const auto add_rows = [&](auto sum_of_rows) {
      each_pack<T>(width, [&](auto place) {
        auto at = place;
        at.i += start;
        Carried<Pack<T>> sum{place.load(high), place.load(low)};
        sum.add(sum_of_rows(at));
        place.store(high, sum.high);
        place.store(low, sum.low);
      });
    };
    Index i = 0;
    for (; i + 8 <= rows; i += 8)
      add_rows([&](auto at) {
        return ((term(i, at) + term(i + 1, at)) + (term(i + 2, at) + term(i + 3, at))) +
               ((term(i + 4, at) + term(i + 5, at)) + (term(i + 6, at) + term(i + 7, at)));
      });
    for (; i < rows; ++i) add_rows([&](auto at) { return term(i, at); });
    each_pack<T>(width, [&](auto place) {
      const Pack<T> sum = Carried<Pack<T>>{place.load(high), place.load(low)}.value();
      place.store(out + start, add ? place.load(out + start) + sum : sum);
    });
  }
}

}  // namespace
}  // namespace wengert::kernels
