// Numerical derivatives of L(x) = sum of u f(x) along a direction, each with a bound of its error.
#pragma once

#include <limits>
#include <vector>

#include "autodiff/checker/direction.hpp"
#include "autodiff/registry.hpp"

namespace wengert::numeric {

struct Estimate {
  double value = 0, bound = std::numeric_limits<double>::infinity();
};

/// A point of a series in h: steps are halved from one to the next.
struct Term {
  double value, noise;  // and what rounding may have done to it
};

/// The limit of a series in h^power at h = 0 (Ridders: row i of the triangle starts with term i, each column removes one
/// more power), where it was read off, and how far it may be from the truth.
struct Limit : Estimate {
  std::size_t row = 0;
  double agreed = std::numeric_limits<double>::infinity();  // the bound by the terms up to `row` alone
};
Limit extrapolate(const std::vector<Term>& terms, int power);

/// The derivative along a direction, and what f does on both sides.
struct Slopes {
  Estimate central;       ///< from (L(x + h) - L(x - h)) / 2h
  Estimate below, above;  ///< the slopes on both sides
  double step = 0;        ///< the h at which `central` was read off
  bool jump = false;      ///< L does not arrive at L(x) from both sides
  bool at_odds = false;   ///< wider steps said something else: there is a bend or a jump close by, or f is rough

  /// The slopes on both sides do not agree, by more than their bounds and `least`.
  bool is_kink(double least) const;
};

/// L along a direction.
class Line {
 public:
  Line(const Function<double>& f, const std::vector<Array<double>>& at, const Array<double>& u, const Direction& d);

  /// What L does between x and x + h, x and x - h, x - h and x + h; NaN where f is not defined, or refuses (ValueError).
  struct Step {
    double above, below, across;
    double noise;  // of each: what rounding may have done to it
  };
  Step step(double h);

  /// How far one may step without leaving the neighbourhood: a part of the size of what moves.
  double first_step() const;

  /// From first_step() downwards; and from much smaller steps where what is found there is not plain.
  Slopes slopes();

 private:
  const Array<double>& move(double h);
  double measured_noise();
  Slopes slopes_from(double h);
  bool is_plain(const Slopes& s) const;

  const Function<double>& f_;
  const std::vector<Array<double>>& at_;
  const Array<double>& u_;
  const Direction& direction_;
  std::vector<Variable<double>> x_;
  Variable<double> y_;
  Array<double> y0_;  // at x
  double size_ = 0;   // of the inputs that move
  double sum_ = 0;    // of u |y0|
  double noise_ = 0;  // of L, one standard deviation
};

}  // namespace wengert::numeric
