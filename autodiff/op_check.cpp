#include "autodiff/op_check.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "autodiff/diagnosis.hpp"
#include "autodiff/run.hpp"
#include "autodiff/sample.hpp"

namespace wengert {
namespace {

/// Against the float64 run on the same numbers.
GradcheckReport check_single(const Sample& s, const OpCheck& options, std::uint64_t seed) {
  const Function<float> f32 = options.order == 2 ? gradient_of<float>(s.f32) : s.f32;
  const Function<double> f64 = options.order == 2 ? gradient_of<double>(s.f64) : s.f64;
  GradcheckReport report{.op = s.call, .seed = seed};
  const Run<double> exact = run(f64, s.inputs, s.names, seed);
  const Run<float> single = run(f32, s.inputs, s.names, seed);
  report.note = run_again(f32, s.inputs, single, seed, s.names);
  if (!report.note.empty()) {
    report.verdict = Verdict::unstable;
    return report;
  }
  constexpr double epsilon = std::numeric_limits<float>::epsilon(), most = 32;
  double closest = -1;
  for (std::size_t k = 0; k < s.inputs.size(); ++k) {
    double scale = 1e-3;
    for (const double g : exact.gradients[k].storage()) scale = std::max(scale, std::abs(g));
    for (std::size_t i = 0; i < s.inputs[k].storage().size(); ++i) {
      Comparison c{.where = entry_name(s.names[k], i, s.inputs[k].shape()),
                   .input = s.names[k],
                   .index = i,
                   .analytic = single.gradients[k].storage()[i],
                   .numeric = exact.gradients[k].storage()[i],
                   .bound = most * epsilon * scale};
      c.ulp = std::abs(c.analytic - c.numeric) / (epsilon * scale);
      if (!(c.ulp <= most)) c.verdict = Verdict::wrong, ++report.wrong;
      if (!(c.ulp <= closest)) closest = c.ulp, report.worst = c;
      report.comparisons.push_back(std::move(c));
    }
  }
  report.verdict = report.wrong ? Verdict::wrong : Verdict::right;
  return report;
}

GradcheckReport check_sample(const Declared& op, const std::string& text, const OpCheck& options, std::uint64_t seed) {
  GradcheckReport report{.op = op.op->name + std::string(" ") + text, .seed = seed};
  try {
    const Sample s = draw(op, text, seed, options.dtype == Dtype::f32);
    if (options.dtype == Dtype::f32) return check_single(s, options, seed);
    return gradcheck(s.call, options.order == 2 ? gradient_of(s.f64) : s.f64, s.inputs,
                     {.directions = options.directions, .seed = seed, .names = s.names});
  } catch (const std::exception& e) { report.note = e.what(); }
  report.verdict = Verdict::wrong;
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
