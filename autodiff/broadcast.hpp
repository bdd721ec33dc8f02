// How two shapes meet: NumPy's broadcasting, reduced to loops over two-dimensional blocks.
#pragma once

#include <algorithm>

#include "autodiff/array.hpp"
#include "autodiff/kernels/kernels.hpp"

namespace wengert {

/// The shape of the result of broadcasting a and b; a ShapeError names `op`, both shapes and the axis.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b, const char* name_a = "a",
                      const char* name_b = "b");

/// The walk over a result of broadcasting. Neighbouring axes along which both operands go on evenly are one axis, so that
/// equal shapes, a row, a column or a number leave one or two; what is left beyond two is an outer loop. Along the
/// columns of a block an operand steps by 1 or stands still.
class Broadcast {
 public:
  using Index = kernels::Index;

  Broadcast(const Shape& a, const Shape& b, const Shape& result);

  kernels::Columns columns_of() const { return columns_of_; }
  Index rows() const { return extent_[1]; }
  Index columns() const { return extent_[0]; }
  Index row(int operand) const { return stride_[operand][1]; }

  /// How the gradient of an operand is summed within a block; false if blocks would have to be summed, too.
  bool summed(int operand, kernels::Summed& how) const;

  /// f(offset in a, offset in b, offset in the result) for every block.
  template <class F> void each_block(F f) const {
    if (size_ == 0) return;
    Index counter[max_rank], offset[2] = {}, block = 0;
    std::fill_n(counter, rank_, 0);
    for (;;) {
      f(offset[0], offset[1], block * extent_[0] * extent_[1]);
      ++block;
      int i = 2;
      for (; i < rank_; ++i) {
        for (int k = 0; k < 2; ++k) offset[k] += stride_[k][i];
        if (++counter[i] < extent_[i]) break;
        for (int k = 0; k < 2; ++k) offset[k] -= stride_[k][i] * extent_[i];
        counter[i] = 0;
      }
      if (i >= rank_) return;
    }
  }

 private:
  static constexpr int max_rank = 32;
  int rank_ = 0;  // axes are counted from the last one here
  Index size_ = 1;
  Index extent_[max_rank];
  Index stride_[2][max_rank];
  kernels::Columns columns_of_ = kernels::Columns::both;
};

}  // namespace wengert
