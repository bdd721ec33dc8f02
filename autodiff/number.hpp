// Number: what the lambda of a map() computes with, and the list that is written while it does.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include "autodiff/variable.hpp"

namespace wengert {

namespace fused {

enum class Kind : unsigned char {
  input,          // the op is its number
  constant,       //
  unary,          // x                of ops::Elementwise
  binary,         // a, b             of ops::Binary
  greater,        // a, b             1 where a > b, else 0
  greater_equal,  // a, b
  select,         // mask, a, b       a where the mask is not 0, else b
  unary_term,     // g, x, y          g slope(x, y)
  term_a,         // g, a, b, y       g slope_a(a, b, y)
  term_b,         // g, a, b, y
};

/// What is computed, from lines before it; -1 for an argument that there is not.
struct Line {
  Kind kind;
  int op = 0;
  int arguments[4] = {-1, -1, -1, -1};
  double numbers[2] = {0, 0};  // of a constant; of an op that takes numbers
};

using List = std::vector<Line, Allocator<Line>>;

/// A line of the list that this thread writes.
struct Reference {
  int line = -1;
  std::uint32_t writer = 0;
};

/// Appends a line. A ValueError if an argument is from elsewhere, or if no list is being written.
Reference write(Kind kind, int op, std::initializer_list<Reference> arguments, double p = 0, double q = 0);
inline Reference write(double constant) { return write(Kind::constant, 0, {}, constant); }

/// While it lives, this thread writes to `list`.
class Writer {
 public:
  explicit Writer(List list);
  /// A new list that begins with the lines of its inputs.
  explicit Writer(std::size_t inputs);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Reference at(int line) const { return {line, id_}; }
  /// The line that is meant; a ValueError if it is another list's.
  int line(Reference r) const;

  List list;

 private:
  Writer* before_;
  std::uint32_t id_;
};

template <class> inline constexpr bool never = false;

}  // namespace fused

class Number;
template <class O, std::same_as<Number> N> N apply(N x, double p = 0, double q = 0);
template <class O, std::same_as<Number> N> N apply(N a, N b);

/// What the comparison of two Numbers gives, for select().
class Mask {
 public:
  explicit Mask(fused::Reference r) : reference(r) {}

  friend Mask operator&&(Mask a, Mask b) { return either(a, b.reference, fused::write(0)); }
  friend Mask operator||(Mask a, Mask b) { return either(a, fused::write(1), b.reference); }
  friend Mask operator!(Mask a) { return either(a, fused::write(0), fused::write(1)); }

  template <std::same_as<bool> B> explicit operator B() const {
    static_assert(fused::never<B>, "map: branch with select(mask, a, b), not with if or ?:");
    return false;
  }

  fused::Reference reference;

 private:
  static Mask either(Mask m, fused::Reference a, fused::Reference b) {
    return Mask(fused::write(fused::Kind::select, 0, {m.reference, a, b}));
  }
};

class Number {
 public:
  template <class N>
  requires std::is_arithmetic_v<N> Number(N number) : reference(fused::write(static_cast<double>(number))) {}
  explicit Number(fused::Reference r) : reference(r) {}
  template <class T> Number(const Variable<T>&) {
    static_assert(fused::never<T>, "map: a captured variable would get no gradient; pass it as an input of the map");
  }

  friend Number operator+(Number a, Number b) { return apply<ops::Add>(a, b); }
  friend Number operator-(Number a, Number b) { return apply<ops::Sub>(a, b); }
  friend Number operator*(Number a, Number b) { return apply<ops::Mul>(a, b); }
  friend Number operator/(Number a, Number b) { return apply<ops::Div>(a, b); }
  friend Number operator-(Number a) { return apply<ops::Neg>(a); }
  friend Number operator+(Number a) { return a; }
  Number& operator+=(Number b) { return *this = *this + b; }
  Number& operator-=(Number b) { return *this = *this - b; }
  Number& operator*=(Number b) { return *this = *this * b; }
  Number& operator/=(Number b) { return *this = *this / b; }

  friend Mask operator>(Number a, Number b) { return compare(fused::Kind::greater, a, b); }
  friend Mask operator>=(Number a, Number b) { return compare(fused::Kind::greater_equal, a, b); }
  friend Mask operator<(Number a, Number b) { return b > a; }
  friend Mask operator<=(Number a, Number b) { return b >= a; }
  friend Mask operator==(Number a, Number b) { return a >= b && b >= a; }
  friend Mask operator!=(Number a, Number b) { return !(a == b); }

  template <std::same_as<bool> B> explicit operator B() const {
    static_assert(fused::never<B>, "map: branch with select(mask, a, b), not with if or ?:");
    return false;
  }

  fused::Reference reference;

 private:
  static Mask compare(fused::Kind kind, Number a, Number b) {
    return Mask(fused::write(kind, 0, {a.reference, b.reference}));
  }
};

template <> inline constexpr bool is_operand<Number> = true;

template <class O, std::same_as<Number> N> N apply(N x, double p, double q) {
  return Number(fused::write(fused::Kind::unary, int(ops::Elementwise::index<O>()), {x.reference}, p, q));
}
template <class O, std::same_as<Number> N> N apply(N a, N b) {
  return Number(fused::write(fused::Kind::binary, int(ops::Binary::index<O>()), {a.reference, b.reference}));
}

/// a where the mask is set, else b.
inline Number select(Mask mask, Number a, Number b) {
  return Number(fused::write(fused::Kind::select, 0, {mask.reference, a.reference, b.reference}));
}
inline Number where(Mask mask, Number a, Number b) { return select(mask, a, b); }

}  // namespace wengert
