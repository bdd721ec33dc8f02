// Ops of one input, element by element, that nets use as activations. See elementwise.hpp.
#pragma once

#include "autodiff/op.hpp"
#include "autodiff/ops/formula.hpp"

namespace wengert::ops {

// sigmoid: y = 1/(1 + e^-x),   dy = e^-x/(1 + e^-x)^2 dx = s(x) s(-x) dx          keeps x
//   s(-x) and not 1 - y, of which nothing is left where y is nearly 1.
struct Sigmoid {
  static constexpr Op op{"sigmoid", "y = 1 / (1 + e^-x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return sigmoid(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return sigmoid_slope(x); }
};

// log_sigmoid: y = ln sigmoid(x) = -softplus(-x),   dy = sigmoid(-x) dx           keeps x
struct LogSigmoid {
  static constexpr Op op{"log_sigmoid", "y = -ln(1 + e^-x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return -softplus(-x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return sigmoid(-x); }
};

// softplus: y = ln(1 + e^(bx)) / b,   dy = sigmoid(bx) dx                         keeps x
//   As max(bx, 0) + ln(1 + e^-|bx|): exact in both tails, so that there is no threshold, as PyTorch has one.
struct Softplus {
  static constexpr Op op{"softplus", "y = ln(1 + e^(beta x)) / beta", {-3, 3}};
  template <class B, class P> static constexpr B value(const B& x, const P& beta) { return softplus(beta * x) / beta; }
  template <class B, class P> static constexpr B slope(const B& x, const B&, const P& beta) {
    return sigmoid(beta * x);
  }
};

// relu: y = x where x > 0, else 0; NaN stays NaN.   dy = dx where y > 0, else 0   keeps y
//   At the kink, x = 0, the slope is 0.
struct Relu {
  static constexpr Op op{.name = "relu", .formula = "y = max(x, 0)", .kinked = true};
  template <class B> static constexpr B value(const B& x) { return select(x <= 0, B(0), x); }
  template <class B> static constexpr B slope(const B&, const B& y) { return select(y > 0, B(1), B(0)); }
};

// leaky_relu: y = x where x > 0, else s x.   dy = dx where x > 0, else s dx       keeps x
//   At the kink, x = 0, the slope is s.
struct LeakyRelu {
  static constexpr Op op{.name = "leaky_relu", .formula = "y = x where x > 0, else negative_slope x", .kinked = true};
  template <class B, class P> static constexpr B value(const B& x, const P& s) { return select(x > 0, x, s * x); }
  template <class B, class P> static constexpr B slope(const B& x, const B&, const P& s) {
    return select(x > 0, B(1), B(s));
  }
};

// elu: y = x where x > 0, else a (e^x - 1).   dy = dx where x > 0, else a e^x dx  keeps x
//   At x = 0, the slope is a. e^x is never taken of a positive x: an inf there would be a NaN in the second derivative.
struct Elu {
  static constexpr Op op{.name = "elu", .formula = "y = x where x > 0, else alpha (e^x - 1)", .kinked = true};
  template <class B, class P> static constexpr B value(const B& x, const P& a) {
    return select(x > 0, x, a * expm1(select(x > 0, B(0), x)));
  }
  template <class B, class P> static constexpr B slope(const B& x, const B&, const P& a) {
    return select(x > 0, B(1), a * exp(select(x > 0, B(0), x)));
  }
};

// silu: y = x s(x), s = sigmoid,   dy = (s(x) + x s'(x)) dx                       keeps x
struct Silu {
  static constexpr Op op{"silu", "y = x sigmoid(x)", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return x * sigmoid(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return sigmoid(x) + x * sigmoid_slope(x); }
};

// gelu: y = x P(x), P the distribution function of the normal distribution,
//   dy = (P(x) + x p(x)) dx,   p(x) = e^(-x^2/2) / sqrt(2 pi)                     keeps x
struct Gelu {
  static constexpr Op op{"gelu", "y = x ndtr(x); tanh: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))", {-3, 3}};
  template <class B> static constexpr B value(const B& x) { return x * ndtr(x); }
  template <class B> static constexpr B slope(const B& x, const B&) {
    return ndtr(x) + x * (0.398942280401432677940 * gaussian(x, 0.5));
  }
};

// gelu, tanh form: y = x/2 (1 + tanh u) = x s(2u),   u = sqrt(2/pi) (x + 0.044715 x^3)
//   dy = (s(2u) + x ds(2u)/dx) dx                                                 keeps x
struct GeluTanh {
  static constexpr Op op = Gelu::op;
  template <class B> static constexpr B value(const B& x) { return x * gelu_gate(x); }
  template <class B> static constexpr B slope(const B& x, const B&) { return gelu_gate(x) + x * gelu_gate_slope(x); }
};

}  // namespace wengert::ops
