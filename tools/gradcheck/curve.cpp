#include "tools/gradcheck/curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autodiff/checker/numeric.hpp"
#include "autodiff/checker/run.hpp"
#include "autodiff/gradcheck.hpp"
#include "autodiff/sample.hpp"
#include "autodiff/tape.hpp"

namespace wengert::tool {
namespace {

constexpr int halvings = 48;

/// Errors of nothing have no logarithm: they lie at the lower edge.
double floor_of(const ErrorCurve& c) { return 0x1p-56 * std::max(std::abs(c.derivative), 1e-290); }

std::string e_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0e", x);
  return text;
}

}  // namespace

ErrorCurve error_curve(const Declared& d, const OpReport& report) {
  const GradcheckReport& sample = worst_sample(report);
  const Comparison& worst = sample.worst;
  ErrorCurve c;
  c.call = sample.op;
  c.entry = worst.where;
  if (worst.input.empty()) return c;
  // The same call as the check's: samples are drawn with the seed counted up.
  const std::string text = d.samples.at(report.worst);
  const Sample s = draw(d, text, report.seed + report.worst);
  const Function<double> f = report.order == 2 ? gradient_of(s.f64) : s.f64;
  const Array<double> u = run(f, s.inputs, s.names, report.seed + report.worst).u;
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
  double h = line.first_step();
  for (int k = 0; k < halvings; ++k, h /= 2) {
    c.steps.push_back(h);
    c.errors.push_back(std::abs(line.step(h).across / (2 * h) - c.derivative));
  }
  return c;
}

Chart chart_of(const ErrorCurve& c) {
  Chart chart{.title = c.call + ", " + c.entry, .x_label = "step h", .y_label = "error", .curves = {}};
  Curve curve{"central difference", {}};
  for (std::size_t k = 0; k < c.steps.size(); ++k)
    if (std::isfinite(c.errors[k])) curve.points.push_back({c.steps[k], std::max(c.errors[k], floor_of(c))});
  chart.curves.push_back(std::move(curve));
  if (c.step > 0) chart.at_x.push_back({c.step, "chosen step"});
  if (c.bound > 0 && std::isfinite(c.bound)) chart.at_y.push_back({c.bound, "bound, once extrapolated"});
  return chart;
}

std::string plot_of(const ErrorCurve& c) {
  double low = INFINITY, high = -INFINITY;
  for (const double e : c.errors) {
    if (!std::isfinite(e)) continue;
    low = std::min(low, std::max(e, floor_of(c)));
    high = std::max(high, std::max(e, floor_of(c)));
  }
  if (!(low <= high)) return "There is no step at which the op is defined on both sides.\n";
  const int bottom = static_cast<int>(std::floor(std::log10(low))),
            top = static_cast<int>(std::floor(std::log10(high)));
  const std::size_t columns = c.steps.size();  // the narrowest step first
  const auto column_of = [&](std::size_t k) { return columns - 1 - k; };
  std::size_t chosen = columns;
  for (std::size_t k = 0; k < columns; ++k)
    if (c.steps[k] == c.step) chosen = column_of(k);
  std::string text = "   error\n";
  for (int decade = top; decade >= bottom; --decade) {
    std::string row(columns, ' ');
    if (chosen < columns) row[chosen] = '|';
    for (std::size_t k = 0; k < columns; ++k)
      if (std::isfinite(c.errors[k]) && std::floor(std::log10(std::max(c.errors[k], floor_of(c)))) == decade)
        row[column_of(k)] = column_of(k) == chosen ? '#' : 'o';
    row.erase(row.find_last_not_of(' ') + 1);
    text += (e_number(std::pow(10, decade)) + "  ").insert(0, decade > -100 && decade < 100 ? " " : "") + row + "\n";
  }
  std::string ticks, names;
  for (std::size_t k = 7; k < columns; k += 10) {
    names.resize(k, ' ');
    ticks.resize(k, ' ');
    names += e_number(c.steps[column_of(k)]);
    ticks += "'";
  }
  return text + "        " + ticks + "\n        " + names + "  step h\n";
}

}  // namespace wengert::tool
