// The functions that formulas are written in, over Pack<T>: exp and log, and what is made of them. The others are in
// trigonometry.hpp, erf.hpp and power.hpp. Bounds of errors are in units in the last place; they hold for every
// instruction set and are tested in tests/elementwise_test.cpp. Subnormal numbers, infinities and NaN are treated as
// by the C library. Coefficients without a source are minimax polynomials (Remez) of our own.
#pragma once

#include "autodiff/kernels/simd.hpp"

namespace wengert::kernels {

namespace {

/// c[0] x^(N-1) + ... + c[N-1]
template <class T, std::size_t N> inline Pack<T> polynomial(Pack<T> x, const T (&c)[N]) {
  Pack<T> p = c[0];
  for (std::size_t i = 1; i < N; ++i) p = fma(p, x, c[i]);
  return p;
}

template <class T> struct Constants;

// A number plus `magic` is rounded to an integer, which is then in the low bits of the sum. ln 2 is in two parts, the first
// with enough zero bits for n ln2_high to be exact. e^x is 0 below `low`, inf from `high` on, where x/ln 2 is still rounded
// to an n with a 2^(n-1).
template <> struct Constants<float> {
  using Bits = xsimd::batch<std::uint32_t, Isa>;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 12582912.f, log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0x1.62e3p-1f, ln2_low = 0x1.2fefa2p-17f;
  static constexpr float low = -104, high = 89, smallest_normal = 0x1p-126f;
};
template <> struct Constants<double> {
  using Bits = xsimd::batch<std::uint64_t, Isa>;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744., log2e = 1.4426950408889634074;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double low = -745.2, high = 709.9, smallest_normal = 0x1p-1022;
};

template <class T> using Bits = typename Constants<T>::Bits;
template <class T> inline Bits<T> bits(Pack<T> x) { return xsimd::bitwise_cast<Bits<T>>(x.v); }
template <class T> inline Pack<T> from_bits(Bits<T> b) { return {xsimd::bitwise_cast<xsimd::batch<T, Isa>>(b)}; }

/// The integer next to x, ties to even; |x| < 2^22 or 2^51.
template <class T> inline Pack<T> round(Pack<T> x) { return (x + Constants<T>::magic) - Constants<T>::magic; }

/// x, but not above `limit`; NaN passes.
template <class T> inline Pack<T> at_most(Pack<T> limit, Pack<T> x) { return select(x > limit, limit, x); }
template <class T> inline Pack<T> at_least(Pack<T> limit, Pack<T> x) { return select(x < limit, limit, x); }

// --- exp ---------------------------------------------------------------------------------------------------------

/// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, by its Taylor series: the rest is below a tenth of an ulp of e^r.
inline Pack<float> exp_rest(Pack<float> r) {
  constexpr float c[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f};
  return polynomial(r, c);
}
inline Pack<double> exp_rest(Pack<double> r) {
  constexpr double c[] = {1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320,
                          1. / 5040,       1. / 720,       1. / 120,      1. / 24,      1. / 6,      0.5};
  return polynomial(r, c);
}

/// 2^n for an integer n, not too small for a normal number, nor too large.
template <class T> inline Pack<T> power_of_two(Pack<T> n) {
  using C = Constants<T>;
  return from_bits<T>((bits(n + C::magic) + Bits<T>(C::bias)) << C::mantissa);
}

/// y 2^n, rounded once, for an n as x/ln 2 is rounded to with `low` <= x <= `high`.
template <class T> inline Pack<T> scale_by_power(Pack<T> y, Pack<T> n) {
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  if constexpr (sizeof(T) == 4)
    return {_mm512_scalef_ps(y.v, n.v)};
  else
    return {_mm512_scalef_pd(y.v, n.v)};
#else
  const Pack<T> half = round(n * 0.5);  // in two halves, so that only the last product may be subnormal
  return y * power_of_two(half) * power_of_two(n - half);
#endif
}

/// x = n ln 2 + r with an integer n and |r| <= ln(2)/2.
template <class T> inline Pack<T> exp_argument(Pack<T> x, Pack<T>& n) {
  using C = Constants<T>;
  n = fma(x, C::log2e, C::magic) - C::magic;
  return fma(n, -C::ln2_low, fma(n, -C::ln2_high, x));
}

/// e^x within 1 ulp; exp(x, rest): e^(x + rest), for a rest that is small against 1 or x. Where the result is 0, so are
/// its factors: a product that underflows costs 100 times as much.
template <class T, class... Rest> inline Pack<T> exp(Pack<T> x, Rest... rest) {
  using C = Constants<T>;
  const auto none = x < C::low;
  Pack<T> n;
  const Pack<T> r = (exp_argument(select(none, Pack<T>(C::low), at_most<T>(C::high, x)), n) + ... + rest);
  return scale_by_power(select(none, Pack<T>(0), fma(r * r, exp_rest(r), r) + 1.), n);
}

/// e^(a - b) for a <= b, within 1 ulp whatever their size: what rounding took from a - b is put back.
template <class T> inline Pack<T> exp_of_difference(Pack<T> a, Pack<T> b) {
  const Pack<T> d = a - b, part = d - a, rest = (a - (d - part)) - (b + part);
  return exp(d, select(abs(rest) < 1, rest, Pack<T>(0)));  // else e^d is 0 anyway, or d is not finite
}

/// e^x - 1 within 2 ulp: 2^n (e^r - 1) + (2^n - 1), by halves.
template <class T> inline Pack<T> expm1(Pack<T> x) {
  Pack<T> n;
  const Pack<T> r = exp_argument(at_most<T>(Constants<T>::high, at_least<T>(-40, x)), n);
  const Pack<T> half = power_of_two(n - 1.), y = fma(fma(r * r, exp_rest(r), r), half, half - 0.5);
  return y + y;
}

// --- log ---------------------------------------------------------------------------------------------------------

/// (ln(1 + f) - 2s) / s for s = f / (2 + f), sqrt(1/2) <= 1 + f <= sqrt(2), as a function of z = s^2.
inline Pack<float> log_rest(Pack<float> z) {
  constexpr float c[] = {0.2987172942f, 0.3997754152f, 0.6666677638f};
  return z * polynomial(z, c);
}
inline Pack<double> log_rest(Pack<double> z) {
  constexpr double c[] = {0.147959495307265652, 0.153140505708095922, 0.181835643253041919, 0.222221985732023336,
                          0.28571428742387421,  0.399999999994146795, 0.666666666666673441};
  return z * polynomial(z, c);
}

/// x = m 2^e with sqrt(1/2) <= m < sqrt(2), for finite x > 0.
template <class T> inline Pack<T> log_argument(Pack<T> x, Pack<T>& e) {
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  Pack<T> m;
  if constexpr (sizeof(T) == 4) {
    e = Pack<T>(_mm512_getexp_ps(x.v));
    m = Pack<T>(_mm512_getmant_ps(x.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src));
  } else {
    e = Pack<T>(_mm512_getexp_pd(x.v));
    m = Pack<T>(_mm512_getmant_pd(x.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src));
  }
  const auto large = m >= 1.41421356237309505;
  e = select(large, e + 1, e);
  return select(large, m * 0.5, m);
#else
  using C = Constants<T>;
  // The exponent bits of x / sqrt(1/2), read as a number by writing them into the mantissa of 2^mantissa.
  constexpr T unit = T(std::uint64_t{1} << C::mantissa);
  const auto tiny = x < C::smallest_normal;
  x = select(tiny, x * (2 * unit), x);
  const Bits<T> root = bits(Pack<T>(0.70710678118654752)), one = bits(Pack<T>(1)), b = bits(x) - root + one;
  const Pack<T> biased = from_bits<T>((b >> C::mantissa) | bits(Pack<T>(unit))) - unit;
  e = biased - select(tiny, Pack<T>(C::bias + C::mantissa + 1), Pack<T>(C::bias));
  return from_bits<T>((b & Bits<T>((std::uint64_t{1} << C::mantissa) - 1)) + root);
#endif
}

/// ln((1 + f) 2^e), f as in log_rest: the arrangement of FreeBSD's e_log.c, in which f is added last. g is f, or 0
/// where the square of f would underflow.
template <class T> inline Pack<T> log_of_parts(Pack<T> f, Pack<T> g, Pack<T> e) {
  using C = Constants<T>;
  const Pack<T> s = g / (2. + g), h = 0.5 * g * g;
  return fma(e, C::ln2_high, f - (h - fma(s, h + log_rest(s * s), e * C::ln2_low)));
}

/// y, or the logarithm of x where it is no finite positive number.
template <class T> inline Pack<T> log_at_ends(Pack<T> x, Pack<T> y) {
  y = select(x < __builtin_inf(), y, x);  // +inf and NaN
  y = select(x > 0, y, select(x == Pack<T>(0), Pack<T>(-__builtin_inf()), Pack<T>(__builtin_nan(""))));
  return y;
}

/// ln x within 1 ulp.
template <class T> inline Pack<T> log(Pack<T> x) {
  Pack<T> e;
  const Pack<T> f = log_argument(x, e) - 1.;
  return log_at_ends(x, log_of_parts(f, f, e));
}

/// x, or 0 where x is nothing beside 1.
template <class T> inline Pack<T> beside_one(Pack<T> x) {
  return select(abs(x) < (sizeof(T) == 4 ? 0x1p-32 : 0x1p-64), Pack<T>(0), x);
}

/// ln(1 + x) within 1.5 ulp: what rounding took from 1 + x is put back.
template <class T> inline Pack<T> log1p(Pack<T> x) {
  const Pack<T> u = 1. + x, rest = x - (u - 1.);
  Pack<T> e;
  const Pack<T> m = log_argument(u, e), f = fma(rest, power_of_two(at_least<T>(-60, -e)), m - 1.);
  return log_at_ends(u, log_of_parts(f, beside_one(f), e));
}

/// As log_rest, for f from 0 to 1.
inline Pack<float> log1p_rest(Pack<float> z) {
  constexpr float c[] = {0.2430093321f, 0.2142765842f, 0.2861688472f, 0.3999887775f, 0.6666667562f};
  return z * polynomial(z, c);
}
inline Pack<double> log1p_rest(Pack<double> z) {
  constexpr double c[] = {0.1701857767950653434, 0.0834010024563975662, 0.1210608653323405561, 0.1330097355331930469,
                          0.1538655992523543713, 0.1818174392484806913, 0.2222222396973238983, 0.2857142854785388357,
                          0.4000000000015724255, 0.666666666666663038};
  return z * polynomial(z, c);
}

// --- made of them ------------------------------------------------------------------------------------------------

/// tanh x within 2.5 ulp: with e = e^2|x| - 1, e / (e + 2) and the sign of x.
template <class T> inline Pack<T> tanh(Pack<T> x) {
  const Pack<T> e = expm1(at_most<T>(40, 2. * abs(x))), y = e / (e + 2.);
  return select(x < 0, -y, y);
}

/// 1 / (1 + e^-x) within 2.5 ulp: with e = e^-|x|, 1/(1 + e) for x >= 0, e/(1 + e) below. Neither overflows.
template <class T> inline Pack<T> sigmoid(Pack<T> x) {
  const Pack<T> e = exp(-abs(x));
  return select(x < 0, e, Pack<T>(1)) / (1. + e);
}

/// sigmoid(x) sigmoid(-x) = e/(1 + e)^2 within 3.5 ulp.
template <class T> inline Pack<T> sigmoid_slope(Pack<T> x) {
  const Pack<T> e = exp(-abs(x)), d = 1. + e;
  return e / (d * d);
}

/// ln(1 + e^x) within 2 ulp: max(x, 0) + ln(1 + e^-|x|).
template <class T> inline Pack<T> softplus(Pack<T> x) {
  const Pack<T> e = exp(-abs(x)), g = beside_one(e), s = g / (2. + g), h = 0.5 * g * g;
  return at_least<T>(0, x) + (e - (h - s * (h + log1p_rest(s * s))));
}

}  // namespace
}  // namespace wengert::kernels
