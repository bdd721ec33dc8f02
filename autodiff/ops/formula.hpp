// The numbers that formulas of ops are written over.
//
// A formula is a template over "something like a number" B: a scalar (float, double, long double), a SIMD register in
// the kernels, a Variable when a derivative is itself recorded. So one line serves the fast loops, the oracles of
// the tests and derivatives of any order.
#pragma once

#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace wengert {

template <class T> class Variable;

/// What the functions of elementwise ops take: a Variable, or a Number in the lambda of a map().
template <class V> inline constexpr bool is_operand = false;
template <class T> inline constexpr bool is_operand<Variable<T>> = true;
template <class V>
concept Operand = is_operand<V>;

/// The one of A and B that the other is converted to: that is the same, or a number say.
template <class A, class B> using OperandOf = std::conditional_t<is_operand<A> && std::is_convertible_v<B, A>, A, B>;
template <class A, class B>
concept Operands =
    Operand<OperandOf<A, B>> && std::is_convertible_v<A, OperandOf<A, B>> && std::is_convertible_v<B, OperandOf<A, B>>;

namespace ops {

// What a formula may use besides + - * / and comparisons. Over registers, these are in kernels/math.hpp and its
// neighbours; over Variables they are ops; over Uses, below. First the scalars.
using std::abs, std::exp, std::expm1, std::log, std::log1p, std::sqrt, std::pow;
using std::sin, std::cos, std::tanh, std::erf, std::erfc;

template <class B>
concept Scalar = std::is_floating_point_v<B>;

/// a where the mask is set, else b.
template <Scalar B> constexpr B select(bool mask, B a, B b) { return mask ? a : b; }
/// e^(-c x^2)
template <Scalar B> B gaussian(B x, std::type_identity_t<B> c) { return exp(-c * x * x); }
/// The distribution function of the normal distribution.
template <Scalar B> B ndtr(B x) { return erfc(x * B(-0.707106781186547524400844362104849039L)) / 2; }
/// 1 / (1 + e^-x)
template <Scalar B> B sigmoid(B x) {
  const B e = exp(-abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
/// ln(1 + e^x)
template <Scalar B> B softplus(B x) { return (x > 0 ? x : 0) + log1p(exp(-abs(x))); }

// Made of others, but over registers, where one exponential is enough, or more digits are needed.

/// d sigmoid / dx, without a cancellation in either tail.
template <class B> constexpr B sigmoid_slope(const B& x) { return sigmoid(x) * sigmoid(-x); }

/// sigmoid(2 u),  u = sqrt(2/pi) (x + 0.044715 x^3): what the tanh form of gelu multiplies x with; and its derivative.
template <class B> constexpr B gelu_argument(const B& x) {
  return x * (1.59576912160573071176 + 0.0713548162726009 * (x * x));
}
template <class B> constexpr B gelu_gate(const B& x) { return sigmoid(gelu_argument(x)); }
template <class B> constexpr B gelu_gate_slope(const B& x) {
  return sigmoid_slope(gelu_argument(x)) * (1.59576912160573071176 + 3 * 0.0713548162726009 * (x * x));
}

/// d x^p / dx = p x^(p-1), and 0 for p = 0, at x = 0 as well.
template <class B, class P> constexpr B pow_slope(const B& x, const P& p) {
  return p * pow(x, select(abs(p) > 0, P(p - 1), P(0)));
}

/// A number that only remembers from which arguments it was computed (one bit each): a formula run over it tells what
/// a rule has to save.
struct Uses {
  unsigned arguments = 0;

  constexpr Uses(double) {}
  static constexpr Uses argument(int i) { return Uses(1u << i, 0); }

  friend constexpr Uses operator+(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator-(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator*(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator/(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator<(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator<=(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator>(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator>=(Uses a, Uses b) { return a | b; }
  friend constexpr Uses operator-(Uses a) { return a; }
  friend constexpr Uses select(Uses m, Uses a, Uses b) { return m | a | b; }
  friend constexpr Uses abs(Uses a) { return a; }
  friend constexpr Uses exp(Uses a) { return a; }
  friend constexpr Uses expm1(Uses a) { return a; }
  friend constexpr Uses log(Uses a) { return a; }
  friend constexpr Uses log1p(Uses a) { return a; }
  friend constexpr Uses sqrt(Uses a) { return a; }
  friend constexpr Uses sin(Uses a) { return a; }
  friend constexpr Uses cos(Uses a) { return a; }
  friend constexpr Uses tanh(Uses a) { return a; }
  friend constexpr Uses erf(Uses a) { return a; }
  friend constexpr Uses erfc(Uses a) { return a; }
  friend constexpr Uses ndtr(Uses a) { return a; }
  friend constexpr Uses sigmoid(Uses a) { return a; }
  friend constexpr Uses softplus(Uses a) { return a; }
  friend constexpr Uses pow(Uses a, Uses b) { return a | b; }
  friend constexpr Uses gaussian(Uses a, Uses b) { return a | b; }

 private:
  constexpr Uses(unsigned bits, int) : arguments(bits) {}
  friend constexpr Uses operator|(Uses a, Uses b) { return Uses(a.arguments | b.arguments, 0); }
};

/// How many numbers `value` takes besides x.
template <class O>
constexpr int parameters = [] {
  constexpr Uses u(0);
  if constexpr (requires { O::value(u); })
    return 0;
  else if constexpr (requires { O::value(u, u); })
    return 1;
  else
    return 2;
}();

/// f(p[0], ...), with as many as O has.
template <class O, class P, class F> constexpr decltype(auto) with_parameters(const P* p, F f) {
  if constexpr (parameters<O> == 0)
    return f();
  else if constexpr (parameters<O> == 1)
    return f(p[0]);
  else
    return f(p[0], p[1]);
}

/// What the slope of an op of one input reads: bit 0: x, bit 1: y.
template <class O>
constexpr unsigned slope_uses = [] {
  constexpr Uses numbers[2] = {0, 0};
  return with_parameters<O>(numbers,
                            [](auto... p) { return O::slope(Uses::argument(0), Uses::argument(1), p...).arguments; });
}();

/// The declared ops of a family, in the order of their kernels.
template <class... Ops> struct List {
  static constexpr std::size_t size = sizeof...(Ops);

  template <class O> static constexpr std::size_t index() {
    std::size_t i = 0;
    const bool found = ((std::is_same_v<O, Ops> || (++i, false)) || ...);
    return found ? i : size;
  }
  /// f.operator()<O>(index of O) for every op O.
  template <class F> static constexpr void each(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f.template operator()<Ops>(I), ...); }
    (std::index_sequence_for<Ops...>());
  }
};

}  // namespace ops
}  // namespace wengert
