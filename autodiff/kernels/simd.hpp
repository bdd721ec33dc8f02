// Pack<T>: a SIMD register of T and the functions that formulas are written in.
//
// Included only by the kernel sources, which are compiled once per instruction set. Everything here has internal
// linkage: an inline function shared between those objects could be kept by the linker in its AVX-512 form and then
// run on a processor without it. For the same reason no std:: function template is called in a kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "autodiff/kernels/kernels.hpp"

namespace wengert::kernels {

namespace {

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
using Isa = xsimd::avx512bw;
#elif defined(__AVX2__) && defined(__FMA__)
using Isa = xsimd::fma3<xsimd::avx2>;
#else
using Isa = xsimd::default_arch;
#endif

template <class T> struct Mask {
  xsimd::batch_bool<T, Isa> v;
  friend Mask operator&(Mask a, Mask b) { return {a.v & b.v}; }
  friend Mask operator|(Mask a, Mask b) { return {a.v | b.v}; }
};

template <class T> struct Pack {
  using Batch = xsimd::batch<T, Isa>;
  static constexpr Index lanes = Batch::size;

  Batch v;

  Pack() = default;
  Pack(Batch batch) : v(batch) {}
  template <class N>
  requires std::is_arithmetic_v<N> Pack(N number) : v(static_cast<T>(number)) {}

  friend Pack operator+(Pack a, Pack b) { return a.v + b.v; }
  friend Pack operator-(Pack a, Pack b) { return a.v - b.v; }
  friend Pack operator*(Pack a, Pack b) { return a.v * b.v; }
  friend Pack operator/(Pack a, Pack b) { return a.v / b.v; }
  friend Pack operator-(Pack a) { return -a.v; }
  friend Mask<T> operator<(Pack a, Pack b) { return {a.v < b.v}; }
  friend Mask<T> operator<=(Pack a, Pack b) { return {a.v <= b.v}; }
  friend Mask<T> operator>(Pack a, Pack b) { return {a.v > b.v}; }
  friend Mask<T> operator>=(Pack a, Pack b) { return {a.v >= b.v}; }
  friend Mask<T> operator==(Pack a, Pack b) { return {a.v == b.v}; }
  friend Mask<T> operator!=(Pack a, Pack b) { return {~(a.v == b.v)}; }  // xsimd's is false for NaN on AVX-512

  friend Pack select(Mask<T> m, Pack a, Pack b) { return xsimd::select(m.v, a.v, b.v); }
  friend Pack fma(Pack a, Pack b, Pack c) { return xsimd::fma(a.v, b.v, c.v); }
  friend Pack sqrt(Pack a) { return xsimd::sqrt(a.v); }
  friend Pack abs(Pack a) { return xsimd::abs(a.v); }
  friend Pack log(Pack a) { return xsimd::log(a.v); }
  friend Pack log1p(Pack a) { return xsimd::log1p(a.v); }
  friend Pack tanh(Pack a) { return xsimd::tanh(a.v); }
  /// The larger of two numbers; if one is NaN, either.
  friend Pack larger(Pack a, Pack b) { return xsimd::max(a.v, b.v); }
  /// The larger; NaN if either is NaN.
  friend Pack max(Pack a, Pack b) { return select(a != a, a, select(a > b, a, b)); }
};

/// How many of the first `lanes` lanes of m are set.
template <class T> inline Index count(Mask<T> m, Index lanes) {
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  return __builtin_popcount(static_cast<unsigned>(m.v.data) & ((1u << lanes) - 1));
#elif defined(__AVX2__) && defined(__FMA__)
  int bits;
  if constexpr (sizeof(T) == 4)
    bits = _mm256_movemask_ps(m.v);
  else
    bits = _mm256_movemask_pd(m.v);
  return __builtin_popcount(static_cast<unsigned>(bits) & ((1u << lanes) - 1));
#else
  if (!xsimd::any(m.v)) return 0;
  alignas(64) T lane[Pack<T>::lanes];
  select(m, Pack<T>(1), Pack<T>(0)).v.store_aligned(lane);
  Index set = 0;
  for (Index k = 0; k < lanes; ++k) set += lane[k] != 0;
  return set;
#endif
}

// --- exp ---------------------------------------------------------------------------------------------------------

template <class T> struct ExpConstants;

// ln 2 in two parts, the first with enough zero bits for n ln2_high to be exact; [low, high]: beyond, e^x is 0 or inf.
template <> struct ExpConstants<float> {
  using Bits = std::int32_t;
  static constexpr int mantissa = 23;
  static constexpr float magic = 12582912.f, log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0x1.62e3p-1f, ln2_low = 0x1.2fefa2p-17f;
  static constexpr float low = -110, high = 90;
};
template <> struct ExpConstants<double> {
  using Bits = std::int64_t;
  static constexpr int mantissa = 52;
  static constexpr double magic = 6755399441055744., log2e = 1.4426950408889634074;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double low = -760, high = 720;
};

/// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, by its Taylor series: the rest is below a tenth of an ulp of e^r.
inline Pack<float> exp_rest(Pack<float> r) {
  Pack<float> p = 1. / 5040;
  p = fma(p, r, 1. / 720);
  p = fma(p, r, 1. / 120);
  p = fma(p, r, 1. / 24);
  p = fma(p, r, 1. / 6);
  return fma(p, r, 0.5);
}
inline Pack<double> exp_rest(Pack<double> r) {
  Pack<double> p = 1. / 6227020800;
  p = fma(p, r, 1. / 479001600);
  p = fma(p, r, 1. / 39916800);
  p = fma(p, r, 1. / 3628800);
  p = fma(p, r, 1. / 362880);
  p = fma(p, r, 1. / 40320);
  p = fma(p, r, 1. / 5040);
  p = fma(p, r, 1. / 720);
  p = fma(p, r, 1. / 120);
  p = fma(p, r, 1. / 24);
  p = fma(p, r, 1. / 6);
  return fma(p, r, 0.5);
}

/// y 2^n for an integer n in the range that ExpConstants allow, rounded once, subnormal results included.
template <class T> inline Pack<T> scale_by_power(Pack<T> y, Pack<T> n) {
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  if constexpr (sizeof(T) == 4)
    return {_mm512_scalef_ps(y.v, n.v)};
  else
    return {_mm512_scalef_pd(y.v, n.v)};
#else
  // In two halves, so that only the last product may be subnormal. Adding `magic` rounds to an integer, which is then
  // in the low bits of the sum.
  using C = ExpConstants<T>;
  using Bits = xsimd::batch<typename C::Bits, Isa>;
  const auto power = [](Pack<T> integer) {
    constexpr typename C::Bits bias = (typename C::Bits{1} << (sizeof(T) * 8 - C::mantissa - 2)) - 1;
    const Bits exponent = xsimd::bitwise_cast<Bits>(integer.v) + Bits(bias);
    return Pack<T>(xsimd::bitwise_cast<xsimd::batch<T, Isa>>(exponent << C::mantissa));
  };
  const Pack<T> magic = C::magic, half = fma(n, 0.5, magic);
  return y * power(half) * power((n - (half - magic)) + magic);
#endif
}

/// e^x = 2^n e^r with x = n ln 2 + r: gives e^r, to be finished by scale_by_power(e^r, n).
template <class T> inline Pack<T> exp_reduced(Pack<T> x, Pack<T>& n) {
  using C = ExpConstants<T>;
  n = fma(x, C::log2e, C::magic) - C::magic;
  const Pack<T> r = fma(n, -C::ln2_low, fma(n, -C::ln2_high, x));
  return fma(r * r, exp_rest(r), r) + 1.;
}

/// e^x within 1 ulp, subnormal results included; NaN stays NaN.
template <class T> inline Pack<T> exp(Pack<T> x) {
  using C = ExpConstants<T>;
  x = select(x < C::low, C::low, x);  // in this order NaN passes
  x = select(x > C::high, C::high, x);
  Pack<T> n;
  const Pack<T> y = exp_reduced(x, n);
  return scale_by_power(y, n);
}

/// e^(a - b) for a <= b, within 1.5 ulp whatever their size: what rounding took from a - b is put back.
template <class T> inline Pack<T> exp_of_difference(Pack<T> a, Pack<T> b) {
  const Pack<T> d = a - b, part = d - a;
  Pack<T> rest = (a - (d - part)) - (b + part);
  rest = select(abs(rest) < 1, rest, Pack<T>(0));  // larger, where e^d is 0 anyway, or not finite
  Pack<T> n;
  const Pack<T> y = exp_reduced(select(d < ExpConstants<T>::low, ExpConstants<T>::low, d), n);
  return scale_by_power(fma(y, rest, y), n);
}

// --- memory ------------------------------------------------------------------------------------------------------

/// A place in a loop: all lanes, or the first `count` of them. A partial place neither reads nor writes beyond its
/// lanes; what it loads there is 0. The same arithmetic runs for both: a value does not depend on its position.
template <class T> struct Whole {
  Index i;
  static constexpr Index count = Pack<T>::lanes;
  Pack<T> load(const T* p) const { return xsimd::batch<T, Isa>::load_unaligned(p + i); }
  void store(T* p, Pack<T> x) const { x.v.store_unaligned(p + i); }
  /// x in the lanes of this place, `other` in the rest.
  Pack<T> only(Pack<T> x, Pack<T> = 0) const { return x; }
};

template <class T> struct Part {
  Index i, count;

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  unsigned mask() const { return (1u << count) - 1; }
  Pack<float> load(const float* p) const { return {xsimd::batch<float, Isa>(_mm512_maskz_loadu_ps(mask(), p + i))}; }
  Pack<double> load(const double* p) const { return {xsimd::batch<double, Isa>(_mm512_maskz_loadu_pd(mask(), p + i))}; }
  void store(float* p, Pack<float> x) const { _mm512_mask_storeu_ps(p + i, mask(), x.v); }
  void store(double* p, Pack<double> x) const { _mm512_mask_storeu_pd(p + i, mask(), x.v); }
#elif defined(__AVX2__) && defined(__FMA__)
  __m256i mask(const float*) const {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  __m256i mask(const double*) const {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  Pack<float> load(const float* p) const { return {xsimd::batch<float, Isa>(_mm256_maskload_ps(p + i, mask(p)))}; }
  Pack<double> load(const double* p) const { return {xsimd::batch<double, Isa>(_mm256_maskload_pd(p + i, mask(p)))}; }
  void store(float* p, Pack<float> x) const { _mm256_maskstore_ps(p + i, mask(p), x.v); }
  void store(double* p, Pack<double> x) const { _mm256_maskstore_pd(p + i, mask(p), x.v); }
#else
  Pack<T> load(const T* p) const {
    alignas(64) T lane[Pack<T>::lanes] = {};
    for (Index k = 0; k < count; ++k) lane[k] = p[i + k];
    return xsimd::batch<T, Isa>::load_aligned(lane);
  }
  void store(T* p, Pack<T> x) const {
    alignas(64) T lane[Pack<T>::lanes];
    x.v.store_aligned(lane);
    for (Index k = 0; k < count; ++k) p[i + k] = lane[k];
  }
#endif
  Pack<T> only(Pack<T> x, Pack<T> other = 0) const {
    alignas(64) static constexpr T number[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Pack<T> lane = xsimd::batch<T, Isa>::load_aligned(number);
    return select(lane < static_cast<double>(count), x, other);
  }
};

/// f(place) over [0, n): whole packs, then what is left.
template <class T, class F> inline void each_pack(Index n, F f) {
  Index i = 0;
  for (; i + Pack<T>::lanes <= n; i += Pack<T>::lanes) f(Whole<T>{i});
  if (i < n) f(Part<T>{i, n - i});
}

/// The largest lane; NaN if there is one.
template <class T> inline T max_lanes(Pack<T> x) {
  if (xsimd::any((x != x).v)) return static_cast<T>(__builtin_nan(""));
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  if constexpr (sizeof(T) == 4)
    return _mm512_reduce_max_ps(x.v);
  else
    return _mm512_reduce_max_pd(x.v);
#else
  alignas(64) T lane[Pack<T>::lanes];
  x.v.store_aligned(lane);
  for (Index half = Pack<T>::lanes / 2; half > 0; half /= 2)
    for (Index k = 0; k < half; ++k) lane[k] = lane[k] > lane[k + half] ? lane[k] : lane[k + half];
  return lane[0];
#endif
}

}  // namespace
}  // namespace wengert::kernels
