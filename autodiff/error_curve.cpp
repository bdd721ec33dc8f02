#include "autodiff/error_curve.hpp"

#include <algorithm>
#include <cmath>

#include "autodiff/checker/numeric.hpp"
#include "autodiff/checker/run.hpp"
#include "autodiff/sample.hpp"
#include "autodiff/tape.hpp"

namespace wengert {

ErrorCurve error_curve(const Declared& d, const OpReport& report) {
  const GradcheckReport& sample = worst_sample(report);
  const Comparison& worst = sample.worst;
  ErrorCurve c;
  c.call = sample.op;
  c.entry = worst.where;
  if (worst.input.empty()) return c;
  // The same call as the check's: its name comes before the arguments.
  const Sample s = draw(d, sample.op.substr(report.op.size() + 1), sample.seed);
  const Function<double> f = report.order == 2 ? gradient_of(s.f64) : s.f64;
  const Array<double> u = run(f, s.inputs, s.names, sample.seed).u;
  const auto input = std::find(s.names.begin(), s.names.end(), worst.input) - s.names.begin();
  const Direction direction{.name = worst.where, .input = static_cast<std::size_t>(input), .index = worst.index};
  const NoGrad numbers_only;
  numeric::Line line(f, s.inputs, u, direction);
  const numeric::Slopes slopes = line.slopes();
  c.oracle = !std::isnan(worst.exact);
  c.derivative = c.oracle ? worst.exact : slopes.central.value;
  c.step = slopes.step;
  c.numeric = slopes.central.value;
  c.bound = slopes.central.bound;
  c.tape = worst.analytic;
  constexpr int halvings = 48;
  double h = line.first_step();
  for (int k = 0; k < halvings; ++k, h /= 2) {
    c.steps.push_back(h);
    const numeric::Line::Step step = line.step(h);
    c.errors.push_back(std::abs(step.across / (2 * h) - c.derivative));
    c.forward_errors.push_back(std::abs(step.above / h - c.derivative));
  }
  return c;
}

}  // namespace wengert
