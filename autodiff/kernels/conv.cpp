// Convolution without columns: the taps of a window are offsets into planes (autodiff/ops/window.hpp), so the sums are
// products of matrices whose factor x is read where it lies, once a tap, at unaligned but contiguous places.
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// A number as a type: the rows and packs of a tile.
template <Index N> struct Number { static constexpr Index value = N; };

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
constexpr bool many_registers = true;  // 32, else 16
#else
constexpr bool many_registers = false;
#endif

/// f(Number<0>), f(Number<1>), ...: a loop that leaves no index behind, so that arrays of packs stay in registers.
template <Index n, class F> [[gnu::always_inline]] inline void unrolled(F&& f) {
  if constexpr (n > 0) {
    unrolled<n - 1>(f);
    f(Number<n - 1>{});
  }
}

/// x, in a register: GCC would rather load it again for every use.
template <class T> inline Pack<T> kept(Pack<T> x) {
#if defined(__AVX512F__)
  asm("" : "+v"(x.v.data));
#elif defined(__SSE2__)
  asm("" : "+x"(x.v.data));
#endif
  return x;
}

/// f(number of rows, first row) for all rows, in blocks of `most`, 4, 2 and 1: each is compiled for itself.
template <Index most, class F> inline void each_block(Index rows, F f) {
  Index row = 0;
  for (; row + most <= rows; row += most) f(Number<most>{}, row);
  if constexpr (most > 4)
    if (row + 4 <= rows) f(Number<4>{}, row), row += 4;
  if (row + 2 <= rows) f(Number<2>{}, row), row += 2;
  if (row < rows) f(Number<1>{}, row);
}

// --- planes ------------------------------------------------------------------------------------------------------

template <Index from, Index to, class T>
inline void copy_row(const T* x, T* y, Index n, Index from_column, Index to_column, bool add) {
  const Index dx = from > 0 ? from : from_column, dy = to > 0 ? to : to_column;
  if (add)
    for (Index i = 0; i < n; ++i) y[i * dy] += x[i * dx];
  else
    for (Index i = 0; i < n; ++i) y[i * dy] = x[i * dx];
}

template <class T> void copy_grid(const T* from, T* to, const Grid& grid, bool add) {
  Grid g = grid;
  if (g.from_column == 1 && g.to_column == 1 && g.from_row == g.columns && g.to_row == g.columns)
    g.columns *= g.rows, g.rows = 1;
  for (Index r = 0; r < g.rows; ++r) {
    const T* const x = from + r * g.from_row;
    T* const y = to + r * g.to_row;
    if (g.from_column == 1 && g.to_column == 1)
      each_pack<T>(g.columns, [&](auto at) { at.store(y, add ? at.load(y) + at.load(x) : at.load(x)); });
    else if (g.from_column == 2 && g.to_column == 1)
      copy_row<2, 1>(x, y, g.columns, 0, 0, add);
    else if (g.from_column == 1 && g.to_column == 2)
      copy_row<1, 2>(x, y, g.columns, 0, 0, add);
    else
      copy_row<0, 0>(x, y, g.columns, g.from_column, g.to_column, add);
  }
}

// --- y = conv(x, w) and the gradient of x ------------------------------------------------------------------------

/// `packs` places in a row from p; the last may be a part of one.
template <Index packs, class T, class Last> struct Tile {
  Index p;
  Last last;
  template <Index v> auto at(Number<v>) const {
    if constexpr (v + 1 < packs)
      return Whole<T>{p + v * Pack<T>::lanes};
    else
      return last;
  }
};

template <Index rows, Index packs, class T, class Last>
inline void correlate_tile(const Correlation<T>& c, const T* start_x, T* start_y, Index row,
                           Tile<packs, T, Last> tile) {
  Pack<T> sum[rows][packs];
  unrolled<rows>([&](auto r) {
    unrolled<packs>([&](auto v) { sum[r.value][v.value] = Pack<T>(c.start ? c.start[row + r.value] : T(0)); });
  });
  const T* const a = c.a + row * c.a_row;
  for (const Tap* tap = c.taps; tap != c.taps + c.count; ++tap) {
    Pack<T> x[packs];
    unrolled<packs>([&](auto v) { x[v.value] = kept(tile.at(v).load(start_x + tap->x)); });
    unrolled<rows>([&](auto r) {
      const Pack<T> factor(a[r.value * c.a_row + tap->a]);
      unrolled<packs>([&](auto v) { sum[r.value][v.value] = fma(factor, x[v.value], sum[r.value][v.value]); });
    });
  }
  unrolled<rows>([&](auto r) {
    T* const y = start_y + (row + r.value) * c.y_row;
    unrolled<packs>([&](auto v) {
      const auto at = tile.at(v);
      at.store(y, c.add ? at.load(y) + sum[r.value][v.value] : sum[r.value][v.value]);
    });
  });
}

