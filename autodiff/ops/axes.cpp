#include "autodiff/ops/axes.hpp"

namespace wengert {

xt::svector<bool, 4> AxisList::of(const char* op, const Shape& shape) const {
  xt::svector<bool, 4> named(shape.size(), all_);
  for (const std::ptrdiff_t axis : axes_) {
    const std::size_t a = normal_axis(op, axis, shape);
    if (named[a])
      throw ShapeError(std::string(op) + ": axis " + std::to_string(axis) + " of x " + to_string(shape) +
                       " is given twice");
    named[a] = true;
  }
  return named;
}

std::size_t new_axis(const char* op, std::ptrdiff_t axis, const Shape& shape) {
  const auto places = static_cast<std::ptrdiff_t>(shape.size()) + 1;
  if (axis >= -places && axis < places) return static_cast<std::size_t>(axis < 0 ? axis + places : axis);
  throw ShapeError(std::string(op) + ": a new axis of x " + to_string(shape) + " cannot be at " + std::to_string(axis) +
                   "; it may be at " + std::to_string(-places) + " to " + std::to_string(places - 1));
}

Shape with_axis(const Shape& shape, std::size_t axis, std::size_t extent) {
  Shape more(shape.size() + 1, extent);
  for (std::size_t i = 0; i < shape.size(); ++i) more[i + (i >= axis)] = shape[i];
  return more;
}

}  // namespace wengert
