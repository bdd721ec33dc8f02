// The error of differences against their step, the V curve: too wide a step misses the curvature, too narrow a one
// leaves rounding. Between them is the step that gradcheck chooses.
#pragma once

#include <string>
#include <vector>

#include "autodiff/op_check.hpp"

namespace wengert {

struct ErrorCurve {
  std::string call, entry;             ///< "softmax x=[5,3] axis=0", "x[3,1]"
  std::vector<double> steps;           ///< h, h/2, h/4, ..
  std::vector<double> errors;          ///< |central difference - derivative|, NaN where f is not defined
  std::vector<double> forward_errors;  ///< of the forward difference (f(x + h) - f(x)) / h
  double derivative = 0;               ///< by the oracle, or else extrapolated
  bool oracle = false;
  double step = 0;                ///< that the extrapolated derivative was read off at
  double numeric = 0, bound = 0;  ///< the extrapolated derivative, and what it may be off by
  double tape = 0;                ///< the tape's
};

/// Of the entry that a report in float64 on d shows as its worst; without steps if there is none.
ErrorCurve error_curve(const Declared& d, const OpReport& report);

}  // namespace wengert
