// Copies with the axes in another order. Moves of memory only: one build for every processor.
#include <algorithm>

#include "autodiff/kernels/kernels.hpp"

namespace wengert::kernels {
namespace {

/// y[r, c] = x[r row + c column] for a block that is contiguous in y's rows; tiles keep both sides in cache.
template <class T> void copy_block(const T* x, Index row, Index column, T* y, Index y_row, Index rows, Index columns) {
  if (column == 1) {
    for (Index r = 0; r < rows; ++r) std::copy_n(x + r * row, columns, y + r * y_row);
    return;
  }
  constexpr Index tile = 16;
  for (Index c0 = 0; c0 < columns; c0 += tile)
    for (Index r0 = 0; r0 < rows; r0 += tile) {
      const Index r1 = std::min(rows, r0 + tile), c1 = std::min(columns, c0 + tile);
      for (Index r = r0; r < r1; ++r)
        for (Index c = c0; c < c1; ++c) y[r * y_row + c] = x[r * row + c * column];
    }
}

}  // namespace

template <class T> void permute(const T* x, const Index* strides, const Index* shape, int rank, T* y) {
  Index size = 1;
  for (int i = 0; i < rank; ++i) size *= shape[i];
  if (size == 0) return;
  if (rank == 0) {
    *y = *x;
    return;
  }
  // The tile's other side: the axis of x that is nearest to contiguous.
  const int last = rank - 1;
  int side = last > 0 ? last - 1 : last;
  for (int i = 0; i < last; ++i)
    if (shape[i] > 1 && strides[i] < strides[side]) side = i;
  Index y_stride[32], counter[32] = {};
  y_stride[last] = 1;
  for (int i = last; i > 0; --i) y_stride[i - 1] = y_stride[i] * shape[i];
  const bool has_side = side != last;
  for (;;) {
    Index from = 0, to = 0;
    for (int i = 0; i < last; ++i) from += counter[i] * strides[i], to += counter[i] * y_stride[i];
    copy_block(x + from, has_side ? strides[side] : 0, strides[last], y + to, has_side ? y_stride[side] : 0,
               has_side ? shape[side] : 1, shape[last]);
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      if (axis == side) continue;
      if (++counter[axis] < shape[axis]) break;
      counter[axis] = 0;
    }
    if (axis < 0) return;
  }
}
template void permute(const float*, const Index*, const Index*, int, float*);
template void permute(const double*, const Index*, const Index*, int, double*);

}  // namespace wengert::kernels
