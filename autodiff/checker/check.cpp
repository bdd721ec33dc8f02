#include "autodiff/checker/check.hpp"

#include <algorithm>
#include <cmath>

#include "autodiff/checker/numeric.hpp"
#include "autodiff/checker/rounding.hpp"
#include "autodiff/tape.hpp"

namespace wengert {
namespace {

using numeric::Line, numeric::Slopes;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

double off(const Comparison& c) { return std::abs(c.analytic - c.numeric); }

/// Numeric derivatives, their bounds, and the verdicts that follow; why the first of them is inconclusive.
std::string by_differences(std::vector<Comparison>& all, const std::vector<Direction>& directions, const Subject& s,
                           const Array<double>& u) {
  const NoGrad numbers_only;
  std::vector<Slopes> slopes;
  double largest = 0;
  for (const Direction& d : directions) {
    slopes.push_back(Line(s.f64, s.inputs, u, d).slopes());
    for (const auto& e : {slopes.back().central, slopes.back().below, slopes.back().above})
      if (std::abs(e.value) > e.bound) largest = std::max(largest, std::abs(e.value));
  }
  // The analytic derivative was rounded, too, on the scale of its neighbours; a gradient that vanishes within the
  // noise is seen on the scale of u.
  const double scale = largest > 0 ? largest : 1, least = s.options.resolution * scale;
  const auto wide = [&](double bound) { return !(bound <= least); };
  std::string why;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Slopes& slope = slopes[i];
    Comparison& c = all[i];
    c.numeric = slope.central.value;
    c.bound = slope.central.bound + 8 * epsilon * scale;
    if (!slope.jump && slope.is_kink(least)) {
      c.below = slope.below.value;
      c.above = slope.above.value;
      c.numeric = (c.below + c.above) / 2;
      c.bound = std::abs(c.above - c.below) / 2 + slope.below.bound + slope.above.bound;
      c.verdict = off(c) <= c.bound ? Verdict::kink : Verdict::wrong;
    } else if (slope.jump || wide(c.bound)) {
      c.verdict = off(c) <= 10 * c.bound ? Verdict::inconclusive : Verdict::wrong;
    } else if (slope.at_odds) {
      // A slope of exactly 0 close by may be a step's.
      c.verdict = off(c) <= c.bound && c.numeric != 0 ? Verdict::right : Verdict::inconclusive;
    } else {
      c.verdict = off(c) <= c.bound ? Verdict::right : Verdict::wrong;
    }
    if (c.verdict == Verdict::inconclusive && why.empty())
      why = slope.jump ? "f jumps at " + c.where
            : slope.at_odds
                ? "close to " + c.where + " f bends, jumps or goes in steps: narrow and wide differences disagree"
                : "the bound is too wide to tell: f is rough, or changes too fast, near " + c.where;
  }
  return why;
}

/// Units in the last place, and what comes of them where the reference is exact.
template <class T>
void in_ulp(std::vector<Comparison>& all, const std::vector<Direction>& directions, const Subject& s) {
  constexpr bool single = sizeof(T) == 4;
  const Run<double> run64 = run(s.f64, s.inputs, s.names, s.options.seed);
  const auto f = [&](std::uint64_t move) { return s.moved ? s.moved(move) : s.f64; };
  const Rounding rounding(f, s.inputs, run64, s.options.seed);
  std::vector<double> scatter;
  double squares = 0;
  for (const Direction& d : directions) {
    scatter.push_back(rounding.along(d));
    squares += scatter.back() * scatter.back();
  }
  // Far below that of its neighbours, a scatter is small by chance: roundings are few and coarse.
  const double least = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(scatter.size(), 1))) / 8;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Comparison& c = all[i];
    const double here = along(run64.gradients, directions[i]);
    if (single) c.numeric = here;
    if (!s.exact.empty()) c.exact = static_cast<double>(along(s.exact, directions[i]));
    const double reference = single || s.exact.empty() ? c.numeric : c.exact;
    const double unit =
        std::numeric_limits<T>::epsilon() * std::max({std::abs(reference), scatter[i] / epsilon, least / epsilon}) +
        std::numeric_limits<T>::denorm_min();
    c.ulp = std::abs(c.analytic - reference) / unit;
    if (single) c.bound = most_ulps * unit;
    if ((single || !s.exact.empty()) && !(c.ulp <= most_ulps)) c.verdict = Verdict::wrong;
  }
}

