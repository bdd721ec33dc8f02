// How axes are named.
#pragma once

#include "autodiff/array.hpp"

namespace wengert {

/// Some axes of an array: one, several, or all (the default). Negative ones are counted from the end.
class AxisList {
 public:
  AxisList() = default;
  AxisList(std::ptrdiff_t axis) : axes_{axis}, all_(false) {}
  AxisList(std::initializer_list<std::ptrdiff_t> axes) : axes_(axes), all_(axes.size() == 0) {}
  explicit AxisList(Axes axes) : axes_(std::move(axes)), all_(axes_.size() == 0) {}

  bool all() const { return all_; }

  /// One flag an axis of `shape`: whether it is named. A ShapeError if one is out of range or named twice.
  xt::svector<bool, 4> of(const char* op, const Shape& shape) const;

 private:
  Axes axes_;
  bool all_ = true;
};

/// Where an axis is put in anew, counted from the end of the result if negative; a ShapeError names `op`.
std::size_t new_axis(const char* op, std::ptrdiff_t axis, const Shape& shape);
/// `shape` with that axis put in.
Shape with_axis(const Shape& shape, std::size_t axis, std::size_t extent);

}  // namespace wengert
