#include "tools/gradcheck/curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/gradcheck/numbers.hpp"

namespace wengert::tool {
namespace {

/// Errors of nothing have no logarithm: they lie at the lower edge.
double floor_of(const ErrorCurve& c) { return 0x1p-56 * std::max(std::abs(c.derivative), 1e-290); }

int decade_of(const ErrorCurve& c, double error) {
  return static_cast<int>(std::floor(std::log10(std::max(error, floor_of(c)))));
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
  int bottom = std::numeric_limits<int>::max(), top = std::numeric_limits<int>::min();
  for (const auto* errors : {&c.errors, &c.forward_errors})
    for (const double e : *errors)
      if (std::isfinite(e)) bottom = std::min(bottom, decade_of(c, e)), top = std::max(top, decade_of(c, e));
  if (bottom > top) return "There is no step at which the op is defined.\n";
  const std::size_t columns = c.steps.size();  // the narrowest step first
  const auto column_of = [&](std::size_t k) { return columns - 1 - k; };
  std::size_t chosen = columns;
  for (std::size_t k = 0; k < columns; ++k)
    if (c.steps[k] == c.step) chosen = column_of(k);
  std::string text = "   error\n";
  for (int decade = top; decade >= bottom; --decade) {
    std::string row(columns, ' ');
    if (chosen < columns) row[chosen] = '|';
    const auto draw = [&](const std::vector<double>& errors, char mark, char mark_on_line) {
      for (std::size_t k = 0; k < errors.size(); ++k)
        if (std::isfinite(errors[k]) && decade_of(c, errors[k]) == decade)
          row[column_of(k)] = column_of(k) == chosen ? mark_on_line : mark;
    };
    draw(c.forward_errors, '.', ':');
    draw(c.errors, 'o', '#');
    row.erase(row.find_last_not_of(' ') + 1);
    text += (formatted("%.0e", std::pow(10, decade)) + "  ").insert(0, decade > -100 && decade < 100 ? " " : "") + row +
            "\n";
  }
  std::string ticks, names;
  for (std::size_t k = 7; k < columns; k += 10) {
    names.resize(k, ' ');
    ticks.resize(k, ' ');
    names += formatted("%.0e", c.steps[column_of(k)]);
    ticks += "'";
  }
  return text + "        " + ticks + "\n        " + names + "  step h\n";
}

}  // namespace wengert::tool
