// Curves as inline SVG, and heat maps as tables: told apart by dashes, marks and numbers, not by colour alone.
#pragma once

#include <string>
#include <vector>

#include "tools/gradcheck/html.hpp"

namespace wengert::tool {

struct CurvePoint {
  double x, y;       ///< x: a number, or the number of a category
  bool off = false;  ///< has no y: marked at the upper edge
};
struct Curve {
  std::string name;
  std::vector<CurvePoint> points;
};

/// A chart over logarithms of y, and of x unless there are categories.
struct Chart {
  std::string title, x_label, y_label;
  std::vector<Curve> curves;
  std::vector<std::string> categories = {};
  std::string off_label = {};  ///< what stands at the upper edge
  struct Mark {
    double at;
    std::string label;
  };
  std::vector<Mark> at_x = {}, at_y = {};  ///< lines across the chart
};
Html chart_html(const Chart& chart);

struct HeatCell {
  std::string text;
  double heat = 0;         ///< 0..1
  std::string title = {};  ///< shown by the browser on demand
  bool bad = false;        ///< framed
};
struct HeatMap {
  std::string caption, rows_label, columns_label;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<HeatCell>> cells;
};
Html heat_map_html(const HeatMap& map);

}  // namespace wengert::tool
