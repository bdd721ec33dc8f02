#include "autodiff/gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>
#include <sstream>

#include "autodiff/diagnosis.hpp"
#include "autodiff/numeric.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/run.hpp"
#include "autodiff/tape.hpp"

namespace wengert {
namespace {

using numeric::Direction, numeric::Line, numeric::Slopes;
using Inputs = std::vector<Variable<double>>;
using Arrays64 = std::vector<Array<double>>;

std::vector<std::string> names_of(const Arrays64& inputs, const Gradcheck& options) {
  std::vector<std::string> names = options.names;
  for (std::size_t k = names.size(); k < inputs.size(); ++k)
    names.push_back(inputs.size() == 1 ? "x" : "x" + std::to_string(k));
  return names;
}

std::vector<Direction> each_entry(const Arrays64& inputs, const std::vector<std::string>& names) {
  std::vector<Direction> all;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    for (std::size_t i = 0; i < inputs[k].storage().size(); ++i)
      all.push_back({.name = entry_name(names[k], i, inputs[k].shape()), .input = k, .index = i});
  return all;
}

/// Their components are normal: that of an error along one is normal, too, whatever the error looks like.
std::vector<Direction> random_directions(const Arrays64& inputs, std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<Direction> all;
  for (std::size_t k = 0; k < n; ++k) {
    Direction d{.name = "direction " + std::to_string(k), .index = k};
    for (const auto& input : inputs) {
      Array<double> v(input.shape());
      for (double& x : v.storage()) x = normal(random);
      d.through.push_back(std::move(v));
    }
    all.push_back(std::move(d));
  }
  return all;
}

double along(const Arrays64& gradients, const Direction& d) {
  if (d.through.empty()) return gradients[d.input].storage()[d.index];
  double sum = 0;
  for (std::size_t k = 0; k < gradients.size(); ++k)
    for (std::size_t i = 0; i < gradients[k].size(); ++i) sum += gradients[k].storage()[i] * d.through[k].storage()[i];
  return sum;
}

std::vector<Comparison> compare(const Function<double>& f, const Arrays64& inputs, const Array<double>& u,
                                const Arrays64& gradients, const std::vector<Direction>& directions,
                                const std::vector<std::string>& names, double resolution) {
  const NoGrad numbers_only;
  std::vector<Slopes> slopes;
  double largest = 0;
  for (const Direction& d : directions) {
    slopes.push_back(Line(f, inputs, u, d).slopes());
    const Slopes& s = slopes.back();
    for (const auto& e : {s.central, s.below, s.above})
      if (std::abs(e.value) > e.bound) largest = std::max(largest, std::abs(e.value));
  }
  // The analytic derivative was rounded, too, on the scale of its neighbours; a gradient that vanishes within the
  // noise is seen on the scale of u.
  const double scale = largest > 0 ? largest : 1;
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  std::vector<Comparison> all;
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const Direction& d = directions[i];
    const Slopes& s = slopes[i];
    Comparison c{.where = d.name,
                 .input = d.through.empty() ? names[d.input] : "",
                 .index = d.index,
                 .analytic = along(gradients, d),
                 .numeric = s.central.value,
                 .bound = s.central.bound + 8 * epsilon * scale};
    const auto wide = [&](double bound) { return !(bound <= resolution * scale); };
    const bool jump = s.is_jump() && (wide(s.above.bound) || wide(s.below.bound));
    const bool kink = !jump && s.is_kink(resolution * scale);
    if (kink) {
      c.below = s.below.value, c.above = s.above.value;
      c.numeric = (c.below + c.above) / 2;
      c.bound = std::abs(c.above - c.below) / 2 + s.below.bound + s.above.bound;
    }
    const double off = std::abs(c.analytic - c.numeric);
    c.ulp = off / (epsilon * scale);
    if (kink)
      c.verdict = off <= c.bound ? Verdict::kink : Verdict::wrong;
    else if (jump || wide(c.bound))
      c.verdict = off <= 10 * c.bound ? Verdict::inconclusive : Verdict::wrong;
    else
      c.verdict = off <= c.bound ? Verdict::right : Verdict::wrong;
    all.push_back(std::move(c));
  }
  return all;
}

/// Of directions that missed nothing: the probability that they would have missed an error of that length.
/// The components of v are independent and normal, so <error, v> is normal with standard deviation |error|, and
/// P(|<error, v>| <= bound) = erf(bound / (|error| sqrt 2)); the directions are independent.
double probability_to_miss(const std::vector<Comparison>& comparisons, double size) {
  double p = 1;
  for (const Comparison& c : comparisons) p *= std::erf(c.bound / (size * std::sqrt(2)));
  return p;
}

void sum_up(GradcheckReport& report) {
  double closest = -1;
  for (const Comparison& c : report.comparisons) {
    report.wrong += c.verdict == Verdict::wrong;
    report.inconclusive += c.verdict == Verdict::inconclusive;
    report.kinks += c.verdict == Verdict::kink;
    const double rank[] = {0, 3e300, 2e300, 1e300, 0};  // by verdict; the bound is never 0
    const double closeness = std::abs(c.analytic - c.numeric) / c.bound + rank[static_cast<int>(c.verdict)];
    if (!(closeness <= closest)) closest = closeness, report.worst = c;
  }
  report.verdict = report.wrong          ? Verdict::wrong
                   : report.inconclusive ? Verdict::inconclusive
                   : report.kinks        ? Verdict::kink
                                         : Verdict::right;
}

}  // namespace

