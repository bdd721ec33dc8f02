#include "tools/gradcheck/chart.hpp"

#include <algorithm>
#include <cmath>

#include "tools/gradcheck/math.hpp"

namespace wengert::tool {
namespace {

std::string at(double x) { return attribute_number(x); }

/// 1e-12 as ten to that power.
Html power_of_ten(int exponent) {
  return Html("10") + element("tspan", {{"dy", "-5"}, {"font-size", "8"}}, with_minus(std::to_string(exponent)));
}

/// The frame, and where things lie in it.
class Plot {
 public:
  explicit Plot(const Chart& chart) : chart_(chart) {
    for (const Curve& c : chart.curves)
      for (const CurvePoint& p : c.points) {
        if (!p.off && p.y > 0) widen(y_low_, y_high_, std::log10(p.y));
        widen(x_low_, x_high_, x_of(p.x));
      }
    for (const Chart::Mark& m : chart.at_x) widen(x_low_, x_high_, x_of(m.at));
    for (const Chart::Mark& m : chart.at_y)
      if (m.at > 0) widen(y_low_, y_high_, std::log10(m.at));
    if (x_low_ > x_high_) x_low_ = x_high_ = 0;  // there is nothing
    if (y_low_ > y_high_) y_low_ = y_high_ = 0;
    y_low_ = std::floor(y_low_);
    y_high_ = std::max(std::ceil(y_high_), y_low_ + 1);
    if (!categories()) x_low_ = std::floor(x_low_), x_high_ = std::ceil(x_high_);
    if (x_high_ <= x_low_) x_high_ = x_low_ + 1;
    top_ = 12. + 15 * static_cast<double>(chart.curves.size() + !chart.off_label.empty());
    inner_top_ = top_ + (chart.off_label.empty() ? 4 : 18);
  }

  Html svg() const {
    Html all = axes();
    for (const Chart::Mark& m : chart_.at_y)
      all += mark(left, y(m.at), right, y(m.at), m.label, left + 4, y(m.at) - 4, "start");
    for (const Chart::Mark& m : chart_.at_x) {
      const bool late = x(m.at) > (left + right) / 2;
      all +=
          mark(x(m.at), top_, x(m.at), bottom, m.label, x(m.at) + (late ? -4 : 4), top_ + 12, late ? "end" : "start");
    }
    for (std::size_t i = 0; i < chart_.curves.size(); ++i) all += curve(i);
    return element("svg",
                   {{"class", "chart"},
                    {"viewBox", "0 0 " + at(width) + " " + at(height)},
                    {"role", "img"},
                    {"aria-label", chart_.title}},
                   all);
  }

 private:
  static constexpr double width = 380, height = 300, left = 44, right = 372, bottom = 260;

  static void widen(double& low, double& high, double x) { low = std::min(low, x), high = std::max(high, x); }
  bool categories() const { return !chart_.categories.empty(); }
  double x_of(double x) const { return categories() ? x : std::log10(x); }
  double x(double value) const { return left + 8 + (right - left - 16) * (x_of(value) - x_low_) / (x_high_ - x_low_); }
  double y(double value) const {
    const double part = (std::log10(std::max(value, 1e-300)) - y_low_) / (y_high_ - y_low_);
    return bottom - (bottom - inner_top_) * std::clamp(part, 0., 1.);
  }

  static Html text(double x, double y, const std::string& anchor, const Html& content, const std::string& kind = {}) {
    return element("text", {{"x", at(x)}, {"y", at(y)}, {"text-anchor", anchor}, {"class?", kind}}, content);
  }
  static Html line(double x1, double y1, double x2, double y2, const std::string& kind) {
    return element("line", {{"class", kind}, {"x1", at(x1)}, {"y1", at(y1)}, {"x2", at(x2)}, {"y2", at(y2)}});
  }
  static Html mark(double x1, double y1, double x2, double y2, const std::string& label, double tx, double ty,
                   const char* anchor) {
    return line(x1, y1, x2, y2, "mark") + text(tx, ty, anchor, label, "note");
  }

