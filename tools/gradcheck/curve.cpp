#include "tools/gradcheck/curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace wengert::tool {
namespace {

/// Errors of nothing have no logarithm: they lie at the lower edge.
double floor_of(const ErrorCurve& c) { return 0x1p-56 * std::max(std::abs(c.derivative), 1e-290); }

std::string e_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0e", x);
  return text;
}

}  // namespace

Chart chart_of(const ErrorCurve& c) {
  Chart chart{.title = c.call + ", " + c.entry, .x_label = "step h", .y_label = "error", .curves = {}};
  const auto add = [&](const char* name, const std::vector<double>& errors) {
    Curve curve{name, {}};
    for (std::size_t k = 0; k < errors.size(); ++k)
      if (std::isfinite(errors[k])) curve.points.push_back({c.steps[k], std::max(errors[k], floor_of(c))});
    chart.curves.push_back(std::move(curve));
  };
  add("central difference", c.errors);
  add("forward difference", c.forward_errors);
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
