// Sums that are added up portion by portion and do not drift: of floats in double, of doubles with their rounding errors.
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

void add_each(const float* x, double* high, double*, Index n) {
  for (Index i = 0; i < n; ++i) high[i] += x[i];
}

void add_each(const double* x, double* high, double* low, Index n) {
  each_pack<double>(n, [&](auto at) {
    Carried<Pack<double>> sum{at.load(high), at.load(low)};
    sum.add(at.load(x));
    at.store(high, sum.high);
    at.store(low, sum.low);
  });
}

template <class T> void carry(const T* x, double* high, double* low, Index n, bool steps) {
  if (steps) return add_each(x, high, low, n);
  const double total = sum_over<T>(n, [&](auto at) { return at.load(x); });
  if constexpr (sizeof(T) == 4)
    *high += total;
  else
    add_each(&total, high, low, 1);
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_carry(Kernels<T>& k) { k.carry = carry<T>; }
template void fill_carry(Kernels<float>&);
template void fill_carry(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
