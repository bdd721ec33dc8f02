// Holds gradients against numerical derivatives.
//
// Checked is L(x) = sum of u f(x), u random, so that no entry of the output counts like another. For an entry (or a
// random direction) d the central difference (L(x + h d) - L(x - h d)) / 2h is taken at steps h, h/2, h/4, ... and
// extrapolated to h = 0 (Ridders, 1982: the error is a series in h^2). Extrapolations that agree give an estimate with
// an error estimate; with the rounding error of f, eps |f| / h, and the noise that was measured, that is the bound. The
// verdict compares |analytic - numeric| with that bound, not with a tolerance someone guessed, and where the bound is too
// wide to tell a wrong gradient from a right one it says so.
//
// The slopes on both sides are extrapolated likewise. Where they do not agree f has a kink: any gradient between the two is
// accepted. Where they do not exist f jumps, and the verdict is inconclusive. f is looked at in steps from 1/8 to 1e-10 of
// the size of its inputs; a function that changes on a scale below 1e-5 is beyond that, and may be called wrong.
//
//   CHECK(gradcheck(f, x));            in doctest: on failure the report is printed
//   EXPECT_TRUE(gradcheck(f, x));      the same in GoogleTest
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "autodiff/registry.hpp"

namespace wengert {

struct Gradcheck {
  std::size_t directions = 0;           ///< random directions through all inputs at once; 0: every entry of every input
  std::uint64_t seed = 1;               ///< of u and the directions
  double resolution = 1e-5;             ///< inconclusive where the bound exceeds this part of the largest derivative
  std::vector<std::string> names = {};  ///< of the inputs, for the report
};

enum class Verdict {
  right,
  wrong,
  inconclusive,  ///< the bound is too wide, or f jumps
  kink,          ///< the derivative jumps there, and the gradient lies between both slopes
  unstable,      ///< f or its gradient came out differently the second time, or an input was changed
};

/// "right", "wrong", ...
const char* to_string(Verdict verdict);

/// The gradient at one entry of an input, or along one direction.
struct Comparison {
  std::string where = {};  ///< "w[3,1]", or "direction 2"
  std::string input = {};  ///< "w"; empty for a direction
  std::size_t index = 0;   ///< of the entry, counted row by row; or of the direction
  double analytic = 0;
  double numeric = 0;  ///< from differences; of a float32 gradient: the float64 one
  double bound = 0;    ///< of |analytic - numeric|
  double exact = std::numeric_limits<double>::quiet_NaN();  ///< without differences, where there is an oracle
  double ulp = 0;  ///< |analytic - exact|, or - numeric without an oracle, in units in the last place: op_check.hpp
  double below = 0, above = 0;  ///< at a kink: the slopes on both sides
  Verdict verdict = Verdict::right;
};

/// What GoogleTest's EXPECT_TRUE makes of a condition; it prints what was written to it. Nothing else is like it.
template <class R>
concept AssertionResult = requires(R r) {
  r.failure_message();
};

struct GradcheckReport;
std::string to_string(const GradcheckReport& report);

struct GradcheckReport {
  std::string op;
  Verdict verdict = Verdict::right;
  std::vector<Comparison> comparisons = {};
  Comparison worst =
      {};  ///< a wrong one before the widest, a kink, the closest to its bound; empty without comparisons
  std::size_t wrong = 0, inconclusive = 0, kinks = 0;
  std::string suspicion = {};  ///< what the error looks like, or why it is inconclusive: a sentence or ""
  std::string note = {};       ///< what was unstable, or thrown
  std::uint64_t seed = 1;
  /// Of directions: an error of the gradient as long as `visible` (10 times the largest bound), in the Euclidean norm, stays
  /// unseen with this probability.
  double visible = 0, missed = 0;

  explicit operator bool() const { return verdict == Verdict::right || verdict == Verdict::kink; }
  template <AssertionResult R> operator R() const { return R(bool(*this)) << to_string(*this); }
};

/// That none of the directions of the report shows an error of the gradient of that Euclidean length.
///
/// An error e is unseen along v if |<e, v>| <= bound. The components of v are independent and normal, so <e, v> is
/// normal with standard deviation |e|, whatever e looks like, and P(|<e, v>| <= bound) = erf(bound / (|e| sqrt 2)).
/// The directions are independent: the probability is the product.
double probability_to_miss(const GradcheckReport& report, double length);

/// "tanh: right, 12 comparisons, closest to its bound x[2]: analytic .., numeric .., off by .., bound ..", and a line
/// for what the error looks like.
std::string to_string(const GradcheckReport& report);
std::ostream& operator<<(std::ostream& os, const GradcheckReport& report);

/// Checks the gradient of f, in double, with respect to all inputs at the values given. f is called many times; it
/// must be a function of its arguments alone. What f throws passes through.
GradcheckReport gradcheck(const std::string& op, const Function<double>& f, const std::vector<Array<double>>& inputs,
                          const Gradcheck& options = {});
inline GradcheckReport gradcheck(const Function<double>& f, const std::vector<Array<double>>& inputs,
                                 const Gradcheck& options = {}) {
  return gradcheck("f", f, inputs, options);
}
/// Of a function of one variable.
template <class F, std::same_as<Array<double>> X>
GradcheckReport gradcheck(const F& f, const X& x, const Gradcheck& options = {}) {
  return gradcheck(
      "f", [&f](const std::vector<Variable<double>>& xs) { return f(xs[0]); }, std::vector{x}, options);
}

/// g(x) = the gradient of sum of u f(x), one value after the other: its own gradient is the Hessian's. u and the weights
/// that join the inputs' gradients to one output are random. Checking g checks the second order of f.
template <class T = double> Function<T> gradient_of(std::type_identity_t<Function<T>> f, std::uint64_t seed = 1);

}  // namespace wengert
