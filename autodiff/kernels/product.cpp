// Products of a matrix with a vector, both bound by memory: as fast as a BLAS, but the sums are those of sum.hpp, with
// the same bits for any number of threads.
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// Short ones do without the rounding errors carried along: it would be felt.
template <class T> double dot(const T* a, const T* b, Index n) {
  constexpr Index lanes = Pack<T>::lanes;
  if (n > 16 * lanes) return sum_over<T>(n, [&](auto at) { return at.load(a) * at.load(b); });
  if (n <= 4) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
  }
  Pack<T> even = 0, odd = 0;
  Index i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = fma(Whole<T>{i}.load(a), Whole<T>{i}.load(b), even);
    odd = fma(Whole<T>{i + lanes}.load(a), Whole<T>{i + lanes}.load(b), odd);
  }
  if (i + lanes <= n) even = fma(Whole<T>{i}.load(a), Whole<T>{i}.load(b), even), i += lanes;
  if (i < n) odd = fma(Part<T>{i, n - i}.load(a), Part<T>{i, n - i}.load(b), odd);
  return xsimd::hadd((even + odd).v);
}

template <class T> void dot_rows(const T* a, const T* x, T* y, Index rows, Index columns, bool add) {
  for (Index i = 0; i < rows; ++i) {
    const T sum = static_cast<T>(dot(a + i * columns, x, columns));
    y[i] = add ? y[i] + sum : sum;
  }
}

template <class T> void dot_columns(const T* a, const T* x, T* y, Index rows, Index columns, bool add) {
  sum_rows<T>(
      rows, columns, [&](Index i, auto at) { return at.load(a + i * columns) * Pack<T>(x[i]); }, y, add);
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_product(Kernels<T>& k) {
  k.dot_rows = dot_rows<T>;
  k.dot_columns = dot_columns<T>;
}
template void fill_product(Kernels<float>&);
template void fill_product(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
