// Loops of the elementwise and binary ops, made from their formulas.
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

template <class T, class O> void unary_forward(const T* x, T* y, Index n) {
  each_pack<T>(n, [&](auto at) { at.store(y, O::value(at.load(x))); });
}

// Which of x and y the slope reads; the other pointer may be null.
template <class O> constexpr unsigned unary_uses = O::slope(ops::Uses::argument(0), ops::Uses::argument(1)).arguments;

template <class T, class O> void unary_backward(const T* g, const T* x, const T* y, T* gx, Index n, bool add) {
  const auto term = [&](auto at) {
    const Pack<T> px = unary_uses<O> & 1 ? at.load(x) : Pack<T>(0);
    const Pack<T> py = unary_uses<O> & 2 ? at.load(y) : Pack<T>(0);
    return at.load(g) * O::slope(px, py);
  };
  if (add)
    each_pack<T>(n, [&](auto at) { at.store(gx, at.load(gx) + term(at)); });
  else
    each_pack<T>(n, [&](auto at) { at.store(gx, term(at)); });
}

/// An operand in a row: it steps along the columns, or stands.
template <bool steps, class T, class Place> Pack<T> operand(const T* row, Place at) {
  if constexpr (steps)
    return at.load(row);
  else
    return Pack<T>(*row);
}

template <class T, class O, Columns c>
void binary_forward(const T* a, Index a_row, const T* b, Index b_row, T* y, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i, a += a_row, b += b_row, y += columns)
    each_pack<T>(columns, [&](auto at) {
      at.store(y, O::value(operand<c != Columns::b>(a, at), operand<c != Columns::a>(b, at)));
    });
}

struct SlopeA {
  template <class O, class B> static constexpr B of(const B& a, const B& b, const B& y) { return O::slope_a(a, b, y); }
};
struct SlopeB {
  template <class O, class B> static constexpr B of(const B& a, const B& b, const B& y) { return O::slope_b(a, b, y); }
};

template <class T, class O, class Slope, Columns c, Summed summed> void binary_backward(const BinaryBackward<T>& k) {
  constexpr unsigned uses =
      Slope::template of<O>(ops::Uses::argument(0), ops::Uses::argument(1), ops::Uses::argument(2)).arguments;
  const auto term = [&](Index i, auto at) {
    Pack<T> a(0), b(0), y(0);
    if constexpr (uses & 1) a = operand<c != Columns::b>(k.a + i * k.a_row, at);
    if constexpr (uses & 2) b = operand<c != Columns::a>(k.b + i * k.b_row, at);
    if constexpr (uses & 4) y = at.load(k.y + i * k.columns);
    return at.load(k.g + i * k.columns) * Slope::template of<O>(a, b, y);
  };
  if constexpr (summed == Summed::rows) {
    sum_rows<T>(k.rows, k.columns, term, k.out, k.add);
  } else {
    for (Index i = 0; i < k.rows; ++i) {
      T* const out = k.out + i * k.out_row;
      if constexpr (summed == Summed::columns) {
        const T sum = static_cast<T>(sum_over<T>(k.columns, [&](auto at) { return term(i, at); }));
        *out = k.add ? *out + sum : sum;
      } else if (k.add) {
        each_pack<T>(k.columns, [&](auto at) { at.store(out, at.load(out) + term(i, at)); });
      } else {
        each_pack<T>(k.columns, [&](auto at) { at.store(out, term(i, at)); });
      }
    }
  }
}

template <class T, class O, class Slope, Columns c> void fill_backward(void (*(&f)[3])(const BinaryBackward<T>&)) {
  f[int(Summed::nothing)] = binary_backward<T, O, Slope, c, Summed::nothing>;
  f[int(Summed::columns)] = binary_backward<T, O, Slope, c, Summed::columns>;
  f[int(Summed::rows)] = binary_backward<T, O, Slope, c, Summed::rows>;
}

template <class T, class O, Columns c> void fill_binary(Binary<T>& k) {
  k.forward[int(c)] = binary_forward<T, O, c>;
  fill_backward<T, O, SlopeA, c>(k.backward[0][int(c)]);
  fill_backward<T, O, SlopeB, c>(k.backward[1][int(c)]);
}

template <class T> void scale(const T* x, T factor, T* y, Index n, bool add) {
  const Pack<T> f(factor);
  if (add)
    each_pack<T>(n, [&](auto at) { at.store(y, at.load(y) + at.load(x) * f); });
  else
    each_pack<T>(n, [&](auto at) { at.store(y, at.load(x) * f); });
}

template <class T> void select_kernel(const T* mask, const T* a, const T* b, T* y, Index n) {
  each_pack<T>(n, [&](auto at) { at.store(y, select(at.load(mask) != Pack<T>(0), at.load(a), at.load(b))); });
}

template <class T> void greater(const T* a, const T* b, bool or_equal, T* y, Index n) {
  each_pack<T>(n, [&](auto at) {
    const Pack<T> pa = at.load(a), pb = at.load(b);
    at.store(y, select(or_equal ? pa >= pb : pa > pb, Pack<T>(1), Pack<T>(0)));
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_elementwise(Kernels<T>& k) {
  ops::Elementwise::each([&]<class O>(std::size_t i) { k.unary[i] = {unary_forward<T, O>, unary_backward<T, O>}; });
  ops::Binary::each([&]<class O>(std::size_t i) {
    fill_binary<T, O, Columns::both>(k.binary[i]);
    fill_binary<T, O, Columns::a>(k.binary[i]);
    fill_binary<T, O, Columns::b>(k.binary[i]);
  });
  k.scale = scale<T>;
  k.select = select_kernel<T>;
  k.greater = greater<T>;
}
template void fill_elementwise(Kernels<float>&);
template void fill_elementwise(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