/// Counts, the verdict, the one to show.
void sum_up(GradcheckReport& report) {
  double worst = -1;
  for (const Comparison& c : report.comparisons) {
    report.wrong += c.verdict == Verdict::wrong;
    report.inconclusive += c.verdict == Verdict::inconclusive;
    report.kinks += c.verdict == Verdict::kink;
    constexpr double ranks[] = {0, 3e300, 2e300, 1e300, 0};                  // by verdict
    double badness = off(c) / c.bound + ranks[static_cast<int>(c.verdict)];  // the bound is never 0
    if (!std::isnan(c.exact)) badness = std::max(badness, c.ulp / most_ulps);
    if (std::isnan(badness)) badness = ranks[static_cast<int>(Verdict::wrong)];
    if (badness > worst) worst = badness, report.worst = c;
  }
  report.verdict = report.wrong          ? Verdict::wrong
                   : report.inconclusive ? Verdict::inconclusive
                   : report.kinks        ? Verdict::kink
                                         : Verdict::right;
}

/// Of a report with an entry each. What an oracle says is better known than a difference.
template <class T>
std::string suspicion(const Subject& s, const Run<T>& first, const Function<T>& f,
                      const std::vector<Comparison>& comparisons) {
  Evidence e{.names = s.names, .inputs = s.inputs, .y = xt::cast<double>(first.y), .u = xt::cast<double>(first.u)};
  const auto doubles = [](const std::vector<Array<T>>& all) {
    std::vector<Array<double>> d;
    for (const auto& x : all) d.push_back(xt::cast<double>(x));
    return d;
  };
  e.analytic = doubles(first.gradients);
  e.for_ones = doubles(run_with(f, s.inputs, Array<T>(first.u.shape(), T(1))).gradients);
  e.for_double = doubles(run_with(f, s.inputs, Array<T>(2 * first.u)).gradients);
  e.numeric = e.bound = s.inputs;
  std::size_t at = 0;
  for (std::size_t k = 0; k < s.inputs.size(); ++k)
    for (std::size_t i = 0; i < s.inputs[k].size(); ++i, ++at) {
      const Comparison& c = comparisons[at];
      const bool exact = sizeof(T) == 8 && !std::isnan(c.exact) && c.ulp > 0;
      e.numeric[k].storage()[i] = exact ? c.exact : c.numeric;
      e.bound[k].storage()[i] = exact ? most_ulps * std::abs(c.analytic - c.exact) / c.ulp : c.bound;
    }
  e.f = s.f64;
  if (s.clues) e.clues = s.clues();
  return diagnose(e);
}

}  // namespace

template <class T> GradcheckReport check(const Subject& s) {
  constexpr bool single = sizeof(T) == 4;
  const Function<T>& f = [&]() -> const Function<T>& {
    if constexpr (single)
      return s.f32;
    else
      return s.f64;
  }();
  GradcheckReport report{.op = s.name, .seed = s.options.seed};
  const Run<T> first = run(f, s.inputs, s.names, s.options.seed);
  report.note = run_again(f, s.inputs, first, s.options.seed, s.names);
  if (!report.note.empty()) {
    report.verdict = Verdict::unstable;
    return report;
  }
  const bool entries = single || s.options.directions == 0;
  const auto directions =
      entries ? each_entry(s.inputs, s.names) : random_directions(s.inputs, s.options.directions, s.options.seed);
  for (const Direction& d : directions)
    report.comparisons.push_back({.where = d.name,
                                  .input = entries ? s.names[d.input] : "",
                                  .index = d.index,
                                  .analytic = along(first.gradients, d)});
  std::string why;
  if constexpr (!single) why = by_differences(report.comparisons, directions, s, first.u);
  in_ulp<T>(report.comparisons, directions, s);
  sum_up(report);
  if (!entries) {
    for (const Comparison& c : report.comparisons) report.visible = std::max(report.visible, 10 * c.bound);
    report.missed = probability_to_miss(report, report.visible);
  }
  if (report.verdict == Verdict::inconclusive) report.suspicion = why;
  if (report.verdict != Verdict::wrong) return report;
  if (entries) {
    report.suspicion = suspicion(s, first, f, report.comparisons);
  } else {
    std::size_t size = 0;
    for (const auto& x : s.inputs) size += x.size();
    Subject again = s;
    again.options.directions = 0;
    if (size <= 1000) report.suspicion = check<T>(again).suspicion;
  }
  return report;
}

template GradcheckReport check<float>(const Subject&);
template GradcheckReport check<double>(const Subject&);

}  // namespace wengert
