// The set of kernels of one instruction set.
#include "autodiff/kernels/kernels.hpp"

namespace wengert::kernels::WENGERT_ISA {

template <class T> void fill_elementwise(Kernels<T>&);
template <class T> void fill_binary(Kernels<T>&);
template <class T> void fill_reduce(Kernels<T>&);
template <class T> void fill_product(Kernels<T>&);
template <class T> void fill_cumulative(Kernels<T>&);
template <class T> void fill_deviation(Kernels<T>&);
template <class T> void fill_carry(Kernels<T>&);
template <class T> void fill_softmax(Kernels<T>&);
template <class T> void fill_softmax_ce(Kernels<T>&);
template <class T> void fill_norm(Kernels<T>&);
template <class T> void fill_random(Kernels<T>&);
template <class T> void fill_conv(Kernels<T>&);
template <class T> void fill_pool(Kernels<T>&);
template <class T> void fill_optimise(Kernels<T>&);

namespace {
template <class T> void fill_all(Kernels<T>& k) {
  fill_elementwise(k);
  fill_binary(k);
  fill_reduce(k);
  fill_product(k);
  fill_cumulative(k);
  fill_deviation(k);
  fill_carry(k);
  fill_softmax(k);
  fill_softmax_ce(k);
  fill_norm(k);
  fill_random(k);
  fill_conv(k);
  fill_pool(k);
  fill_optimise(k);
}
}  // namespace

void fill(Kernels<float>& k) { fill_all(k); }
void fill(Kernels<double>& k) { fill_all(k); }

}  // namespace wengert::kernels::WENGERT_ISA
