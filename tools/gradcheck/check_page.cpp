// The page of check: a table of verdicts, and for each op its errors entry by entry and its V curve.
#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "tools/gradcheck/check.hpp"
#include "tools/gradcheck/curve.hpp"
#include "tools/gradcheck/math.hpp"
#include "tools/gradcheck/numbers.hpp"
#include "tools/gradcheck/page.hpp"

namespace wengert::tool {
namespace {

using Reports = std::vector<const OpReport*>;  // of one op

double error_of(const Comparison& c) { return std::abs(c.analytic - c.numeric); }

std::string word(Verdict v) { return v == Verdict::wrong ? "WRONG" : to_string(v); }
std::string class_of(Verdict v) { return v == Verdict::right ? "good" : v == Verdict::wrong ? "bad" : "down"; }

/// The first that is the worst: the one to show.
const OpReport& worst_of(const Reports& reports) {
  return **std::max_element(reports.begin(), reports.end(), [](const OpReport* a, const OpReport* b) {
    return badness(a->verdict) < badness(b->verdict);
  });
}

// --- the table -------------------------------------------------------------------------------------------------------

/// Which checks there are, as columns.
std::vector<std::pair<int, Dtype>> kinds_of(const CheckResult& result) {
  std::vector<std::pair<int, Dtype>> kinds;
  for (const OpReport& r : result.reports)
    if (std::find(kinds.begin(), kinds.end(), std::pair(r.order, r.dtype)) == kinds.end())
      kinds.push_back({r.order, r.dtype});
  return kinds;
}

Html row_of(const Reports& reports, const std::vector<std::pair<int, Dtype>>& kinds) {
  const OpReport& shown = worst_of(reports);
  const Comparison& w = worst_sample(shown).worst;
  Html row =
      element("th", {{"scope", "row"}, {"class", "left"}}, element("a", {{"href", "#op-" + shown.op}}, shown.op));
  for (const auto& [order, dtype] : kinds) {
    const auto r = std::find_if(reports.begin(), reports.end(),
                                [&](const OpReport* r) { return r->order == order && r->dtype == dtype; });
    row += r == reports.end() ? element("td", {{"class", "left"}}, "-")
                              : element("td", {{"class", "left " + class_of((*r)->verdict)}}, word((*r)->verdict));
  }
  row += element("td", {{"class", "left"}}, w.where);
  for (const std::string& text : w.where.empty()
                                     ? std::vector<std::string>(4)
                                     : std::vector{formatted("%.8g", w.analytic), formatted("%.8g", w.numeric),
                                                   formatted("%.1e", w.bound), formatted("%.2g", w.ulp)})
    row += element("td", with_minus(text));
  return element("tr", row);
}

Html table_of(const std::vector<Reports>& ops, const CheckResult& result) {
  const auto kinds = kinds_of(result);
  Html head = element("th", {{"class", "left"}}, "op");
  for (const auto& [order, dtype] : kinds)
    head += element("th", {{"class", "left"}},
                    to_string(dtype) + std::string(order == 1 ? "" : ", order " + std::to_string(order)));
  head += element("th", {{"class", "left"}}, "worst entry");
  for (const char* const name : {"analytic", "numeric", "bound", "ulp"}) head += element("th", name);
  Html body;
  for (const Reports& reports : ops) body += row_of(reports, kinds) + Html("\n");
  const Html table =
      element("table", {{"id", "verdicts"}}, element("thead", element("tr", head)) + element("tbody", body));
  return element(
      "figure",
      element("figcaption", "Verdicts, and the worst entry of the first of these checks, or of one that is not right") +
          element("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "Verdicts"}},
                  table));
}

// --- an op -----------------------------------------------------------------------------------------------------------

/// "w[3,1]" is in the row "3" at "1"; the last axis runs along a row.
std::pair<std::string, std::string> place_of(const std::string& where) {
  const std::size_t open = where.find('['), comma = where.rfind(',');
  if (open == std::string::npos) return {"", ""};
  const std::size_t close = where.size() - 1;
  if (comma == std::string::npos || comma < open) return {"", where.substr(open + 1, close - open - 1)};
  return {where.substr(open + 1, comma - open - 1), where.substr(comma + 1, close - comma - 1)};
}

/// From a ten-thousandth of the bound to the bound.
HeatCell cell_of(const Comparison& c) {
  const double off = error_of(c), part = off / c.bound;
  const bool bad = c.verdict != Verdict::right;
  HeatCell cell{bad && c.verdict != Verdict::wrong ? to_string(c.verdict) : rounded(off)};
  cell.heat = !(part < 1) ? 1 : part > 0 ? std::max(0., 1 + std::log10(part) / 4) : 0;
  cell.bad = bad;
  cell.title = c.where + ": analytic " + formatted("%.10g", c.analytic) + ", numeric " + formatted("%.10g", c.numeric) +
               ", off by " + formatted("%.1e", off) + ", bound " + formatted("%.1e", c.bound);
  return cell;
}

constexpr std::size_t most_cells = 1000;  // of an input

Html heat_maps(const GradcheckReport& sample) {
  std::map<std::string, std::vector<const Comparison*>> inputs;  // directions have no input
  for (const Comparison& c : sample.comparisons) inputs[c.input].push_back(&c);
  Html all;
  for (const auto& [input, entries] : inputs) {
    HeatMap map{
        .caption = input.empty() ? "Error along each direction" : "Error of the gradient with respect to " + input,
        .rows_label = "",
        .columns_label = "",
        .rows = {},
        .columns = {},
        .cells = {}};
    if (entries.size() > most_cells)
      map.caption += ", the first " + std::to_string(most_cells) + " entries of " + std::to_string(entries.size());
    for (std::size_t i = 0; i < std::min(entries.size(), most_cells); ++i) {
      auto [row, column] = place_of(entries[i]->where);
      if (input.empty()) column = std::to_string(i);
      if (map.rows.empty() || map.rows.back() != row) {
        map.rows.push_back(row);
        map.cells.emplace_back();
      }
      if (map.rows.size() == 1) map.columns.push_back(column);
      map.cells.back().push_back(cell_of(*entries[i]));
    }
    all += heat_map_html(map);
  }
  return all;
}

/// The first line says what is wrong, another what it looks like.
Html lines_of(const std::string& text, const std::string& kind) {
  Html all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) all += element("p", {{"class", kind}}, line);
  return all;
}

Html section_of(const Reports& reports, const ErrorCurve& curve, bool open) {
  const OpReport& shown = worst_of(reports);
  const GradcheckReport& sample = worst_sample(shown);
  Html body = element("p", {{"id", "op-" + shown.op}},
                      Html("Order " + std::to_string(shown.order) + ", " + to_string(shown.dtype) + ", seed " +
                           std::to_string(sample.seed) + ": ") +
                          element("code", sample.op));
  for (const OpReport* r : reports)
    if (r->verdict != Verdict::right) body += lines_of(to_string(*r), class_of(r->verdict));
  body += heat_maps(sample);
  if (!curve.steps.empty()) body += chart_html(chart_of(curve));
  const Html summary =
      element("summary", element("b", shown.op) + Html(" ") +
                             element("span", {{"class", class_of(shown.verdict)}}, word(shown.verdict)));
  return open ? element("details", {{"open", ""}}, summary + body) : element("details", summary + body);
}

}  // namespace

