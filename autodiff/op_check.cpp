#include "autodiff/op_check.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "autodiff/check.hpp"
#include "autodiff/oracle.hpp"
#include "autodiff/run.hpp"
#include "autodiff/sample.hpp"

namespace wengert {
namespace {

GradcheckReport check_sample(const Declared& op, const std::string& text, const OpCheck& options, std::uint64_t seed) {
  const bool single = options.dtype == Dtype::f32, second = options.order == 2;
  GradcheckReport report{.op = op.op->name + std::string(" ") + text, .verdict = Verdict::wrong, .seed = seed};
  try {
    const Sample s = draw(op, text, seed, single);
    const Subject subject{
        .name = s.call,
        .f64 = second ? gradient_of(s.f64) : s.f64,
        .moved =
            [&](std::uint64_t seed) { return second ? weighted_gradient_of(s.f64, first_order_seed, seed) : s.f64; },
        .f32 = second ? gradient_of<float>(s.f32) : s.f32,
        .inputs = s.inputs,
        .names = s.names,
        .options = {.directions = options.directions, .seed = seed},
        .exact = exact_gradients(op, s, seed, options.order)};
    return single ? check<float>(subject) : check<double>(subject);
  } catch (const std::exception& e) { report.note = e.what(); }
  return report;
}

/// The worse the verdict, the larger.
int rank(Verdict v) {
  constexpr int ranks[] = {0, 4, 2, 1, 3};  // right, wrong, inconclusive, kink, unstable
  return ranks[static_cast<int>(v)];
}

double closeness(const GradcheckReport& r) {
  return r.comparisons.empty() ? 0 : std::abs(r.worst.analytic - r.worst.numeric) / r.worst.bound;
}

}  // namespace

OpReport check_op(const Declared& op, const OpCheck& options) {
  OpReport report{.op = op.op->name, .dtype = options.dtype, .order = options.order, .seed = options.seed};
  for (const std::string& text : op.samples) {
    report.samples.push_back(check_sample(op, text, options, options.seed + report.samples.size()));
    const GradcheckReport &last = report.samples.back(), &worst = report.samples[report.worst];
    const int by_verdict = rank(last.verdict) - rank(worst.verdict);
    if (by_verdict > 0 || (by_verdict == 0 && !(closeness(last) <= closeness(worst))))
      report.worst = report.samples.size() - 1;
    report.verdict = worst_sample(report).verdict;
    for (const Comparison& c : last.comparisons) report.oracle = report.oracle || !std::isnan(c.exact);
  }
  return report;
}

const GradcheckReport& worst_sample(const OpReport& report) {
  static const GradcheckReport none;
  return report.samples.empty() ? none : report.samples[report.worst];
}

const char* to_string(Dtype dtype) { return dtype == Dtype::f32 ? "f32" : "f64"; }

std::string to_string(const OpReport& r) {
  return std::string(to_string(r.dtype)) + ", order " + std::to_string(r.order) + ", seed " + std::to_string(r.seed) +
         ": " + to_string(worst_sample(r));
}

std::ostream& operator<<(std::ostream& os, const OpReport& report) { return os << to_string(report); }

}  // namespace wengert
