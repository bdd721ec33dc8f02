// Pooling of planes (autodiff/ops/window.hpp): a tap is an offset, and packs hold neighbouring windows.
#include "autodiff/kernels/simd.hpp"

namespace wengert::kernels {
namespace {

/// f(row, place): over rows, or over all as one where they lie without gaps.
template <class T, class F> inline void each_place(Sweep s, F f) {
  if (s.x_row == s.columns && s.y_row == s.columns) s.columns *= s.rows, s.rows = 1;
  for (Index r = 0; r < s.rows; ++r) each_pack<T>(s.columns, [&](auto at) { f(r, at); });
}

template <class T> void max_taps(const T* x, const Tap* taps, Index count, const T* first, T* y, T* winner, Sweep s) {
  each_place<T>(s, [&](Index r, auto at) {
    Pack<T> most(-__builtin_inf()), number = first ? at.load(first + r * s.columns) : Pack<T>(0);
    for (Index k = 0; k < count; ++k) {
      const Pack<T> value = at.load(x + r * s.x_row + taps[k].x);
      const Mask<T> wins = (value > most) | (value != value);
      most = select(wins, value, most);
      number = select(wins, Pack<T>(static_cast<T>(k)), number);
    }
    at.store(y + r * s.y_row, most);
    if (winner) at.store(winner + r * s.y_row, number);
  });
}

template <class T> void sum_taps(const T* x, const Tap* taps, Index count, const T* divisor, T* y, Sweep s, bool add) {
  each_place<T>(s, [&](Index r, auto at) {
    Pack<T> sum(0);
    for (Index k = 0; k < count; ++k) sum = sum + at.load(x + r * s.x_row + taps[k].x);
    if (divisor) sum = sum / at.load(divisor + r * s.columns);
    at.store(y + r * s.y_row, add ? at.load(y + r * s.y_row) + sum : sum);
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_pool(Kernels<T>& k) {
  k.max_taps = max_taps<T>;
  k.sum_taps = sum_taps<T>;
}
template void fill_pool(Kernels<float>&);
template void fill_pool(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