std::string check_page(const CheckResult& result) {
  std::vector<Reports> ops;
  std::size_t right = 0;
  for (const OpReport& r : result.reports) {
    if (ops.empty() || ops.back().front()->op != r.op) ops.emplace_back();
    ops.back().push_back(&r);
    right += r.verdict == Verdict::right;
  }
  const bool all_right = right == result.reports.size();
  Html body =
      element("p", Html(std::to_string(ops.size()) + (ops.size() == 1 ? " op, " : " ops, ") +
                        std::to_string(result.reports.size()) + " checks, seed " + std::to_string(result.seed) + ": ") +
                       (all_right ? element("span", {{"class", "good"}}, "all right")
                                  : element("span", {{"class", "bad"}},
                                            std::to_string(result.reports.size() - right) + " not right")));
  if (const std::string missed = what_directions_miss(result); !missed.empty()) body += element("p", missed);
  body += table_of(ops, result);
  body += element("h2", "Entry by entry");
  body += element("p",
                  "A cell is the distance between the analytic and the numeric derivative. The fuller its colour, the "
                  "closer it comes to its bound, from a "
                  "ten-thousandth of it on; what is framed is not right. Below, the error of central differences "
                  "against their step.");
  for (const Reports& reports : ops) {
    const auto curve = result.curves.find(reports.front()->op);
    const bool open = ops.size() <= 3 || worst_of(reports).verdict != Verdict::right;
    body += section_of(reports, curve == result.curves.end() ? ErrorCurve{} : curve->second, open) + Html("\n");
  }
  return page(all_right ? "Gradients checked: all right" : "Gradients checked: not all right", body);
}

}  // namespace wengert::tool
