// The error function and its relatives over Pack<T>.
#pragma once

#include "autodiff/kernels/double_word.hpp"

namespace wengert::kernels {

namespace {

/// e^(-c x^2) within 1 ulp, for a c that is a power of two: what rounding took from x^2 is put back.
template <class T> inline Pack<T> gaussian(Pack<T> x, std::type_identity_t<Pack<T>> c) {
  Pack<T> rest;
  const Pack<T> h = product(c * x, x, rest);
  return exp(-h, select(abs(rest) < 1, -rest, Pack<T>(0)));  // else h is infinite, or NaN
}

/// (1 + 2z) e^(z^2) erfc(z) - 1 for 0 <= z <= 28, or 11 for float, by a polynomial in (z - k) / (z + k), after Shepherd and
/// Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", Math. Comp. 36, 1981.
inline Pack<float> erfc_rest(Pack<float> z) {
  constexpr float c[] = {-0.0002597483609f, -0.000756298518f, 0.002014067341f, 0.002559135672f,
                         -0.02380629082f,   0.06829604782f,   -0.1192693071f,  0.1296465395f,
                         -0.04756249978f,   -0.1356211457f,   0.2530080601f};
  return polynomial(fma(z / (z + 3.), 2., -1.), c);
}
inline Pack<double> erfc_rest(Pack<double> z) {
  constexpr double c[] = {
      2.675491831338415745e-9,  1.105599452414127246e-8,   -8.357490558544242986e-9,   -9.527139347223000521e-8,
      4.974047106941231712e-9,  6.034606441246983824e-7,   -5.480757118357980203e-8,   -3.817094558396868437e-6,
      2.333707817288564179e-6,  0.00002426229288941927756, -0.00004278401391858955888, -0.0001215128510277449447,
      0.0005643847994818788421, -0.000302267793002813372,  -0.00421501995948250389,    0.01909933093254457052,
      -0.04882332582374584495,  0.08798315382548995995,    -0.1150895981603667799,     0.09751909515324076403,
      -0.01055559633221536143,  -0.1400091801376192728,    0.2423492448711543712};
  return polynomial(fma(z / (z + 3.5), 2., -1.), c);
}

/// g erfc(z) / e^(-z^2)
template <class T> inline Pack<T> scaled_erfc(Pack<T> g, Pack<T> z) {
  const Pack<T> y = g / (1. + 2. * z);
  return fma(y, erfc_rest(z), y);
}

/// Beyond, erfc is 0 in T.
template <class T> constexpr T erfc_end = sizeof(T) == 4 ? 11 : 28;

/// erfc x within 3.5 ulp, its right tail included.
template <class T> inline Pack<T> erfc(Pack<T> x) {
  const Pack<T> z = at_most<T>(erfc_end<T>, abs(x)), y = scaled_erfc(gaussian(z, Pack<T>(1)), z);
  return select(x < 0, 2. - y, y);
}

/// The distribution function of the normal distribution, erfc(-x / sqrt 2) / 2, within 3.5 ulp, its left tail included:
/// the square in the exponential is that of x, not that of a rounded x / sqrt 2.
template <class T> inline Pack<T> ndtr(Pack<T> x) {
  const Pack<T> z = abs(x), g = 0.5 * gaussian(x, Pack<T>(0.5));
  const Pack<T> y = scaled_erfc(g, at_most<T>(erfc_end<T>, z * 0.70710678118654752));
  return select(x > 0, 1. - y, y);
}

/// erf(x) / x - 1 for |x| < 1, as a function of z = x^2.
inline Pack<float> erf_near(Pack<float> z) {
  constexpr float c[] = {7.853863618e-5f, -0.0008010194421f, 0.005188327789f, -0.026853812f,
                         0.1128358515f,   -0.3761262582f,    0.128379166f};
  return polynomial(z, c);
}
inline Pack<double> erf_near(Pack<double> z) {
  constexpr double c[] = {-7.77946848903966184e-10, 1.37109803980730273e-8,    -1.62063137585038754e-7,
                          1.64471315712804394e-6,   -0.0000149247123020099823, 0.000120552935769006326,
                          -0.000854832592931449046, 0.00522397760611847332,    -0.026866170643111467,
                          0.112837916709441847,     -0.376126389031835195,     0.12837916709551257};
  return polynomial(z, c);
}

/// erf x within 1.5 ulp.
template <class T> inline Pack<T> erf(Pack<T> x) {
  const Pack<T> z = at_most<T>(1, abs(x)), near = fma(x, erf_near(z * z), x), far = 1. - erfc(abs(x));
  return select(abs(x) < 1, near, select(x < 0, -far, far));
}

/// The argument of gelu's tanh form, doubled: v = 2 sqrt(2/pi) (x + 0.044715 x^3) = x (c + d x^2), and what rounding
/// took from it; an error of v would be multiplied by v in e^v.
template <class T> struct GeluConstants;
template <> struct GeluConstants<float> {
  static constexpr float c = 0x1.988454p+0f, c_low = -0x1.857936p-25f, d = 0x1.2444f2p-4f, d_low = 0x1.49b16ap-29f;
};
template <> struct GeluConstants<double> {
  static constexpr double c = 0x1.9884533d43651p+0, c_low = -0x1.cbc0d30ebfd15p-54, d = 0x1.2444f2a4d8b4bp-4,
                          d_low = -0x1.6c843a29d1c70p-61;
};
template <class T> inline Pack<T> gelu_argument(Pack<T> x, Pack<T>& rest) {
  using C = GeluConstants<T>;
  x = at_most<T>(40, at_least<T>(-40, x));  // where the gate has long been 0 or 1
  Pack<T> z_low, t_low;
  const Pack<T> z = product(x, x, z_low), t = product<T>(z, C::d, t_low), u = t + C::c, part = u - t;
  const Pack<T> u_low = ((t - (u - part)) + (C::c - part)) + (t_low + fma(z, C::d_low, fma(z_low, C::d, C::c_low)));
  const Pack<T> v = product(x, u, rest);
  rest = fma(x, u_low, rest);
  return v;
}

/// (1 + tanh(v/2)) / 2 = sigmoid(v) within 2.5 ulp.
template <class T> inline Pack<T> gelu_gate(Pack<T> x) {
  Pack<T> rest;
  const Pack<T> v = gelu_argument(x, rest), e = exp(-abs(v), select(v < 0, rest, -rest));
  return select(v < 0, e, Pack<T>(1)) / (1. + e);
}

/// Its derivative, within 4 ulp.
template <class T> inline Pack<T> gelu_gate_slope(Pack<T> x) {
  using C = GeluConstants<T>;
  Pack<T> rest;
  const Pack<T> v = gelu_argument(x, rest), e = exp(-abs(v), select(v < 0, rest, -rest)), d = 1. + e;
  return select(e > 0, e / (d * d) * fma(x * x, 3 * C::d, C::c), e);
}

}  // namespace
}  // namespace wengert::kernels
