// compare: how many digits the fused loss keeps, and what is lost by other ways of computing it.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/gradcheck/accuracy.hpp"
#include "tools/gradcheck/chart.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/document.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/numbers.hpp"
#include "tools/gradcheck/page.hpp"

namespace wengert::tool {
namespace {

using nlohmann::ordered_json;

/// Every margin at every offset, offsets running fastest.
struct Grid {
  std::string dtype;
  std::vector<Measured> points;

  static constexpr std::size_t offset_count = std::size(offsets);
  const Measured& at(std::size_t margin, std::size_t offset) const { return points[margin * offset_count + offset]; }
};

template <class T> Grid measure_all(const std::string& dtype) {
  Grid grid{dtype, {}};
  for (const double margin : margins)
    for (const double offset : offsets) grid.points.push_back(measure<T>(margin, offset));
  return grid;
}

constexpr std::size_t offset_0 = 0, margin_5 = 3;
static_assert(offsets[offset_0] == 0 && margins[margin_5] == 5);

/// Of an error, a digit behind the point says enough.
std::string ulps_text(double ulp) {
  return ulp < 0.05 ? "0" : ulp < 9.95 ? formatted("%.1f", ulp) : ulp < 999.5 ? formatted("%.0f", ulp) : rounded(ulp);
}
std::string name_of(double parameter) {
  return parameter < 1e6 ? std::to_string(static_cast<int>(parameter)) : rounded(parameter);
}

/// "1.4", "1e6, 64 lost", "all lost".
std::string text_of(const Accuracy& a) {
  if (a.lost == a.values) return "all lost";
  if (a.not_finite == a.values) return "none finite";
  std::string text = a.lost + a.not_finite == a.values ? "" : ulps_text(a.ulp) + ", ";
  if (a.lost) text += std::to_string(a.lost) + " lost, ";
  if (a.not_finite) text += std::to_string(a.not_finite) + " not finite, ";
  return text.substr(0, text.size() - 2);
}
Tone tone_of(const Accuracy& a) {
  return a.lost || a.not_finite || a.ulp > 1000 ? Tone::bad : a.ulp <= 4 ? Tone::good : Tone::plain;
}

using Figures = std::array<Accuracy, ways> Measured::*;

/// The points along one of the two parameters.
struct Slice {
  std::string parameter;
  std::vector<std::string> names;
  std::vector<const Measured*> points;
};

DataTable table_of(const std::string& what, const Slice& slice, Figures figures) {
  DataTable table{what + ": the worst error in ulp, by " + slice.parameter, {{slice.parameter}}, {}};
  for (const char* const name : name_of_way) table.columns.push_back({name});
  for (std::size_t i = 0; i < slice.points.size(); ++i) {
    table.rows.push_back({{slice.names[i]}});
    for (const Accuracy& a : slice.points[i]->*figures) table.rows.back().push_back({text_of(a), {}, tone_of(a)});
  }
  return table;
}

Html chart_of(const std::string& what, const Slice& slice, Figures figures, double no_digit) {
  Chart chart{.title = what,
              .x_label = slice.parameter,
              .y_label = "worst error in ulp",
              .curves = {},
              .categories = slice.names};
  chart.off_label = "upper edge: values came back as 0 or not finite";
  chart.at_y.push_back({no_digit, "no digit right"});
  for (const Way way : {fused, log_softmax_nll, unfused}) {
    Curve curve{name_of_way[way], {}};
    for (std::size_t i = 0; i < slice.points.size(); ++i) {
      const Accuracy& a = (slice.points[i]->*figures)[way];
      curve.points.push_back(
          {static_cast<double>(i), std::clamp(a.ulp, 0.1, 10 * no_digit), a.lost + a.not_finite > 0});
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart_html(chart);
}

/// Margins by offsets: the power of ten of the worst error; 0 and x where values were lost.
HeatMap heat_map_of(const Grid& grid, Way way) {
  HeatMap map{std::string("Gradient, ") + name_of_way[way], "margin", "offset", {}, {}, {}};
  for (const double offset : offsets) map.columns.push_back(name_of(offset));
  for (std::size_t i = 0; i < std::size(margins); ++i) {
    map.rows.push_back(name_of(margins[i]));
    map.cells.emplace_back();
    for (std::size_t j = 0; j < Grid::offset_count; ++j) {
      const Accuracy& a = grid.at(i, j).gradient[way];
      const bool gone = a.lost + a.not_finite > 0;
      const double digits = std::log10(std::max(a.ulp, 1.)) / (grid.dtype == "f32" ? 7 : 16);
      map.cells.back().push_back({a.not_finite ? "NaN"
                                  : a.lost     ? "lost"
                                               : ulps_text(a.ulp),
                                  gone ? 1 : digits, text_of(a), gone});
    }
  }
  return map;
}

Document document_of(const Grid& grid) {
  Slice by_margin{"margin", {}, {}}, by_offset{"offset", {}, {}};
  for (std::size_t i = 0; i < std::size(margins); ++i) {
    by_margin.names.push_back(name_of(margins[i]));
    by_margin.points.push_back(&grid.at(i, offset_0));
  }
  for (std::size_t j = 0; j < std::size(offsets); ++j) {
    by_offset.names.push_back(name_of(offsets[j]));
    by_offset.points.push_back(&grid.at(margin_5, j));
  }
  Document d;
  d.push_back(Paragraph{
      "Softmax cross entropy in " + std::string(grid.dtype == "f32" ? "float32" : "float64") +
      ", three ways, against long double: the worst error in units in the last place (ulp) of the exact value over " +
      std::to_string(compared_rows) + " random rows of " + std::to_string(compared_classes) +
      " classes. Lost: came back as 0, though the exact value is large enough for the type. Of the " +
      std::to_string(compared_rows * compared_classes) + " values of a gradient, " + std::to_string(compared_rows) +
      " are those of the labels' classes."});
  DataTable ways_table{"The three ways", {{"", Table::Align::left}, {"", Table::Align::left}}, {}};
  for (const Way way : {fused, log_softmax_nll, unfused})
    ways_table.rows.push_back({{name_of_way[way]}, {code_of_way[way]}});
  d.push_back(std::move(ways_table));
  const auto show = [&](const std::string& heading, const Slice& slice) {
    d.push_back(Heading{heading});
    const double no_digit = grid.dtype == "f32" ? 0x1p23 : 0x1p52;
    d.push_back(Picture{element("div", {{"class", "charts"}},
                                chart_of("Loss", slice, &Measured::loss, no_digit) +
                                    chart_of("Gradient", slice, &Measured::gradient, no_digit))});
    d.push_back(table_of("Loss", slice, &Measured::loss));
    d.push_back(table_of("Gradient", slice, &Measured::gradient));
  };
  show("By margin: the label's score leads the others by about so much", by_margin);
  show("By offset: added to all scores, at margin 5", by_offset);
  d.push_back(
      Paragraph{"The scores are rounded to the type once the offset is added, and the exact values are those of the "
                "rounded scores: "
                "where an offset swallows the margin, all classes are alike."});
  d.push_back(Picture{element("h2", "Every margin at every offset")});
  for (const Way way : {fused, log_softmax_nll, unfused}) d.push_back(Picture{heat_map_html(heat_map_of(grid, way))});
  return d;
}

ordered_json json_of(const Accuracy& a) {
  return {{"worst_ulp", a.ulp}, {"values", a.values}, {"lost", a.lost}, {"not_finite", a.not_finite}};
}

std::string json_of(const Grid& grid) {
  ordered_json points = ordered_json::array();
  for (const Measured& m : grid.points) {
    ordered_json point{{"margin", m.margin}, {"offset", m.offset}};
    for (const Way way : {fused, log_softmax_nll, unfused})
      point[name_of_way[way]] = {{"loss", json_of(m.loss[way])}, {"gradient", json_of(m.gradient[way])}};
    points.push_back(std::move(point));
  }
  return ordered_json{{"loss", "softmax_ce"},
                      {"dtype", grid.dtype},
                      {"rows", compared_rows},
                      {"classes", compared_classes},
                      {"points", std::move(points)}}
             .dump(2) +
         "\n";
}

}  // namespace

int compare(const CompareOptions& o) {
  if (o.loss != "softmax_ce")
    throw InputError("compare: there is nothing to compare " + o.loss + " with; there is for softmax_ce");
  const Grid grid = o.dtype == "f32" ? measure_all<float>(o.dtype) : measure_all<double>(o.dtype);
  const Document document = document_of(grid);
  Outputs files;
  if (!o.json.empty()) files.add("--json", o.json, json_of(grid));
  if (!o.html.empty())
    files.add("--html", o.html, page("softmax_ce: digits kept, digits lost", document_html(document)));
  files.commit();
  show(document, {o.json, o.html});
  return good;
}

}  // namespace wengert::tool