  Html axes() const {
    Html all = element("rect", {{"class", "frame"},
                                {"x", at(left)},
                                {"y", at(top_)},
                                {"width", at(right - left)},
                                {"height", at(bottom - top_)}});
    const int from = static_cast<int>(y_low_), to = static_cast<int>(y_high_), step = std::max(1, (to - from + 7) / 8);
    for (int e = from; e <= to; e += step) {
      const double level = y(std::pow(10, e));
      all += line(left, level, right, level, "grid") + text(left - 4, level + 4, "end", power_of_ten(e));
    }
    if (categories()) {
      for (std::size_t i = 0; i < chart_.categories.size(); ++i)
        all += text(x(static_cast<double>(i)), bottom + 14, "middle", chart_.categories[i], "small");
    } else {
      const int low = static_cast<int>(x_low_), high = static_cast<int>(x_high_),
                by = std::max(1, (high - low + 7) / 8);
      for (int e = low; e <= high; e += by) {
        const double place = x(std::pow(10, e));
        all += line(place, top_, place, bottom, "grid") + text(place, bottom + 15, "middle", power_of_ten(e));
      }
    }
    if (!chart_.off_label.empty())
      all +=
          line(left, inner_top_, right, inner_top_, "grid") + text(left, top_ - 7, "start", chart_.off_label, "note");
    all += text((left + right) / 2, bottom + 33, "middle", chart_.x_label);
    all += element(
        "text", {{"transform", "rotate(-90)"}, {"x", at(-(top_ + bottom) / 2)}, {"y", "10"}, {"text-anchor", "middle"}},
        chart_.y_label);
    return all;
  }

  /// A circle, a square, a triangle: one kind a curve.
  static Html symbol(std::size_t i, double x, double y) {
    const std::string kind = "s" + std::to_string(i);
    if (i == 0) return element("circle", {{"class", kind}, {"cx", at(x)}, {"cy", at(y)}, {"r", "3"}});
    if (i == 1)
      return element("rect", {{"class", kind}, {"x", at(x - 3)}, {"y", at(y - 3)}, {"width", "6"}, {"height", "6"}});
    return element("path", {{"class", kind}, {"d", "M" + at(x) + " " + at(y - 4) + "l4 7h-8z"}});
  }

  Html curve(std::size_t i) const {
    const Curve& c = chart_.curves[i];
    const std::string kind = "c" + std::to_string(i);
    Html all, symbols;
    std::string path;
    bool down = false;
    for (const CurvePoint& p : c.points) {
      // Those of several curves stand side by side at the edge.
      const double px = x(p.x) + (p.off ? 7 * (static_cast<double>(i) - 1) : 0), py = p.off ? top_ + 9 : y(p.y);
      symbols += symbol(i, px, py);
      if (!p.off) path += (down ? "L" : "M") + at(px) + " " + at(py);
      down = !p.off;
    }
    if (!path.empty()) all += element("path", {{"class", "curve " + kind}, {"d", path}});
    const double legend = 8. + 15 * static_cast<double>(i);
    all += line(left, legend, left + 34, legend, "curve " + kind) + symbol(i, left + 17, legend) +
           text(left + 42, legend + 4, "start", c.name);
    return all + symbols;
  }

  const Chart& chart_;
  double x_low_ = INFINITY, x_high_ = -INFINITY, y_low_ = INFINITY, y_high_ = -INFINITY;
  double top_, inner_top_;
};

}  // namespace

Html chart_html(const Chart& chart) {
  return element("figure", element("figcaption", chart.title) + Plot(chart).svg());
}

Html heat_map_html(const HeatMap& map) {
  Html head = element("th", {{"class", "left dim"}},
                      map.rows_label.empty() ? "" : map.rows_label + " \\ " + map.columns_label),
       body;
  for (const std::string& c : map.columns) head += element("th", {{"scope", "col"}}, with_minus(c));
  for (std::size_t i = 0; i < map.cells.size(); ++i) {
    Html cells = element("th", {{"scope", "row"}}, with_minus(map.rows[i]));
    for (const HeatCell& c : map.cells[i])
      cells += element("td",
                       {{"class?", c.bad ? "framed" : ""},
                        {"style", "--heat:" + at(std::clamp(c.heat, 0., 1.))},
                        {"title?", c.title}},
                       with_minus(c.text));
    body += element("tr", cells);
  }
  const Html table =
      element("table", {{"class", "heat"}}, element("thead", element("tr", head)) + element("tbody", body));
  return element(
      "figure",
      element("figcaption", map.caption) +
          element("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", map.caption}},
                  table));
}

}  // namespace wengert::tool
