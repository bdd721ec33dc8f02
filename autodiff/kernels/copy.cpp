// Copies between arrays seen through strides. Moves of memory only: one build for every processor.
#include <algorithm>
#include <cstring>

#include "autodiff/kernels/kernels.hpp"

namespace wengert::kernels {
namespace {

/// A walk over two arrays at once; axes along which both go on evenly are one.
struct Walk {
  int rank = 0;
  Index extent[32], x[32], y[32];

  Walk(const Index* x_strides, const Index* y_strides, const Index* shape, int n) {
    for (int i = 0; i < n; ++i) {
      if (shape[i] == 1) continue;
      const int last = rank - 1;
      if (rank > 0 && x[last] == x_strides[i] * shape[i] && y[last] == y_strides[i] * shape[i]) {
        extent[last] *= shape[i];
      } else {
        ++rank;
        extent[last + 1] = shape[i];
      }
      x[rank - 1] = x_strides[i];
      y[rank - 1] = y_strides[i];
    }
  }
  /// Makes axis i the last one, the others stay in order.
  void put_last(int i) {
    for (Index* const a : {extent, x, y}) std::rotate(a + i, a + i + 1, a + rank);
  }
};

template <bool add, class T> void set(T& y, T x) {
  if constexpr (add)
    y += x;
  else
    y = x;
}

template <bool add, class T>
void copy_row(const T* __restrict x, Index step_x, T* __restrict y, Index step_y, Index n) {
  if (step_x == 1 && step_y == 1) {
    if (add)
      for (Index i = 0; i < n; ++i) y[i] += x[i];
    else
      std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(T));
  } else if (step_x == -1 && step_y == 1) {
    for (Index i = 0; i < n; ++i) set<add>(y[i], x[-i]);
  } else if (step_y == 1) {
    for (Index i = 0; i < n; ++i) set<add>(y[i], x[i * step_x]);
  } else {
    for (Index i = 0; i < n; ++i) set<add>(y[i * step_y], x[i * step_x]);
  }
}

/// y[r, c] = x[r, c] where x's lines lie along the rows and y's along the columns: in tiles, through a buffer, so that
/// each line of memory is touched once, however the strides fall together.
template <bool add, class T>
void transpose_block(const T* x, Index x_row, Index x_column, T* y, Index y_row, Index y_column, Index rows,
                     Index columns) {
  constexpr Index tile = 64 / sizeof(T);
  T buffer[tile][tile];
  for (Index c0 = 0; c0 < columns; c0 += tile)
    for (Index r0 = 0; r0 < rows; r0 += tile) {
      const T* const from = x + r0 * x_row + c0 * x_column;
      T* const to = y + r0 * y_row + c0 * y_column;
      if (r0 + tile <= rows && c0 + tile <= columns && x_row == 1 && y_column == 1) {
        for (Index c = 0; c < tile; ++c)
          for (Index r = 0; r < tile; ++r) buffer[r][c] = from[r + c * x_column];
        for (Index r = 0; r < tile; ++r)
          for (Index c = 0; c < tile; ++c) set<add>(to[r * y_row + c], buffer[r][c]);
      } else {
        const Index r1 = std::min(rows - r0, tile), c1 = std::min(columns - c0, tile);
        for (Index r = 0; r < r1; ++r)
          for (Index c = 0; c < c1; ++c) set<add>(to[r * y_row + c * y_column], from[r * x_row + c * x_column]);
      }
    }
}

template <bool add, class T> void run(const T* x, T* y, Walk w) {
  // The last axis is y's nearest to contiguous; should x have another one, the two are copied in tiles.
  const auto nearest = [&](const Index* strides) {
    int best = w.rank - 1;
    for (int i = best - 1; i >= 0; --i)
      if (std::abs(strides[i]) < std::abs(strides[best])) best = i;
    return best;
  };
  w.put_last(nearest(w.y));
  const int side = nearest(w.x), last = w.rank - 1;
  const bool tiles = side != last;
  if (tiles) {  // the pair goes last
    for (Index* const a : {w.extent, w.x, w.y}) std::rotate(a + side, a + side + 1, a + last);
  }
  const int outer = tiles ? last - 1 : last;
  Index counter[32] = {};
  for (;;) {
    if (tiles)
      transpose_block<add>(x, w.x[last - 1], w.x[last], y, w.y[last - 1], w.y[last], w.extent[last - 1],
                           w.extent[last]);
    else
      copy_row<add>(x, w.x[last], y, w.y[last], w.extent[last]);
    int i = outer - 1;
    for (; i >= 0; --i) {
      x += w.x[i], y += w.y[i];
      if (++counter[i] < w.extent[i]) break;
      x -= w.x[i] * w.extent[i], y -= w.y[i] * w.extent[i];
      counter[i] = 0;
    }
    if (i < 0) return;
  }
}

}  // namespace

template <class T>
void copy(const T* x, const Index* x_strides, T* y, const Index* y_strides, const Index* shape, int rank, bool add) {
  if (std::find(shape, shape + rank, Index{0}) != shape + rank) return;
  const Walk w(x_strides, y_strides, shape, rank);
  if (w.rank == 0)
    *y = add ? *y + *x : *x;
  else if (add)
    run<true>(x, y, w);
  else
    run<false>(x, y, w);
}
template void copy(const float*, const Index*, float*, const Index*, const Index*, int, bool);
template void copy(const double*, const Index*, double*, const Index*, const Index*, int, bool);

}  // namespace wengert::kernels
