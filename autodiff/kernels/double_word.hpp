// Arithmetic in more than one word: products with what rounding took from them, floats as doubles.
#pragma once

#include "autodiff/kernels/math.hpp"

namespace wengert::kernels {

namespace {

/// A register of floats in double: its lower and its upper half.
struct Wide {
  Pack<double> low, high;
};

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
inline Wide widen(Pack<float> x) {
  return {Pack<double>(_mm512_cvtps_pd(_mm512_castps512_ps256(x.v))),
          Pack<double>(_mm512_cvtps_pd(_mm512_extractf32x8_ps(x.v, 1)))};
}
inline Pack<float> narrow(const Wide& x) {
  return {_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low.v)), _mm512_cvtpd_ps(x.high.v), 1)};
}
#elif defined(__AVX2__) && defined(__FMA__)
inline Wide widen(Pack<float> x) {
  return {Pack<double>(_mm256_cvtps_pd(_mm256_castps256_ps128(x.v))),
          Pack<double>(_mm256_cvtps_pd(_mm256_extractf128_ps(x.v, 1)))};
}
inline Pack<float> narrow(const Wide& x) {
  return {_mm256_set_m128(_mm256_cvtpd_ps(x.high.v), _mm256_cvtpd_ps(x.low.v))};
}
#elif defined(__SSE2__)
inline Wide widen(Pack<float> x) {
  return {Pack<double>(_mm_cvtps_pd(x.v)), Pack<double>(_mm_cvtps_pd(_mm_movehl_ps(x.v, x.v)))};
}
inline Pack<float> narrow(const Wide& x) { return {_mm_movelh_ps(_mm_cvtpd_ps(x.low.v), _mm_cvtpd_ps(x.high.v))}; }
#else
inline Wide widen(Pack<float> x) {
  constexpr Index n = Pack<double>::lanes;
  alignas(64) float single[2 * n];
  alignas(64) double lane[2 * n];
  x.v.store_aligned(single);
  for (Index i = 0; i < 2 * n; ++i) lane[i] = single[i];
  return {Pack<double>(xsimd::batch<double, Isa>::load_aligned(lane)),
          Pack<double>(xsimd::batch<double, Isa>::load_aligned(lane + n))};
}
inline Pack<float> narrow(const Wide& x) {
  constexpr Index n = Pack<double>::lanes;
  alignas(64) float single[2 * n];
  alignas(64) double lane[2 * n];
  x.low.v.store_aligned(lane);
  x.high.v.store_aligned(lane + n);
  for (Index i = 0; i < 2 * n; ++i) single[i] = static_cast<float>(lane[i]);
  return {xsimd::batch<float, Isa>::load_aligned(single)};
}
#endif

/// a b + c with one rounding, as good as, on processors that cannot do it in one step as well.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
template <class T> inline Pack<T> fused(Pack<T> a, Pack<T> b, Pack<T> c) { return fma(a, b, c); }
#else
template <class T> Pack<T> fused(Pack<T> a, Pack<T> b, Pack<T> c);
template <> inline Pack<float> fused(Pack<float> a, Pack<float> b, Pack<float> c) {
  const Wide wa = widen(a), wb = widen(b), wc = widen(c);
  return narrow({wa.low * wb.low + wc.low, wa.high * wb.high + wc.high});
}
/// The halves of a number: the upper bits of its mantissa, and the rest (Veltkamp).
inline Pack<double> upper_half(Pack<double> x) {
  const Pack<double> c = 134217729. * x;
  return c - (c - x);
}
template <> inline Pack<double> fused(Pack<double> a, Pack<double> b, Pack<double> c) {
  const Pack<double> ah = upper_half(a), bh = upper_half(b), al = a - ah, bl = b - bh, p = a * b;
  const Pack<double> error = ((ah * bh - p) + ah * bl + al * bh) + al * bl;  // Dekker
  const Pack<double> s = p + c, part = s - p;
  return s + (((p - (s - part)) + (c - part)) + error);
}
#endif

/// a b, and what rounding took from it. The product is an fma of its own: one that the compiler made of it and of what
/// comes after would not be the product that `rest` belongs to.
template <class T> inline Pack<T> product(Pack<T> a, Pack<T> b, Pack<T>& rest) {
  const Pack<T> p = fma(a, b, 0.);
  rest = fused(a, b, -p);
  return p;
}

/// a + b, and what rounding took from it, for |a| >= |b| or a = 0.
template <class T> inline Pack<T> sum_of(Pack<T> a, Pack<T> b, Pack<T>& rest) {
  const Pack<T> s = a + b;
  rest = (a - s) + b;
  return s;
}

}  // namespace
}  // namespace wengert::kernels
