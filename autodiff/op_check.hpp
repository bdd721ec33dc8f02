// The check of a declared op: each of its samples, and like calls with other shapes as far as it takes them (no axes, no
// elements, broadcast: variants() in sample.hpp), drawn and held against what it must be.
//
//   float64   numerical derivatives (gradcheck.hpp), and where the op is a formula over numbers the exact ones
//             (checker/oracle.hpp)
//   float32   the float64 run of the same op on the same numbers
//   order 2   the same for the gradient as a function of the inputs
//
// Each call is run twice, forward and backward, the second time on inputs that were made from column-major and strided
// arrays: the bits must be the same, and no input may have changed. The upstream is random.
//
// Units in the last place, for float32 and against exact derivatives: of the derivative itself, or of as much as it scatters
// in float64 when inputs and upstream are moved by as many, where that is more: what cancels on the way cannot be better
// (checker/rounding.hpp). On that scale ops need no bounds of their own: 16 units, for sums, products, norms and solvers
// as for tanh. Of 4,000,000 derivatives in float32, of either order, the worst was 9 off; of those with an oracle, 4.
#pragma once

#include "autodiff/gradcheck.hpp"

namespace wengert {

enum class Dtype { f64, f32 };

/// "f64"
const char* to_string(Dtype dtype);

struct OpCheck {
  Dtype dtype = Dtype::f64;
  int order = 1;               ///< 1: the gradient; 2: the Hessian, as the gradient of the gradient
  std::size_t directions = 0;  ///< as in Gradcheck
  std::uint64_t seed = 1;      ///< of inputs, upstreams and directions
  bool variants = true;        ///< other shapes as well
};

struct OpReport;
std::string to_string(const OpReport& report);

struct OpReport {
  std::string op;
  Dtype dtype = Dtype::f64;
  int order = 1;
  std::uint64_t seed = 1;
  Verdict verdict = Verdict::right;           ///< the worst of the samples
  std::vector<GradcheckReport> samples = {};  ///< `op` is the call: "softmax x=[5,3] axis=0"
  std::size_t worst = 0;                      ///< which of them to show
  std::string suspicion = {};                 ///< of the largest sample that is wrong: see GradcheckReport
  bool oracle = false;                        ///< whether gradients were compared with exact ones

  explicit operator bool() const { return verdict == Verdict::right || verdict == Verdict::kink; }
  template <AssertionResult R> operator R() const { return R(bool(*this)) << to_string(*this); }
};

/// Checks all samples of the op, then their variants. An exception of the op is no exception here: that sample is wrong, its note says what
/// was thrown. An op that has no form for one type is inconclusive there.
OpReport check_op(const Declared& op, const OpCheck& options = {});

/// The report of the sample that is shown; of an op without samples an empty one.
const GradcheckReport& worst_sample(const OpReport& report);

std::string to_string(const OpReport& report);
std::ostream& operator<<(std::ostream& os, const OpReport& report);

}  // namespace wengert