GradcheckReport gradcheck(const std::string& op, const Function<double>& f, const std::vector<Array<double>>& inputs,
                          const Gradcheck& options) {
  GradcheckReport report{.op = op, .seed = options.seed};
  const auto names = names_of(inputs, options);
  const Run<double> first = run(f, inputs, names, options.seed);
  report.note = run_again(f, inputs, first, options.seed, names);
  if (!report.note.empty()) {
    report.verdict = Verdict::unstable;
    return report;
  }
  std::mt19937_64 random(options.seed + 1);
  report.comparisons =
      compare(f, inputs, first.u, first.gradients,
              options.directions ? random_directions(inputs, options.directions, random) : each_entry(inputs, names),
              names, options.resolution);
  sum_up(report);
  if (options.directions > 0) {
    for (const Comparison& c : report.comparisons) report.visible = std::max(report.visible, 10 * c.bound);
    report.missed = probability_to_miss(report.comparisons, report.visible);
  }
  if (report.verdict == Verdict::wrong && options.directions == 0) {
    Evidence e{.names = names,
               .analytic = first.gradients,
               .for_ones = run_with_ones(f, inputs).gradients,
               .numeric = inputs,
               .bound = inputs};
    std::size_t at = 0;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      for (std::size_t i = 0; i < inputs[k].storage().size(); ++i, ++at) {
        e.numeric[k].storage()[i] = report.comparisons[at].numeric;
        e.bound[k].storage()[i] = report.comparisons[at].bound;
      }
    report.suspicion = diagnose(e);
  }
  return report;
}

const char* to_string(Verdict verdict) {
  constexpr const char* names[] = {"right", "wrong", "inconclusive", "kink", "unstable"};
  return names[static_cast<int>(verdict)];
}

std::string to_string(const GradcheckReport& r) {
  const std::size_t n = r.comparisons.size();
  const std::string all = std::to_string(n) + (n == 1 ? " comparison" : " comparisons");
  std::ostringstream text;
  text.precision(10);
  text << r.op << ": ";
  if (!r.note.empty()) {
    text << (r.verdict == Verdict::wrong ? "WRONG" : std::string(to_string(r.verdict))) << ", " << r.note;
    return text.str();
  }
  if (n == 0) return r.op + ": right, nothing to compare";
  switch (r.verdict) {
    case Verdict::wrong: text << "WRONG, " << r.wrong << " of " << all << ", worst "; break;
    case Verdict::inconclusive:
      text << "inconclusive, " << r.inconclusive << " of " << all << " too wide, widest ";
      break;
    case Verdict::kink: text << "at a kink, " << r.kinks << " of " << all << ", between both slopes "; break;
    default: text << "right, " << all << ", closest to its bound "; break;
  }
  const Comparison& w = r.worst;
  text << w.where << ": analytic " << w.analytic << ", numeric " << w.numeric;
  text.precision(2);
  text << ", off by " << std::abs(w.analytic - w.numeric) << ", bound " << w.bound;
  if (!r.suspicion.empty()) text << "\n  " << r.suspicion;
  return text.str();
}

std::ostream& operator<<(std::ostream& os, const GradcheckReport& report) { return os << to_string(report); }

template <class T> Function<T> gradient_of(std::type_identity_t<Function<T>> f, std::uint64_t seed) {
  return [f = std::move(f), seed](const std::vector<Variable<T>>& xs) {
    const auto joined = [&](Tape& tape, const std::vector<Variable<T>>& at, bool record) {
      const Variable<T> y = f(at);
      const auto gradients =
          tape.gradient(y, at, {.upstream = random_weights<T>(y.shape(), seed), .create_graph = record});
      Variable<T> sum_of_all = 0;
      for (std::size_t k = 0; k < gradients.size(); ++k)
        sum_of_all += sum(gradients[k] * Variable<T>(random_weights<T>(gradients[k].shape(), seed + 1 + k)));
      for (const auto& x : at) sum_of_all += 0 * sum(x);  // the gradient of a linear f does not depend on x
      return sum_of_all;
    };
    if (Tape* const tape = Tape::current()) return joined(*tape, xs, true);
    std::vector<Variable<T>> own;
    for (const auto& x : xs) own.push_back(parameter(x.value()));
    Tape tape;
    return joined(tape, own, false);
  };
}
template Function<float> gradient_of<float>(Function<float>, std::uint64_t);
template Function<double> gradient_of<double>(Function<double>, std::uint64_t);

}  // namespace wengert
