#include "autodiff/op_check.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "autodiff/checker/check.hpp"
#include "autodiff/checker/oracle.hpp"
#include "autodiff/checker/run.hpp"
#include "autodiff/sample.hpp"
#include "autodiff/tape.hpp"

namespace wengert {
namespace {

/// What an op may have taken no account of: the numbers of constants, a mask, attributes.
Clues clues_of(const Declared& op, const Sample& s, const std::function<Function<double>(Function<double>)>& derived) {
  Clues clues;
  const auto alternative = [&](std::string what, Arguments<double> arguments) {
    clues.alternatives.emplace_back(std::move(what), derived(function_of(op, std::move(arguments), s.names)));
  };
  for (const Input& input : op.inputs) {
    if (input.differentiable() || !s.arguments.has(input.name)) continue;
    const std::string name = input.name;
    if (input.draw == Draw::index) {
      clues.indices.emplace_back(name, s.arguments.indices(input.name));
      continue;
    }
    const Array<double>& value = s.arguments[input.name].value();
    clues.constants.emplace_back(name, value);
    const auto replaced = [&](double (*by)(double)) {
      Array<double> other = value;
      for (double& v : other.storage()) v = by(v);
      Arguments<double> arguments = s.arguments;
      arguments.set(name, Variable<double>(other));
      return arguments;
    };
    if (input.draw != Draw::mask)
      alternative("the value of " + name + " is ignored: the gradient is that of " + name + " of 0 and 1",
                  replaced([](double v) { return v != 0 ? 1. : 0.; }));
    alternative(name + " is ignored: the gradient is that of " + name + " of ones",
                replaced([](double) { return 1.; }));
  }
  for (const Attribute& a : op.attributes) {
    const std::string is = s.arguments.word(a.name), fallback = a.fallback;
    const bool flag = a.type == std::string("flag");
    if (!flag && (is == fallback || fallback.empty())) continue;
    const std::string other = !flag ? fallback : s.arguments.flag(a.name) ? "false" : "true";
    Arguments<double> arguments = s.arguments;
    arguments.set_attribute(a.name, other);
    alternative(is == fallback ? "the gradient is that of " + std::string(a.name) + "=" + other
                               : a.name + ("=" + is) + " is ignored: the gradient is that of " + a.name + "=" + other,
                std::move(arguments));
  }
  return clues;
}

/// Why f has no value for the sample; "" if it has one.
template <class T> std::string refusal(const Function<T>& f, const Sample& s) try {
  std::vector<Variable<T>> x;
  for (const auto& input : s.inputs) x.push_back(Array<T>(xt::cast<T>(input)));
  f(x);
  return "";
} catch (const ValueError& e) { return e.what(); }

GradcheckReport check_sample(const Declared& op, const std::string& text, const OpCheck& options, std::uint64_t seed) {
  const bool single = options.dtype == Dtype::f32, second = options.order == 2;
  GradcheckReport report{.op = op.op->name + std::string(" ") + text, .verdict = Verdict::wrong, .seed = seed};
  try {
    const Sample s = draw(op, text, seed, single);
    const std::string f32 = refusal(s.f32, s), f64 = refusal(s.f64, s);
    if (f32.empty() != f64.empty() && (single || f32.empty())) {  // it has a form for the other type only
      report.verdict = Verdict::inconclusive;
      report.note = f32 + f64;
      return report;
    }
    const Subject subject{
        .name = s.call,
        .f64 = second ? gradient_of(s.f64) : s.f64,
        .moved =
            [&](std::uint64_t seed) { return second ? weighted_gradient_of(s.f64, first_order_seed, seed) : s.f64; },
        .f32 = second ? gradient_of<float>(s.f32) : s.f32,
        .inputs = s.inputs,
        .names = s.names,
        .options = {.directions = options.directions, .seed = seed},
        .exact = exact_gradients(op, s, seed, options.order),
        .clues = [&] { return clues_of(op, s, [&](Function<double> f) { return second ? gradient_of(f) : f; }); }};
    return single ? check<float>(subject) : check<double>(subject);
  } catch (const std::exception& e) { report.note = e.what(); }
  return report;
}

/// Whether the op has a value, and a gradient, for a call that it was not declared with.
bool takes(const Declared& op, const std::string& text, std::uint64_t seed) try {
  const Sample s = draw(op, text, seed);
  std::vector<Variable<double>> x;
  for (const auto& input : s.inputs) x.push_back(parameter(input));
  Tape tape;
  const Variable<double> y = s.f64(x);
  tape.gradient(y, x, {.upstream = Array<double>(y.shape(), 1.)});
  return std::all_of(y.data(), y.data() + y.size(), [](double v) { return std::isfinite(v); });
} catch (const std::exception&) { return false; }

/// The worse, the larger: by the verdict, then by how close it came to its bound.
std::pair<int, double> badness(const GradcheckReport& r) {
  constexpr int ranks[] = {0, 4, 2, 1, 3};  // right, wrong, inconclusive, kink, unstable
  const double off = std::abs(r.worst.analytic - r.worst.numeric) / r.worst.bound;
  return {ranks[static_cast<int>(r.verdict)], r.comparisons.empty() ? -1 : std::isnan(off) ? HUGE_VAL : off};
}

}  // namespace

OpReport check_op(const Declared& op, const OpCheck& options) {
  OpReport report{.op = op.op->name, .dtype = options.dtype, .order = options.order, .seed = options.seed};
  std::size_t most = 0;  // comparisons: the more, the more telling
  std::uint64_t seed = options.seed;
  const auto check = [&](const std::string& text, bool declared) {
    report.samples.push_back(check_sample(op, text, options, seed));
    const GradcheckReport &last = report.samples.back(), &worst = report.samples[report.worst];
    // A call that was thought up is shown where it alone is bad.
    if (declared ? badness(last) > badness(worst) : badness(last).first > badness(worst).first)
      report.worst = report.samples.size() - 1;
    if (!last.suspicion.empty() && last.comparisons.size() > most)
      most = last.comparisons.size(), report.suspicion = last.suspicion;
    for (const Comparison& c : last.comparisons) report.oracle = report.oracle || !std::isnan(c.exact);
  };
  for (const std::string& text : op.samples) check(text, true), ++seed;
  for (const std::string& text : options.variants ? variants(op) : std::vector<std::string>{}) {
    if (takes(op, text, seed)) check(text, false);
    ++seed;
  }
  report.verdict = worst_sample(report).verdict;
  return report;
}

const GradcheckReport& worst_sample(const OpReport& report) {
  static const GradcheckReport none;
  return report.samples.empty() ? none : report.samples[report.worst];
}

const char* to_string(Dtype dtype) { return dtype == Dtype::f32 ? "f32" : "f64"; }

std::string to_string(const OpReport& r) {
  const GradcheckReport& shown = worst_sample(r);
  std::string text = std::string(to_string(r.dtype)) + ", order " + std::to_string(r.order) + ", seed " +
                     std::to_string(r.seed) + ": " + to_string(shown);
  if (shown.suspicion.empty() && !r.suspicion.empty()) text += "\n  " + r.suspicion;  // another sample tells more
  return text;
}

std::ostream& operator<<(std::ostream& os, const OpReport& report) { return os << to_string(report); }

}  // namespace wengert
