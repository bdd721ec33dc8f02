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

/// ln x for x > 0, x finite: with the rest to about twice the digits.
inline Pack<double> log_of(Pack<double> x, Pack<double>& rest) {
  using D = Pack<double>;
  using C = Constants<double>;
  // m = (1 + s) / (1 - s), ln m = 2 s + s^3 (2/3 + s^2 p(s^2))
  D e;
  const D m = log_argument(x, e), f = m - 1., d = m + 1., r = 1. / d;
  const D s = f * r, s_low = (fused(-s, d, f) - s * (m - (d - 1.))) * r;
  D z_low;
  const D z = product(s, s, z_low);
  z_low = fma(2. * s, s_low, z_low);
  constexpr double p[] = {0.1319619984698773567, 0.1325683111059056606, 0.1538675678146137776, 0.1818178437849124785,
                          0.2222222251979991094, 0.2857142857010022311, 0.4000000000000225476};
  D c_low, v_low, t_low, h_low;
  const D c = sum_of<double>(2. / 3, fma(z, polynomial(z, p), 0.), c_low);
  const D v = product(z, c, v_low), t = product(s, v, t_low);
  v_low = v_low + fma(z, c_low + 0x1.5555555555555p-55, z_low * c);
  t_low = t_low + fma(s, v_low, s_low * v);
  const D h = sum_of(2. * s, t, h_low), log = sum_of(fma(e, C::ln2_high, 0.), h, rest);
  rest = rest + ((h_low + t_low) + fma(e, C::ln2_low, 2. * s_low));
  return log;
}

/// a / b, and what rounding took from it; a has a rest of its own.
inline Pack<double> quotient(Pack<double> a, Pack<double> a_rest, Pack<double> b, Pack<double>& rest) {
  const Pack<double> q = a / b;
  rest = (fused(-q, b, a) + a_rest) / b;
  return q;
}

/// tanh(u + u_rest): with the rest to about 18 digits. Newton's step from the rounded tanh, t: atanh t = ln((1 + t)/(1 - t))/2;
/// far out, where t is all but 1, from 1 - tanh |u| = 2 q/(1 + q), q = e^(-2 |u|).
inline Pack<double> tanh_of(Pack<double> u, Pack<double> u_rest, Pack<double>& rest) {
  using D = Pack<double>;
  const D t = tanh(u), size = abs(t), q = exp(-2. * abs(u));
  D above_low, below_low, above_rest, below_rest;
  const D above = sum_of(D(1), t, above_low), below = sum_of(D(1), -t, below_low);
  const D log_above = log_of(above, above_rest), log_below = log_of(select(below > 0, below, D(1)), below_rest);
  const D a = 0.5 * log_above, b = -0.5 * log_below, angle = a + b, part = angle - a;
  const D angle_rest =
      ((a - (angle - part)) + (b - part)) +
      0.5 * ((above_rest + above_low / above) - (below_rest + below_low / select(below > 0, below, D(1))));
  const D near = above * below * (((u - angle) - angle_rest) + u_rest);
  const D far = (1. - size) - 2. * q / (1. + q);
  rest = select(abs(u) < 3, near, select(t < 0, -far, far));
  return t;
}

}  // namespace
}  // namespace wengert::kernels
