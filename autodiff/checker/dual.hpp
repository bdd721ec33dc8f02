// Dual numbers: a value and its derivative along one direction, carried through a formula; nowhere are two values
// subtracted. Dual<Dual<R>> carries second derivatives. They may stand for B in the formulas of ops (ops/formula.hpp).
#pragma once

#include "autodiff/ops/formula.hpp"

namespace wengert::ops {

template <class R> struct Dual {
  R value, slope;

  Dual(long double number = 0) : value(number), slope(0) {}
  Dual(R value, R slope) : value(value), slope(slope) {}

  friend Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.slope - b.slope}; }
  friend Dual operator-(const Dual& a) { return {-a.value, -a.slope}; }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const R y = a.value / b.value;
    return {y, (a.slope - y * b.slope) / b.value};
  }
  friend bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend bool operator<=(const Dual& a, const Dual& b) { return a.value <= b.value; }
  friend bool operator>(const Dual& a, const Dual& b) { return a.value > b.value; }
  friend bool operator>=(const Dual& a, const Dual& b) { return a.value >= b.value; }
  friend Dual select(bool mask, const Dual& a, const Dual& b) { return mask ? a : b; }

  // Of a function, f(a) = (f(v), f'(v) s).
  friend Dual abs(const Dual& a) { return a.value < 0 ? -a : a; }
  friend Dual exp(const Dual& a) { return {exp(a.value), exp(a.value) * a.slope}; }
  friend Dual expm1(const Dual& a) { return {expm1(a.value), exp(a.value) * a.slope}; }
  friend Dual log(const Dual& a) { return {log(a.value), a.slope / a.value}; }
  friend Dual log1p(const Dual& a) { return {log1p(a.value), a.slope / (1 + a.value)}; }
  friend Dual sqrt(const Dual& a) { return {sqrt(a.value), a.slope / (2 * sqrt(a.value))}; }
  friend Dual sin(const Dual& a) { return {sin(a.value), cos(a.value) * a.slope}; }
  friend Dual cos(const Dual& a) { return {cos(a.value), -sin(a.value) * a.slope}; }
  friend Dual sigmoid(const Dual& a) { return {sigmoid(a.value), sigmoid(a.value) * sigmoid(-a.value) * a.slope}; }
  friend Dual softplus(const Dual& a) { return {softplus(a.value), sigmoid(a.value) * a.slope}; }
  friend Dual tanh(const Dual& a) {
    return {tanh(a.value), 4 * sigmoid(2 * a.value) * sigmoid(-2 * a.value) * a.slope};
  }
  friend Dual erf(const Dual& a) { return {erf(a.value), two_over_root_pi * exp(-a.value * a.value) * a.slope}; }
  friend Dual erfc(const Dual& a) { return {erfc(a.value), -two_over_root_pi * exp(-a.value * a.value) * a.slope}; }
  friend Dual ndtr(const Dual& a) { return erfc(a * -root_half) / 2; }
  friend Dual gaussian(const Dual& a, const Dual& c) { return exp(-c * a * a); }
  friend Dual pow(const Dual& a, const Dual& b) {
    const R y = pow(a.value, b.value);
    return {y, b.value * pow(a.value, b.value - 1) * a.slope + log(a.value) * y * b.slope};
  }

 private:
  static constexpr long double two_over_root_pi = 1.12837916709551257389615890312154517L,
                               root_half = 0.707106781186547524400844362104849039L;
};

}  // namespace wengert::ops
