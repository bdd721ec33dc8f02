// Ops of one input, element by element. An op is declared here or in activation.hpp and nowhere else: its formula and its
// slope give the kernels, the second derivative, the checker's case and the line in the list of ops.
//
//   value(x, p...)      y; p are the numbers that the op takes besides x, two at most
//   slope(x, y, p...)   dy/dx, from whichever of x and y is cheaper and exact; what it does not use is not saved
//
// The gradient is gx += gy slope(x, y), [shape of x]. float32 and float64. An input that nobody else holds is
// overwritten by the result unless the slope uses it. Values and slopes are right to a few units in the last place over
// the whole range, tails included: tests/elementwise_test.cpp states the bound of each. At a kink, the slope is
// PyTorch's.
#pragma once

#include <limits>

#include "autodiff/ops/activation.hpp"

namespace wengert {

/// Applies the elementwise op O of ops::Elementwise to x, and as many numbers as it takes (defined in elementwise.cpp).
template <class O, class T>
Variable<T> apply(Variable<T> x, std::type_identity_t<T> p = 0, std::type_identity_t<T> q = 0);

namespace ops {

// neg: y = -x,   dy = -dx
struct Neg {
  static constexpr Op op{"neg", "y = -x"};
  template <class B> static constexpr B value(const B& x) { return -x; }
  template <class B> static constexpr B slope(const B&, const B&) { return B(-1); }
};

// abs: y = |x|,   dy = sign(x) dx                            keeps x; at the kink, x = 0, the slope is 0
struct Abs {
  static constexpr Op op{.name = "abs", .formula = "y = |x|", .kinked = true};
  template <class B> static constexpr B value(const B& x) { return abs(x); }
  template <class B> static constexpr B slope(const B& x, const B&) {
    return select(x > 0, B(1), select(x < 0, B(-1), B(0)));
  }
};

// reciprocal: y = 1/x,   dy = -dx / x^2 = -y^2 dx            keeps y
struct Reciprocal {
  static constexpr Op op{"reciprocal", "y = 1 / x", {0.5, 2}};
  template <class B> static constexpr B value(const B& x) { return 1 / x; }
  template <class B> static constexpr B slope(const B&, const B& y) { return -(y * y); }
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

// rsqrt: y = x^(-1/2),   dy = -x^(-3/2)/2 dx = -y^3/2 dx     keeps y
struct Rsqrt {
  static constexpr Op op{"rsqrt", "y = 1 / sqrt(x)", {0.5, 4}};
  template <class B> static constexpr B value(const B& x) { return 1 / sqrt(x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return -0.5 * y * (y * y); }
};

// exp: y = e^x,   dy = e^x dx = y dx                         keeps y
struct Exp {
  static constexpr Op op{"exp", "y = e^x"};
  template <class B> static constexpr B value(const B& x) { return exp(x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return y; }
};

// expm1: y = e^x - 1,   dy = e^x dx                          keeps x: of e^x, y + 1 has lost the digits where x << 0
struct Expm1 {
  static constexpr Op op{"expm1", "y = e^x - 1"};
  template <class B> static constexpr B value(const B& x) { return expm1(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return exp(x); }
};

// log: y = ln x,   dy = dx / x                               keeps x; ln 0 = -inf, NaN below
struct Log {
  static constexpr Op op{"log", "y = ln(x)", {0.5, 4}};
  template <class B> static constexpr B value(const B& x) { return log(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return 1 / x; }
};

// log1p: y = ln(1 + x),   dy = dx / (1 + x)                  keeps x
struct Log1p {
  static constexpr Op op{"log1p", "y = ln(1 + x)", {-0.5, 3}};
  template <class B> static constexpr B value(const B& x) { return log1p(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return 1 / (1 + x); }
};

// sin: y = sin x,   dy = cos x dx                            keeps x
struct Sin {
  static constexpr Op op{"sin", "y = sin(x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return sin(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return cos(x); }
};

// cos: y = cos x,   dy = -sin x dx                           keeps x
struct Cos {
  static constexpr Op op{"cos", "y = cos(x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return cos(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return -sin(x); }
};

// tanh: y = tanh x,   dy = (1 - tanh^2 x) dx = 4 s(2x) s(-2x) dx, s = sigmoid     keeps x
//   Not 1 - y^2, of which nothing is left where y is nearly 1.
struct Tanh {
  static constexpr Op op{"tanh", "y = tanh(x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return tanh(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return 4 * sigmoid_slope(B(2 * x)); }
};

// erf: y = 2/sqrt(pi) int_0^x e^(-t^2) dt,   dy = 2/sqrt(pi) e^(-x^2) dx          keeps x
struct Erf {
  static constexpr Op op{"erf", "y = erf(x)"};
  template <class B> static constexpr B value(const B& x) { return erf(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return 1.12837916709551257390 * gaussian(x, 1); }
};

// erfc: y = 1 - erf x, with all its digits where that is nearly 0                 keeps x
struct Erfc {
  static constexpr Op op{"erfc", "y = 1 - erf(x)"};
  template <class B> static constexpr B value(const B& x) { return erfc(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return -1.12837916709551257390 * gaussian(x, 1); }
};

// ndtr: the distribution function of the normal distribution, y = erfc(-x/sqrt 2)/2,
//   dy = e^(-x^2/2)/sqrt(2 pi) dx                            keeps x
struct Ndtr {
  static constexpr Op op{"ndtr", "y = erfc(-x / sqrt(2)) / 2"};
  template <class B> static constexpr B value(const B& x) { return ndtr(x); }
  template <class B> static constexpr B slope(const B& x, const B&) {
    return 0.398942280401432677940 * gaussian(x, 0.5);
  }
};

// gaussian: y = e^(-c x^2),   dy = -2 c x y dx               keeps x and y
//   Exact to the last digits if c is a power of two: otherwise the rounding of c x^2 is multiplied by c x^2.
struct Gaussian {
  static constexpr Op op{"gaussian", "y = e^(-c x^2)"};
  template <class B, class P> static constexpr B value(const B& x, const P& c) { return gaussian(x, c); }
  template <class B, class P> static constexpr B slope(const B& x, const B& y, const P& c) { return P(-2 * c) * x * y; }
};

// clamp: y = x, but not below min nor above max; max if min > max; NaN stays NaN
//   dy = dx where min <= x <= max, else 0                    keeps x
struct Clamp {
  static constexpr Op op{.name = "clamp", .formula = "y = min(max(x, min), max)", .kinked = true};
  template <class B, class P> static constexpr B value(const B& x, const P& low, const P& high) {
    const B y = select(x < low, B(low), x);
    return select(y > high, B(high), y);
  }
  template <class B, class P> static constexpr B slope(const B& x, const B&, const P& low, const P& high) {
    return select(x >= low, select(x <= high, B(1), B(0)), B(0));
  }
};

// pow with a number: y = x^p,   dy = p x^(p-1) dx            keeps x
struct PowNumber {
  static constexpr Op op{"pow", "y = x^p", {0.5, 2}};
  template <class B, class P> static constexpr B value(const B& x, const P& p) { return pow(x, p); }
  template <class B, class P> static constexpr B slope(const B& x, const B&, const P& p) { return pow_slope(x, p); }
};

using Elementwise =
    List<Neg, Abs, Reciprocal, Square, Sqrt, Rsqrt, Exp, Expm1, Log, Log1p, Sin, Cos, Tanh, Erf, Erfc, Ndtr, Gaussian,
         Clamp, PowNumber, Sigmoid, LogSigmoid, Softplus, Relu, LeakyRelu, Elu, Silu, Gelu, GeluTanh>;

}  // namespace ops

template <Operand V> V neg(V x) { return apply<ops::Neg>(std::move(x)); }
template <Operand V> V abs(V x) { return apply<ops::Abs>(std::move(x)); }
template <Operand V> V reciprocal(V x) { return apply<ops::Reciprocal>(std::move(x)); }
template <Operand V> V square(V x) { return apply<ops::Square>(std::move(x)); }
template <Operand V> V sqrt(V x) { return apply<ops::Sqrt>(std::move(x)); }
template <Operand V> V rsqrt(V x) { return apply<ops::Rsqrt>(std::move(x)); }
template <Operand V> V exp(V x) { return apply<ops::Exp>(std::move(x)); }
template <Operand V> V expm1(V x) { return apply<ops::Expm1>(std::move(x)); }
template <Operand V> V log(V x) { return apply<ops::Log>(std::move(x)); }
template <Operand V> V log1p(V x) { return apply<ops::Log1p>(std::move(x)); }
template <Operand V> V sin(V x) { return apply<ops::Sin>(std::move(x)); }
template <Operand V> V cos(V x) { return apply<ops::Cos>(std::move(x)); }
template <Operand V> V tanh(V x) { return apply<ops::Tanh>(std::move(x)); }
template <Operand V> V erf(V x) { return apply<ops::Erf>(std::move(x)); }
template <Operand V> V erfc(V x) { return apply<ops::Erfc>(std::move(x)); }
template <Operand V> V ndtr(V x) { return apply<ops::Ndtr>(std::move(x)); }
template <Operand V> V gaussian(V x, double c = 1) { return apply<ops::Gaussian>(std::move(x), c); }
template <Operand V> V sigmoid(V x) { return apply<ops::Sigmoid>(std::move(x)); }
template <Operand V> V log_sigmoid(V x) { return apply<ops::LogSigmoid>(std::move(x)); }
template <Operand V> V softplus(V x, double beta = 1) { return apply<ops::Softplus>(std::move(x), beta); }
template <Operand V> V relu(V x) { return apply<ops::Relu>(std::move(x)); }
template <Operand V> V leaky_relu(V x, double negative_slope = 0.01) {
  return apply<ops::LeakyRelu>(std::move(x), negative_slope);
}
template <Operand V> V elu(V x, double alpha = 1) { return apply<ops::Elu>(std::move(x), alpha); }
template <Operand V> V silu(V x) { return apply<ops::Silu>(std::move(x)); }

/// gelu's two forms: x ndtr(x), and an approximation of it by tanh.
enum class Gelu { exact, tanh };
template <Operand V> V gelu(V x, Gelu form = Gelu::exact) {
  return form == Gelu::exact ? apply<ops::Gelu>(std::move(x)) : apply<ops::GeluTanh>(std::move(x));
}

template <Operand V> V clamp(V x, double min, double max = std::numeric_limits<double>::infinity()) {
  return apply<ops::Clamp>(std::move(x), min, max);
}

/// x^p: by a square, a root or a reciprocal where p is one of these; x itself for p = 1.
template <Operand V> V pow(V x, double p) {
  if (p == 1) return x;
  if (p == 2) return square(std::move(x));
  if (p == 0.5) return sqrt(std::move(x));
  if (p == -0.5) return rsqrt(std::move(x));
  if (p == -1) return reciprocal(std::move(x));
  return apply<ops::PowNumber>(std::move(x), p);
}

}  // namespace wengert
