// Ops of two inputs, element by element, with NumPy's broadcasting: shapes are aligned at their last axis, and an
// extent of 1 stretches. A shape that does not fit is a ShapeError with both shapes and the axis.
//
//   value(a, b)          y
//   slope_a(a, b, y)     dy/da;   slope_b: dy/db
//
// ga += the sum over the axes along which a was stretched of gy slope_a, [shape of a]; likewise gb. What neither
// slope uses is not saved, nor what only the slope of an input without gradient would use.
#pragma once

#include "autodiff/op.hpp"
#include "autodiff/ops/formula.hpp"

namespace wengert {

/// Applies the binary op O of ops::Binary to a and b (defined in binary.cpp).
template <class O, class T> Variable<T> apply(Variable<T> a, Variable<T> b);

namespace ops {

// add: y = a + b,   dy = da + db
struct Add {
  static constexpr Op op{"add", "y = a + b"};
  template <class B> static constexpr B value(const B& a, const B& b) { return a + b; }
  template <class B> static constexpr B slope_a(const B&, const B&, const B&) { return B(1); }
  template <class B> static constexpr B slope_b(const B&, const B&, const B&) { return B(1); }
};

// sub: y = a - b,   dy = da - db
struct Sub {
  static constexpr Op op{"sub", "y = a - b"};
  template <class B> static constexpr B value(const B& a, const B& b) { return a - b; }
  template <class B> static constexpr B slope_a(const B&, const B&, const B&) { return B(1); }
  template <class B> static constexpr B slope_b(const B&, const B&, const B&) { return B(-1); }
};

// mul: y = a b,   dy = b da + a db                           keeps b for ga, a for gb
struct Mul {
  static constexpr Op op{"mul", "y = a b"};
  template <class B> static constexpr B value(const B& a, const B& b) { return a * b; }
  template <class B> static constexpr B slope_a(const B&, const B& b, const B&) { return b; }
  template <class B> static constexpr B slope_b(const B& a, const B&, const B&) { return a; }
};

// div: y = a / b,   dy = da / b - (a / b^2) db = da / b - (y / b) db     keeps b for ga, b and y for gb
struct Div {
  static constexpr Op op{"div", "y = a / b", {-2, 2}, {0.5, 2}};
  template <class B> static constexpr B value(const B& a, const B& b) { return a / b; }
  template <class B> static constexpr B slope_a(const B&, const B& b, const B&) { return 1 / b; }
  template <class B> static constexpr B slope_b(const B&, const B& b, const B& y) { return -y / b; }
};

using Binary = List<Add, Sub, Mul, Div>;

}  // namespace ops
}  // namespace wengert
