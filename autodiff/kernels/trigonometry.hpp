// sin and cos over Pack<T>.
#pragma once

#include "autodiff/kernels/double_word.hpp"

namespace wengert::kernels {

namespace {

extern "C" {
float sinf(float) noexcept;
float cosf(float) noexcept;
double sin(double) noexcept;
double cos(double) noexcept;
}

// pi/2 in three parts of full precision. Up to `far`, n is exact, and x - n pi/2 has all its digits.
template <class T> struct Quarter;
template <> struct Quarter<float> {
  static constexpr float part[] = {0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
  static constexpr float per_radian = 0x1.45f306p-1f, far = 1.1e5f;
};
template <> struct Quarter<double> {
  static constexpr double part[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  static constexpr double per_radian = 0x1.45f306dc9c883p-1, far = 1e9;
};

/// (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 for |r| <= pi/4, as functions of z = r^2.
inline Pack<float> sin_rest(Pack<float> z) {
  constexpr float c[] = {-0.0001950431688f, 0.008332083456f, -0.1666665347f};
  return polynomial(z, c);
}
inline Pack<double> sin_rest(Pack<double> z) {
  constexpr double c[] = {1.58903074445437353e-10,  -2.50506477756034161e-8, 2.75573129995566262e-6,
                          -0.000198412698278552455, 0.00833333333332004003,  -0.166666666666666228};
  return polynomial(z, c);
}
inline Pack<float> cos_rest(Pack<float> z) {
  constexpr float c[] = {2.442388859e-5f, -0.001388724274f, 0.04166664438f};
  return polynomial(z, c);
}
inline Pack<double> cos_rest(Pack<double> z) {
  constexpr double c[] = {-1.1355204127553983e-11,  2.0875638789155194e-9,   -2.75573137425566927e-7,
                          0.0000248015872874198831, -0.00138888888888709142, 0.0416666666666665816};
  return polynomial(z, c);
}

/// What the C library says, in the lanes where |x| is beyond `far`; y elsewhere.
template <class T, class F> [[gnu::noinline, gnu::cold]] Pack<T> far_away(Pack<T> x, Pack<T> y, F f) {
  alignas(64) T xs[Pack<T>::lanes], ys[Pack<T>::lanes];
  x.v.store_aligned(xs);
  y.v.store_aligned(ys);
  for (Index i = 0; i < Pack<T>::lanes; ++i)
    if (__builtin_fabs(static_cast<double>(xs[i])) > static_cast<double>(Quarter<T>::far)) ys[i] = f(xs[i]);
  return xsimd::batch<T, Isa>::load_aligned(ys);
}

/// sin(x + quarters pi/2): x = n pi/2 + r, then sin r or cos r, and a sign.
template <class T> inline Pack<T> sine(Pack<T> x, int quarters) {
  using Q = Quarter<T>;
  const Pack<T> n = fma(x, Q::per_radian, Constants<T>::magic) - Constants<T>::magic;
  const Pack<T> r = fused<T>(n, -Q::part[2], fused<T>(n, -Q::part[1], fused<T>(n, -Q::part[0], x))), z = r * r;
  const Pack<T> s = fma(z * r, sin_rest(z), r), c = fma(z * z, cos_rest(z), fma(z, -0.5, 1.));
  const Pack<T> k = n + static_cast<T>(quarters), half = k * 0.5;
  const Bits<T> negative = (bits(k + Constants<T>::magic) & Bits<T>(2)) << (8 * sizeof(T) - 2);
  return from_bits<T>(bits(select(round(half) == half, s, c)) ^ negative);
}

/// sin x and cos x within 1.5 ulp. Beyond 1e5 (float) or 1e9 (double), by the C library, one number at a time.
template <class T> inline Pack<T> sin(Pack<T> x) {
  const Pack<T> y = sine(x, 0);
  if (__builtin_expect(!xsimd::any((abs(x) > Quarter<T>::far).v), 1)) return y;
  return far_away(x, y, [](T t) {
    if constexpr (sizeof(T) == 4)
      return sinf(t);
    else
      return sin(t);
  });
}
template <class T> inline Pack<T> cos(Pack<T> x) {
  const Pack<T> y = sine(x, 1);
  if (__builtin_expect(!xsimd::any((abs(x) > Quarter<T>::far).v), 1)) return y;
  return far_away(x, y, [](T t) {
    if constexpr (sizeof(T) == 4)
      return cosf(t);
    else
      return cos(t);
  });
}

}  // namespace
}  // namespace wengert::kernels
