// Pack<T>: a SIMD register of T, its arithmetic, and how it meets memory. The functions of mathematics are in math.hpp.
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
  /// The larger of two numbers; if one is NaN, either.
  friend Pack larger(Pack a, Pack b) { return xsimd::max(a.v, b.v); }
  /// The larger; NaN if either is NaN.
  friend Pack max(Pack a, Pack b) { return select(a != a, a, select(a > b, a, b)); }
};

/// Which of the first `lanes` lanes of m are set, a bit each.
template <class T> inline unsigned lanes_set(Mask<T> m, Index lanes) {
  const unsigned all = (1u << lanes) - 1;
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
  return static_cast<unsigned>(m.v.data) & all;
#elif defined(__AVX2__) && defined(__FMA__)
  if constexpr (sizeof(T) == 4)
    return static_cast<unsigned>(_mm256_movemask_ps(m.v)) & all;
  else
    return static_cast<unsigned>(_mm256_movemask_pd(m.v)) & all;
#else
  if (!xsimd::any(m.v)) return 0;
  alignas(64) T lane[Pack<T>::lanes];
  select(m, Pack<T>(1), Pack<T>(0)).v.store_aligned(lane);
  unsigned set = 0;
  for (Index k = 0; k < Pack<T>::lanes; ++k) set |= static_cast<unsigned>(lane[k] != 0) << k;
  return set & all;
#endif
}

/// How many of the first `lanes` lanes of m are set.
template <class T> inline Index count(Mask<T> m, Index lanes) { return __builtin_popcount(lanes_set(m, lanes)); }

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