constexpr Index widest = many_registers ? 4 : 2;

/// A tile of `packs` packs or what is left from p on; returns its end.
template <Index rows, Index packs, class T>
inline Index next_tile(const Correlation<T>& c, const T* x, T* y, Index row, Index p) {
  constexpr Index lanes = Pack<T>::lanes;
  const Index end = p + (packs - 1) * lanes, left = c.length - end;
  if constexpr (packs > 1)
    if (left <= 0) return next_tile<rows, packs - 1>(c, x, y, row, p);
  if constexpr (packs == widest || !many_registers)  // else AVX-512, whose masks cost little: fewer tiles to compile
    if (left >= lanes) {
      correlate_tile<rows>(c, x, y, row, Tile<packs, T, Whole<T>>{p, {end}});
      return end + lanes;
    }
  correlate_tile<rows>(c, x, y, row, Tile<packs, T, Part<T>>{p, {end, left < lanes ? left : lanes}});
  return end + lanes;
}

template <class T> void correlate(const Correlation<T>& c) {
  each_block<6>(c.rows, [&](auto rows, Index row) {
    for (Index n = 0; n < c.samples; ++n)
      for (Index p = 0; p < c.length;)
        p = next_tile<decltype(rows)::value, widest>(c, c.x + n * c.x_sample, c.y + n * c.y_sample, row, p);
  });
}

// --- the gradient of w -------------------------------------------------------------------------------------------

template <Index rows, Index columns, class T>
inline void dots_tile(const TapDots<T>& d, Index row, const Index* x_at, T* out[rows][columns]) {
  Pack<T> sum[rows][columns];
  unrolled<rows>([&](auto r) { unrolled<columns>([&](auto k) { sum[r.value][k.value] = Pack<T>(0); }); });
  for (Index n = 0; n < d.samples; ++n) {
    const T* const g = d.g + n * d.g_sample + row * d.g_row;
    const T* const x = d.x + n * d.x_sample;
    each_pack<T>(d.length, [&](auto at) {
      Pack<T> px[columns];
      unrolled<columns>([&](auto k) { px[k.value] = kept(at.load(x + x_at[k.value])); });
      unrolled<rows>([&](auto r) {
        const Pack<T> pg = kept(at.load(g + r.value * d.g_row));
        unrolled<columns>([&](auto k) { sum[r.value][k.value] = fma(pg, px[k.value], sum[r.value][k.value]); });
      });
    });
  }
  unrolled<rows>([&](auto r) {
    unrolled<columns>([&](auto k) {
      T* const to = out[r.value][k.value];
      if (to) *to += static_cast<T>(sum_lanes(sum[r.value][k.value]));
    });
  });
}

template <class T> void tap_dots(const TapDots<T>& d) {
  constexpr Index columns = many_registers ? 5 : 3;
  each_block<4>(d.rows, [&](auto height, Index row) {
    constexpr Index rows = decltype(height)::value;
    for (Index k = 0; k < d.count; k += columns) {
      Index x_at[columns];
      T* out[rows][columns];
      for (Index j = 0; j < columns; ++j) {
        const bool inside = k + j < d.count;
        const Tap& tap = d.taps[inside ? k + j : k];
        x_at[j] = tap.x;
        for (Index r = 0; r < rows; ++r) out[r][j] = inside ? d.out + (row + r) * d.out_row + tap.a : nullptr;
      }
      dots_tile<rows, columns>(d, row, x_at, out);
    }
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_conv(Kernels<T>& k) {
  k.copy_grid = copy_grid<T>;
  k.correlate = correlate<T>;
  k.tap_dots = tap_dots<T>;
}
template void fill_conv(Kernels<float>&);
template void fill_conv(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
