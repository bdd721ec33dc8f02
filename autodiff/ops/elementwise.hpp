// Ops of one input, element by element. An op is declared here and nowhere else: its formula and its slope give the
// kernels, the second derivative, the checker's case and the line in the list of ops.
//
//   value(x)      y
//   slope(x, y)   dy/dx, from whichever of x and y is cheaper; what it does not use is not saved
//
// The gradient is gx += gy slope(x, y), [shape of x]. float32 and float64. An input that nobody else holds is
// overwritten by the result unless the slope uses it.
#pragma once

#include "autodiff/op.hpp"
#include "autodiff/ops/formula.hpp"

namespace wengert {

/// Applies the elementwise op O of ops::Elementwise to x (defined in elementwise.cpp).
template <class O, class T> Variable<T> apply(Variable<T> x);

namespace ops {

// neg: y = -x,   dy = -dx
struct Neg {
  static constexpr Op op{"neg", "y = -x"};
  template <class B> static constexpr B value(const B& x) { return -x; }
  template <class B> static constexpr B slope(const B&, const B&) { return B(-1); }
};

// square: y = x^2,   dy = 2x dx                              keeps x
struct Square {
  static constexpr Op op{"square", "y = x^2"};
  template <class B> static constexpr B value(const B& x) { return x * x; }
  template <class B> static constexpr B slope(const B& x, const B&) { return 2 * x; }
};

// sqrt: y = x^(1/2),   dy = dx / (2 sqrt x) = dx / (2y)      keeps y; at 0 the slope is inf
struct Sqrt {
  static constexpr Op op{"sqrt", "y = sqrt(x)", {0.5, 4}};
  template <class B> static constexpr B value(const B& x) { return sqrt(x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return 0.5 / y; }
};

// exp: y = e^x,   dy = e^x dx = y dx                         keeps y
struct Exp {
  static constexpr Op op{"exp", "y = e^x"};
  template <class B> static constexpr B value(const B& x) { return exp(x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return y; }
};

// log: y = ln x,   dy = dx / x                               keeps x; ln 0 = -inf, NaN below
struct Log {
  static constexpr Op op{"log", "y = ln(x)", {0.5, 4}};
  template <class B> static constexpr B value(const B& x) { return log(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return 1 / x; }
};

// tanh: y = tanh x,   dy = (1 - tanh^2 x) dx = (1 - y^2) dx  keeps y
//   1 - y^2 as (1 - y)(1 + y): 1 - y is exact near y = 1, where y^2 would round first.
struct Tanh {
  static constexpr Op op{"tanh", "y = tanh(x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return tanh(x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return (1 - y) * (1 + y); }
};

// sigmoid: y = 1/(1 + e^-x),   dy = e^-x/(1 + e^-x)^2 dx = y (1 - y) dx     keeps y
//   With e = e^-|x|: 1/(1 + e) for x >= 0, e/(1 + e) below. Neither overflows, and the left tail keeps its digits.
struct Sigmoid {
  static constexpr Op op{"sigmoid", "y = 1 / (1 + e^-x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) {
    const B e = exp(-abs(x));
    return select(x < 0, e, B(1)) / (1 + e);
  }
  template <class B> static constexpr B slope(const B&, const B& y) { return y * (1 - y); }
};

// relu: y = x where x > 0, else 0; NaN stays NaN.   dy = dx where y > 0, else 0     keeps y
//   At the kink, x = 0, the slope is 0 (PyTorch's convention).
struct Relu {
  static constexpr Op op{.name = "relu", .formula = "y = max(x, 0)", .kinked = true};
  template <class B> static constexpr B value(const B& x) { return select(x <= 0, B(0), x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return select(y > 0, B(1), B(0)); }
};

// abs: y = |x|,   dy = sign(x) dx                            keeps x; at the kink, x = 0, the slope is 0
struct Abs {
  static constexpr Op op{.name = "abs", .formula = "y = |x|", .kinked = true};
  template <class B> static constexpr B value(const B& x) { return abs(x); }
  template <class B> static constexpr B slope(const B& x, const B&) {
    return select(x > 0, B(1), select(x < 0, B(-1), B(0)));
  }
};

using Elementwise = List<Neg, Square, Sqrt, Exp, Log, Tanh, Sigmoid, Relu, Abs>;

}  // namespace ops

template <Operand V> V square(V x) { return apply<ops::Square>(std::move(x)); }
template <Operand V> V sqrt(V x) { return apply<ops::Sqrt>(std::move(x)); }
template <Operand V> V exp(V x) { return apply<ops::Exp>(std::move(x)); }
template <Operand V> V log(V x) { return apply<ops::Log>(std::move(x)); }
template <Operand V> V tanh(V x) { return apply<ops::Tanh>(std::move(x)); }
template <Operand V> V sigmoid(V x) { return apply<ops::Sigmoid>(std::move(x)); }
template <Operand V> V relu(V x) { return apply<ops::Relu>(std::move(x)); }
template <Operand V> V abs(V x) { return apply<ops::Abs>(std::move(x)); }

}  // namespace wengert
