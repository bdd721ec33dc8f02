#include "autodiff/array.hpp"

#include <algorithm>

namespace wengert {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

std::size_t count(const Shape& shape) {
  std::size_t n = 1;
  bool overflows = false;
  for (const std::size_t extent : shape) overflows |= __builtin_mul_overflow(n, extent, &n);
  if (std::find(shape.begin(), shape.end(), std::size_t{0}) != shape.end()) return 0;
  if (overflows) throw ShapeError("shape: " + to_string(shape) + " has more elements than can be counted");
  return n;
}

std::size_t normal_axis(const char* op, std::ptrdiff_t axis, const Shape& shape) {
  const auto rank = static_cast<std::ptrdiff_t>(shape.size());
  if (axis >= -rank && axis < rank) return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  throw ShapeError(std::string(op) + ": axis " + std::to_string(axis) + " is out of range for x " + to_string(shape) +
                   (rank == 0 ? "; a number has no axes"
                              : "; axes go from " + std::to_string(-rank) + " to " + std::to_string(rank - 1)));
}

}  // namespace wengert
