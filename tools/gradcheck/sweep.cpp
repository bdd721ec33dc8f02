// sweep: the V curve of an op.
#include <cmath>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/curve.hpp"
#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/document.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/numbers.hpp"
#include "tools/gradcheck/page.hpp"

namespace wengert::tool {
namespace {

Document document_of(const ErrorCurve& c) {
  Document d;
  d.push_back(Paragraph{"`" + c.call + "`, entry `" + c.entry +
                        "`: the one that comes closest to its bound when it is checked."});
  d.push_back(Paragraph{
      "L is the sum of the outputs with random weights. Shown is the error of its central difference $(L(x + h) - L(x "
      "- h)) / 2 h$, "
      "o, and of the forward difference $(L(x + h) - L(x)) / h$, a dot, against the step. A wide step misses the "
      "curvature: the error falls "
      "with the square of h, that of the forward difference with h. A narrow one leaves rounding: it grows with 1/h."});
  d.push_back(Picture{chart_html(chart_of(c))});
  d.push_back(Preformatted{plot_of(c)});
  DataTable table{"The derivative", {{"", Table::Align::left}, {""}, {"", Table::Align::left}}, {}};
  if (c.oracle)
    table.rows.push_back({{"exact"}, {formatted("%.17g", c.derivative)}, {"by dual numbers in long double"}});
  table.rows.push_back({{"extrapolated"},
                        {formatted("%.17g", c.numeric)},
                        {"read off at h = " + formatted("%.3g", c.step) + ", from there and the steps above; good to " +
                         formatted("%.1e", c.bound)}});
  table.rows.push_back(
      {{"tape"}, {formatted("%.17g", c.tape)}, {"off by " + formatted("%.1e", std::abs(c.tape - c.derivative))}});
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
  show(document, {o.html});
  return good;
}

}  // namespace wengert::tool
