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

// pow: y = a^b,   dy = b a^(b-1) da + ln a a^b db                       keeps a and b; for gb y as well
//   NaN for a < 0 unless b is whole; then gb is NaN, ln a being one. Where a is 0 and b is not below, gb is 0.
struct Pow {
  static constexpr Op op{"pow", "y = a^b", {0.5, 2}, {-2, 2}};
  template <class B> static constexpr B value(const B& a, const B& b) { return pow(a, b); }
  template <class B> static constexpr B slope_a(const B& a, const B& b, const B&) { return pow_slope(a, b); }
  template <class B> static constexpr B slope_b(const B& a, const B& b, const B& y) {
    return y * log(select(abs(a) > 0, a, select(b < 0, a, B(1))));
  }
};

// maximum: y = the larger of a and b,   dy = da or db; at a tie, half of each. NaN if either is NaN.     keeps a and b
struct Maximum {
  static constexpr Op op{.name = "maximum", .formula = "y = max(a, b)", .a = {-4, 4}, .kinked = true};
  template <class B> static constexpr B value(const B& a, const B& b) {
    return select(a >= b, a, select(a < b, b, a + b));
  }
  template <class B> static constexpr B slope_a(const B& a, const B& b, const B&) {
    return select(a > b, B(1), select(a < b, B(0), B(0.5)));
  }
  template <class B> static constexpr B slope_b(const B& a, const B& b, const B& y) { return slope_a(b, a, y); }
};

// minimum: likewise the smaller
struct Minimum {
  static constexpr Op op{.name = "minimum", .formula = "y = min(a, b)", .a = {-4, 4}, .kinked = true};
  template <class B> static constexpr B value(const B& a, const B& b) {
    return select(a <= b, a, select(a > b, b, a + b));
  }
  template <class B> static constexpr B slope_a(const B& a, const B& b, const B& y) {
    return Maximum::slope_a(b, a, y);
  }
  template <class B> static constexpr B slope_b(const B& a, const B& b, const B& y) {
    return Maximum::slope_a(a, b, y);
  }
};

using Binary = List<Add, Sub, Mul, Div, Pow, Maximum, Minimum>;

}  // namespace ops

/// a or b may be a number; but for a^p of one number p there is another pow, in elementwise.hpp.
template <class A, class B>
requires(Operands<A, B> && !std::is_arithmetic_v<B>) OperandOf<A, B> pow(A a, B b) {
  return apply<ops::Pow>(OperandOf<A, B>(std::move(a)), OperandOf<A, B>(std::move(b)));
}
template <class A, class B>
requires Operands<A, B> OperandOf<A, B> maximum(A a, B b) {
  return apply<ops::Maximum>(OperandOf<A, B>(std::move(a)), OperandOf<A, B>(std::move(b)));
}
template <class A, class B>
requires Operands<A, B> OperandOf<A, B> minimum(A a, B b) {
  return apply<ops::Minimum>(OperandOf<A, B>(std::move(a)), OperandOf<A, B>(std::move(b)));
}

/// y = a where the mask is not 0, else b, the three stretched to one shape (defined in binary.cpp). No gradient reaches
/// the mask: ga += gy where it is set, gb += gy elsewhere, summed over the axes along which they were stretched.
template <class T> Variable<T> where(Variable<T> mask, Variable<T> a, Variable<T> b);
}  // namespace wengert
