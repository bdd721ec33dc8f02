// Random numbers that are a function of a seed and a place, and what is dropped by them.
//
// Threefry-4x32, 20 rounds: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Additions, rotations and exclusive or alone, so that it runs in any SIMD register.
#include "autodiff/kernels/simd.hpp"

namespace wengert::kernels {
namespace {

/// Integers in as many lanes as Pack<T> has: of 32 bits, and of the size of T.
template <class T> struct Integers {
  typedef std::uint32_t Words __attribute__((vector_size(4 * Pack<T>::lanes)));
  typedef std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> Bits
      __attribute__((vector_size(sizeof(T) * Pack<T>::lanes)));
};

template <class Words> inline Words rotate(Words x, int bits) { return x << bits | x >> (32 - bits); }

/// Four words in every lane, from the counter there (its upper half is 0) and the seed.
template <class Words> inline void threefry(Words (&x)[4], std::uint64_t seed) {
  constexpr int rotations[8][2] = {{10, 26}, {11, 21}, {13, 27}, {23, 5}, {6, 20}, {17, 11}, {25, 10}, {18, 20}};
  const auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
  const std::uint32_t key[5] = {low, high, 0, 0, 0x1BD11BDA ^ low ^ high};
  for (int i = 0; i < 4; ++i) x[i] += key[i];
#pragma GCC unroll 20
  for (int round = 0; round < 20; ++round) {
    const int a = round % 2 ? 3 : 1, b = round % 2 ? 1 : 3;
    x[0] += x[a];
    x[a] = rotate(x[a], rotations[round % 8][0]) ^ x[0];
    x[2] += x[b];
    x[b] = rotate(x[b], rotations[round % 8][1]) ^ x[2];
    if (round % 4 == 3) {
      const auto turn = static_cast<std::uint32_t>(round / 4 + 1);
      for (std::uint32_t i = 0; i < 4; ++i) x[i] += key[(turn + i) % 5];
      x[3] += turn;
    }
  }
}

// 16 counters make the words of 64 elements: element i takes word i/16 % 4 of counter 16 (i/64) + i % 16. So a register
// of any width up to 16 lanes holds counters that follow each other, and a word of each is that of neighbouring elements.
constexpr Index group = 64, counters = 16;

template <class T> void dropout(const T* x, T* y, Index n, const Dropout& k, bool add) {
  using Words = typename Integers<T>::Words;
  using Bits = typename Integers<T>::Bits;
  using Register = typename Pack<T>::Batch::register_type;
  constexpr Index lanes = Pack<T>::lanes;
  if (k.threshold >> 32) {  // nothing is kept
    for (Index i = 0; !add && i < n; ++i) y[i] = 0;
    return;
  }
  const auto threshold = static_cast<std::uint32_t>(k.threshold);
  const Pack<T> scale(k.scale);
  Words lane;
  for (Index j = 0; j < lanes; ++j) lane[j] = static_cast<std::uint32_t>(j);
  const auto part_of = [&](Index start, Index first) {
    const auto counter = static_cast<std::uint64_t>(start / group * counters + first);
    Words word[4] = {lane + static_cast<std::uint32_t>(counter), Words{} + static_cast<std::uint32_t>(counter >> 32)};
    threefry(word, k.seed);
    for (Index w = 0; w < 4; ++w) {
      const auto keep = __builtin_convertvector(word[w] >= threshold, Bits);
      const auto put = [&](auto at) {
        const Register scaled = (at.load(x) * scale).v;
        const Pack<T> term = typename Pack<T>::Batch(Register(Bits(scaled) & keep));
        at.store(y, add ? at.load(y) + term : term);
      };
      const Index i = start + w * counters + first;
      if (i + lanes <= n)
        put(Whole<T>{i});
      else if (i < n)
        put(Part<T>{i, n - i});
    }
  };
  for (Index start = 0; start < n; start += group)
    for (Index first = 0; first < counters; first += lanes) part_of(start, first);
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_random(Kernels<T>& k) { k.dropout = dropout<T>; }
template void fill_random(Kernels<float>&);
template void fill_random(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
