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

namespace ops {

using std::abs, std::exp, std::log, std::log1p, std::sqrt, std::tanh;

template <class B>
requires std::is_floating_point_v<B>
constexpr B select(bool mask, B a, B b) { return mask ? a : b; }

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
  friend constexpr Uses log(Uses a) { return a; }
  friend constexpr Uses log1p(Uses a) { return a; }
  friend constexpr Uses sqrt(Uses a) { return a; }
  friend constexpr Uses tanh(Uses a) { return a; }

 private:
  constexpr Uses(unsigned bits, int) : arguments(bits) {}
  friend constexpr Uses operator|(Uses a, Uses b) { return Uses(a.arguments | b.arguments, 0); }
};

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
