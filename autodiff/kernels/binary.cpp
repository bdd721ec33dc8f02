// Loops of the binary ops, made from their formulas.
#include "autodiff/kernels/power.hpp"
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// An operand in a row: it steps along the columns, or stands.
template <bool steps, class T, class Place> Pack<T> operand(const T* row, Place at) {
  if constexpr (steps)
    return at.load(row);
  else
    return Pack<T>(*row);
}

template <class T, class O, bool a_steps, bool b_steps>
void forward(const T* a, Index a_row, const T* b, Index b_row, T* y, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i, a += a_row, b += b_row, y += columns)
    each_pack<T>(columns, [&](auto at) { at.store(y, O::value(operand<a_steps>(a, at), operand<b_steps>(b, at))); });
}

struct SlopeA {
  template <class O, class B> static constexpr B of(const B& a, const B& b, const B& y) { return O::slope_a(a, b, y); }
};
struct SlopeB {
  template <class O, class B> static constexpr B of(const B& a, const B& b, const B& y) { return O::slope_b(a, b, y); }
};

template <class T, class O, class Slope, bool a_steps, bool b_steps, unsigned uses>
void backward(const BinaryBackward<T>& k) {
  for (Index i = 0; i < k.rows; ++i) {
    const auto term = [&](auto at) {
      Pack<T> a(0), b(0), y(0);
      if constexpr (uses & 1) a = operand<a_steps>(k.a + i * k.a_row, at);
      if constexpr (uses & 2) b = operand<b_steps>(k.b + i * k.b_row, at);
      if constexpr (uses & 4) y = at.load(k.y + i * k.g_row);
      return at.load(k.g + i * k.g_row) * Slope::template of<O>(a, b, y);
    };
    T* const out = k.out + i * k.out_row;
    if (k.add)
      each_pack<T>(k.columns, [&](auto at) { at.store(out, at.load(out) + term(at)); });
    else
      each_pack<T>(k.columns, [&](auto at) { at.store(out, term(at)); });
  }
}

/// How an operand that is not used steps does not matter: one loop is enough.
template <class T, class O, class Slope> void fill_backward(void (*(&f)[3])(const BinaryBackward<T>&)) {
  constexpr unsigned uses =
      Slope::template of<O>(ops::Uses::argument(0), ops::Uses::argument(1), ops::Uses::argument(2)).arguments;
  f[int(Columns::both)] = backward<T, O, Slope, true, true, uses>;
  f[int(Columns::a)] = backward<T, O, Slope, true, !(uses & 2), uses>;
  f[int(Columns::b)] = backward<T, O, Slope, !(uses & 1), true, uses>;
}

template <class T, class O> void fill_op(Binary<T>& k) {
  k.forward[int(Columns::both)] = forward<T, O, true, true>;
  k.forward[int(Columns::a)] = forward<T, O, true, false>;
  k.forward[int(Columns::b)] = forward<T, O, false, true>;
  fill_backward<T, O, SlopeA>(k.backward[0]);
  fill_backward<T, O, SlopeB>(k.backward[1]);
}

/// g slope in tiles, which stay in the first-level cache until they are summed.
template <class T> class Tiles {
 public:
  static constexpr Index strip = 256, size = 8 * strip;

  Tiles(void (*backward)(const BinaryBackward<T>&), Columns steps, const BinaryBackward<T>& k)
      : backward_(backward), a_steps_(steps != Columns::b), b_steps_(steps != Columns::a), k_(k) {}

  void compute(Index row, Index column, Index rows, Index columns) {
    const Index at = row * k_.g_row + column;
    backward_({k_.g + at, k_.a + row * k_.a_row + (a_steps_ ? column : 0),
               k_.b + row * k_.b_row + (b_steps_ ? column : 0), k_.y + at, k_.a_row, k_.b_row, terms_, columns, rows,
               columns, false, k_.g_row});
  }

  /// The terms from `start` on.
  auto from(Index start) const {
    return [this, start](auto place) { return place.load(terms_ + start); };
  }

 private:
  void (*backward_)(const BinaryBackward<T>&);
  bool a_steps_, b_steps_;
  const BinaryBackward<T>& k_;
  alignas(64) T terms_[size];
};

/// out[j] (+)= the sum over the rows: by eights as a tree, the eights with their rounding errors, as sum_rows does.
template <class T> void sum_over_rows(Tiles<T>& tiles, const BinaryBackward<T>& k) {
  constexpr Index strip = Tiles<T>::strip;
  alignas(64) T high[strip], low[strip];
  for (Index start = 0; start < k.columns; start += strip) {
    const Index width = k.columns - start < strip ? k.columns - start : strip;
    for (Index j = 0; j < width; ++j) high[j] = low[j] = 0;
    for (Index i = 0; i < k.rows; i += 8) {
      const Index rows = k.rows - i < 8 ? k.rows - i : 8;
      tiles.compute(i, start, rows, width);
      each_pack<T>(width, [&](auto at) {
        Carried<Pack<T>> sum{at.load(high), at.load(low)};
        const auto row = [&](Index r) { return tiles.from(r * width)(at); };
        if (rows == 8)
          sum.add(((row(0) + row(1)) + (row(2) + row(3))) + ((row(4) + row(5)) + (row(6) + row(7))));
        else
          for (Index r = 0; r < rows; ++r) sum.add(row(r));
        at.store(high, sum.high);
        at.store(low, sum.low);
      });
    }
    each_pack<T>(width, [&](auto at) {
      const Pack<T> sum = Carried<Pack<T>>{at.load(high), at.load(low)}.value();
      at.store(k.out + start, k.add ? at.load(k.out + start) + sum : sum);
    });
  }
}

/// out[i] (+)= the sum over the columns: several short rows in a tile, or several tiles in a long one.
template <class T> void sum_over_columns(Tiles<T>& tiles, const BinaryBackward<T>& k) {
  constexpr Index size = Tiles<T>::size;
  const auto put = [&](Index row, double sum) {
    T* const out = k.out + row * k.out_row;
    *out = k.add ? *out + static_cast<T>(sum) : static_cast<T>(sum);
  };
  const Index together = k.columns == 0 ? k.rows : k.columns <= size ? size / k.columns : 1;
  for (Index i = 0; i < k.rows; i += together) {
    const Index rows = k.rows - i < together ? k.rows - i : together;
    if (k.columns <= size) {
      tiles.compute(i, 0, rows, k.columns);
      for (Index r = 0; r < rows; ++r) put(i + r, sum_over<T>(k.columns, tiles.from(r * k.columns)));
      continue;
    }
    Carried<double> sum;
    for (Index start = 0; start < k.columns; start += size) {
      const Index width = k.columns - start < size ? k.columns - start : size;
      tiles.compute(i, start, 1, width);
      sum.add(sum_over<T>(width, tiles.from(0)));
    }
    put(i, sum.value());
  }
}

template <class T>
void sum_terms(void (*backward)(const BinaryBackward<T>&), Columns steps, Summed how, const BinaryBackward<T>& k) {
  Tiles<T> tiles(backward, steps, k);
  if (how == Summed::rows)
    sum_over_rows(tiles, k);
  else
    sum_over_columns(tiles, k);
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_binary(Kernels<T>& k) {
  ops::Binary::each([&]<class O>(std::size_t i) { fill_op<T, O>(k.binary[i]); });
  k.sum_terms = sum_terms<T>;
}
template void fill_binary(Kernels<float>&);
template void fill_binary(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
