// x^y over Pack<T>: e^(y ln x), with a logarithm of about twice the digits, since its error is multiplied by up to 745.
#pragma once

#include "autodiff/kernels/double_word.hpp"

namespace wengert::kernels {

namespace {

/// e^((y + y_rest) ln x) for x >= 0, inf included, and finite y.
inline Pack<double> power(Pack<double> x, Pack<double> y, Pack<double> y_rest) {
  using D = Pack<double>;
  D l, rest;
  D log = log_of(x, l);
  log = select(x == D(0), D(-__builtin_inf()), select(x < __builtin_inf(), log, x));
  const D yl = product(y, log, rest);
  rest = rest + fma(y, l, y_rest * log);
  return exp(yl, select(abs(rest) < 1, rest, D(0)));
}

/// The same for floats, to more than their digits.
inline Pack<double> power_of_float(Pack<double> x, Pack<double> y) {
  using D = Pack<double>;
  D e, n;
  const D f = log_argument(x, e) - 1., s = f / (2. + f), z = s * s;
  constexpr double p[] = {0.195840558236932, 0.221761943005087, 0.285721090521299, 0.399999956225388,
                          0.666666666757998};
  const D log = fma(e, 0.693147180559945309, fma(s * z, polynomial(z, p), 2. * s));
  const D yl = y * select(x == D(0), D(-__builtin_inf()), select(x < __builtin_inf(), log, x));
  const D r = exp_argument(at_most<double>(200, at_least<double>(-200, yl)), n);
  constexpr double q[] = {0.0001991992215389937894, 0.00139472119092066768, 0.008333261580335276647,
                          0.0416662540030780803,    0.1666666687251503741,  0.5000000082639512492};
  return power_of_two(n) * (1. + fma(r * r, polynomial(r, q), r));
}
inline Pack<float> power(Pack<float> x, Pack<float> y, Pack<float> y_rest) {
  const Wide wx = widen(x), wy = widen(y), wr = widen(y_rest);
  return narrow({power_of_float(wx.low, wy.low + wr.low), power_of_float(wx.high, wy.high + wr.high)});
}

/// Whether x >= 0 is an integer.
template <class T> inline Mask<T> is_whole(Pack<T> x) {
  const T unit = T(std::uint64_t{1} << Constants<T>::mantissa);
  return ((x + unit) - unit == x) | (x >= unit);
}

template <class T> [[gnu::noinline]] Pack<T> signed_power(Pack<T> x, Pack<T> y, Pack<T> y_rest) {
  const Pack<T> inf(__builtin_inf()), ax = abs(x), ay = abs(y);
  Pack<T> r = power(ax, at_most<T>(1e30, at_least<T>(-1e30, y)), y_rest);
  const auto whole = is_whole(ay), even = is_whole(ay * 0.5);
  r = select(whole, select(even, r, from_bits<T>(bits(r) ^ (bits(x) ^ bits(ax)))), r);
  r = select(x < 0, select(whole | (ax == inf), r, Pack<T>(__builtin_nan(""))), select(x == x, r, x));
  return select((y == Pack<T>(0)) | (x == Pack<T>(1)), Pack<T>(1), r);
}

/// x^y within 1.5 ulp, as the C library defines it at the ends: 1 for y = 0 and for x = 1; NaN for x < 0 unless y is whole.
template <class T> inline Pack<T> pow(Pack<T> x, Pack<T> y) { return signed_power(x, y, Pack<T>(0)); }

/// y x^(y-1) within 2 ulp, and 0 for y = 0: what rounding takes from y - 1 counts.
template <class T> inline Pack<T> pow_slope(Pack<T> x, Pack<T> y) {
  const Pack<T> z = y - 1., part = z - y, rest = (y - (z - part)) - (1. + part);
  const Pack<T> slope = y * signed_power(x, z, select(abs(rest) <= 1, rest, Pack<T>(0)));
  return select(y == Pack<T>(0), y, slope);
}

}  // namespace
}  // namespace wengert::kernels
