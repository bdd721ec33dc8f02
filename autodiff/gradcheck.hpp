// Holds gradients against numerical derivatives.
//
// Checked is L(x) = sum of u f(x), u random, so that no entry of the output counts like another. For an entry (or a
// random direction) d the central difference (L(x + h d) - L(x - h d)) / 2h is taken at steps h, h/2, h/4, ... and
// extrapolated to h = 0 (Ridders, 1982: the error is a series in h^2). Extrapolations that agree give an estimate with
// an error estimate; with the rounding error of f, eps |f| / h, that is the bound. The verdict compares
// |analytic - numeric| with that bound, not with a tolerance someone guessed, and where the bound is too wide to tell a
// wrong gradient from a right one it says so.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "autodiff/registry.hpp"

namespace wengert {

struct Gradcheck {
  std::size_t directions = 0;           ///< random directions through all inputs at once; 0: every entry of every input
  std::uint64_t seed = 1;               ///< of u and the directions
  double resolution = 1e-5;             ///< inconclusive where the bound exceeds this part of the largest derivative
  std::vector<std::string> names = {};  ///< of the inputs, for the report
};

enum class Verdict { right, wrong, inconclusive };

/// One comparison. In the report of a right gradient, the one that came closest to its bound.
struct Comparison {
  std::string where;  ///< "w[3,1]", or "direction 2"
  double analytic = 0, numeric = 0, bound = 0;
};

struct GradcheckReport {
  std::string op;
  Verdict verdict = Verdict::right;
  Comparison worst = {};
  std::size_t comparisons = 0, wrong = 0, inconclusive = 0;

  explicit operator bool() const { return verdict == Verdict::right; }
};

/// "tanh: right, 12 comparisons, the closest x[2]: analytic .., numeric .., off by .., bound .."
std::string to_string(const GradcheckReport& report);
std::ostream& operator<<(std::ostream& os, const GradcheckReport& report);

/// Checks the gradient of f, in double, with respect to all inputs at the values given. f is called many times; it
/// must be a function of its arguments alone.
GradcheckReport gradcheck(const std::string& op, const Function<double>& f, const std::vector<Array<double>>& inputs,
                          const Gradcheck& options = {});

/// g(x) = the gradient of sum of u f(x), one value after the other: its own gradient is the Hessian's. u and the weights
/// that join the inputs' gradients to one output are random. Checking g checks the second order of f.
Function<double> gradient_of(Function<double> f, std::uint64_t seed = 1);

}  // namespace wengert
