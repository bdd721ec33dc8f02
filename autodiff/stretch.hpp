// Stretch: the elements of an operand along the result that it is stretched to.
#pragma once

#include <algorithm>
#include <vector>

#include "autodiff/array.hpp"

namespace wengert {

/// Walks a result from its first element to its last, in portions. An operand steps along some of its axes and stands
/// along the others; neighbouring axes of one sort are one.
class Stretch {
 public:
  using Index = std::ptrdiff_t;

  Stretch(const Shape& operand, const Shape& result) {
    Index size = 1;  // of the operand, so far
    for (std::size_t i = 1; i <= result.size(); ++i) {
      const auto extent = static_cast<Index>(result[result.size() - i]);
      if (extent == 1) continue;
      const bool stands = i > operand.size() || operand[operand.size() - i] == 1;
      if (!axes_.empty() && stands == (axes_.back().stride == 0))
        axes_.back().extent *= extent;
      else
        axes_.push_back({extent, stands ? 0 : size});
      if (!stands) size *= extent;
    }
    if (axes_.empty()) axes_.push_back({1, 0});
  }

  /// Whether every portion of `width` elements sees the same of the operand: a number, or a row that goes into it.
  bool repeats_within(Index width) const { return period() > 0 && width % period() == 0; }

  /// After how many elements the operand begins anew; 0 if it does not simply repeat itself.
  Index period() const {
    if (axes_.size() == 1) return axes_[0].stride == 0 ? 1 : axes_[0].extent;
    return axes_.size() == 2 && axes_[0].stride != 0 ? axes_[0].extent : 0;
  }

  /// f(where in the operand, how many, whether it steps) for each run within the next n elements of the result.
  template <class F> void next(Index n, F f) {
    Axis& inner = axes_[0];
    while (n > 0) {
      const Index length = std::min(n, inner.extent - inner.at);
      f(row_ + inner.at * inner.stride, length, inner.stride != 0);
      n -= length;
      inner.at += length;
      if (inner.at < inner.extent) return;
      inner.at = 0;
      for (std::size_t i = 1; i < axes_.size(); ++i) {
        Axis& a = axes_[i];
        row_ += a.stride;
        if (++a.at < a.extent) break;
        row_ -= a.stride * a.extent;
        a.at = 0;
      }
    }
  }

 private:
  struct Axis {
    Index extent, stride, at = 0;
  };
  std::vector<Axis, Allocator<Axis>> axes_;  // from the last one
  Index row_ = 0;                            // where the operand is at the start of the innermost axis
};

}  // namespace wengert
