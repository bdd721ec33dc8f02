// sweep: the V curve of an op.
#include <cmath>
#include <cstdio>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/curve.hpp"
#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/document.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/page.hpp"

namespace wengert::tool {
namespace {

std::string digits(double x, const char* format = "%.12g") {
  char text[40];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

Document document_of(const ErrorCurve& c) {
  Document d;
  d.push_back(Paragraph{"`" + c.call + "`, entry `" + c.entry +
                        "`: the one that comes closest to its bound when it is checked."});
  d.push_back(
      Paragraph{"L is the sum of the outputs with random weights. The error of its central difference $(L(x + h) - L(x "
                "- h)) / 2 h$ against the "
                "step: a wide step misses the curvature, and the error falls with the square of h; a narrow one leaves "
                "rounding, and it grows with 1/h."});
  d.push_back(Picture{chart_html(chart_of(c))});
  d.push_back(Preformatted{plot_of(c)});
  DataTable table{"The derivative", {{"", Table::Align::left}, {""}, {"", Table::Align::left}}, {}};
  if (c.oracle) table.rows.push_back({{"exact"}, {digits(c.derivative, "%.17g")}, {"by dual numbers in long double"}});
  table.rows.push_back({{"extrapolated"},
                        {digits(c.numeric, "%.17g")},
                        {"read off at h = " + digits(c.step, "%.3g") + ", from there and the steps above; good to " +
                         digits(c.bound, "%.1e")}});
  table.rows.push_back(
      {{"tape"}, {digits(c.tape, "%.17g")}, {"off by " + digits(std::abs(c.tape - c.derivative), "%.1e")}});
  d.push_back(std::move(table));
  return d;
}

}  // namespace

int sweep(const SweepOptions& o) {
  const std::vector<Declared> all = all_declared();
  const Declared& declared = find_declared(all, o.name);
  const OpReport report = check_op(declared);
  const ErrorCurve curve = error_curve(declared, report);
  if (curve.steps.empty()) throw InputError("sweep: " + o.name + " has no entry with a derivative to sweep");
  const Document document = document_of(curve);
  if (!o.html.empty())
    write_file("--html " + o.html, o.html, page(o.name + ": error against step", document_html(document)));
  if (o.html != "-") print(document_text(document, std::min<std::size_t>(terminal_width(), 100)));
  return good;
}

}  // namespace wengert::tool
