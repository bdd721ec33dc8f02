#include "tools/gradcheck/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/plugin.hpp"
#include "tools/gradcheck/terminal.hpp"

namespace wengert::tool {
namespace {

std::string number(const char* format, double x) {
  char text[40];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

std::string styled_verdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::right: return styled(Style::green, "right");
    case Verdict::wrong: return styled(Style::red, "WRONG");
    default: return styled(Style::yellow, to_string(verdict));
  }
}

/// Of the bound, how much is used up.
double closeness(const OpReport& report) {
  const Comparison& worst = worst_sample(report).worst;
  return worst.where.empty() ? 0 : std::abs(worst.analytic - worst.numeric) / worst.bound;
}

void add_row(Table& table, const OpReport& r) {
  const GradcheckReport& sample = worst_sample(r);
  const Comparison& w = sample.worst;
  std::vector<std::string> row{r.op, std::to_string(r.order), to_string(r.dtype), w.where, "", "", "", "", ""};
  if (!w.where.empty()) {
    row[4] = number("%.8g", w.analytic);
    row[5] = number("%.8g", w.numeric);
    row[6] = number("%.1e", w.bound);
    row[7] = number("%.3g", w.ulp);
  }
  row[8] = styled_verdict(r.verdict);
  table.add(std::move(row));
}

/// Every report of `all` that is not right, or, if all of an op are, the one that is closest to its bound.
std::vector<const OpReport*> shown(const CheckResult& result) {
  std::vector<const OpReport*> rows;
  for (auto first = result.reports.begin(); first != result.reports.end();) {
    const auto last = std::find_if(first, result.reports.end(), [&](const OpReport& r) { return r.op != first->op; });
    if (result.named || std::any_of(first, last, [](const OpReport& r) { return badness(r.verdict) > 0; }))
      for (auto r = first; r != last; ++r) rows.push_back(&*r);
    else
      rows.push_back(&*std::max_element(
          first, last, [](const OpReport& a, const OpReport& b) { return closeness(a) < closeness(b); }));
    first = last;
  }
  return rows;
}

std::string plural(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

std::vector<OpCheck> checks_of(const CheckOptions& o) {
  std::vector<OpCheck> all;
  for (const int order : checked_orders)
    for (const Dtype dtype : {Dtype::f64, Dtype::f32})
      if ((o.order == 0 || o.order == order) && (o.dtype.empty() || o.dtype == to_string(dtype)))
        all.push_back({.dtype = dtype, .order = order, .directions = o.directions, .seed = o.seed});
  return all;
}

int badness(Verdict verdict) {
  switch (verdict) {
    case Verdict::right: return 0;
    case Verdict::kink: return 1;
    case Verdict::inconclusive: return 2;
    case Verdict::unstable: return 3;
    case Verdict::wrong: return 4;
  }
  return 4;
}

Status status_of(const CheckResult& result) {
  int worst = 0;
  for (const OpReport& r : result.reports) worst = std::max(worst, badness(r.verdict));
  constexpr Status of[] = {good, undecided, undecided, unstable, wrong};
  return of[worst];
}

std::string what_directions_miss(const CheckResult& result) {
  double visible = 0, missed = 0;
  for (const OpReport& r : result.reports)
    for (const GradcheckReport& sample : r.samples) {
      visible = std::max(visible, sample.visible);
      missed = std::max(missed, sample.missed);
    }
  if (visible == 0) return "";  // nothing was compared along directions: float32 is not
  return "Along " + plural(result.directions, "random direction") + ", an error of the gradient of length " +
         number("%.1e", visible) + " is missed with a probability of at most " + number("%.1e", missed) + ".\n";
}

std::string check_summary(const CheckResult& result) {
  std::string text;
  std::size_t count[5] = {}, ops = 0;
  const std::string* last = nullptr;
  for (const OpReport& r : result.reports) {
    ++count[badness(r.verdict)];
    ops += !last || *last != r.op;
    last = &r.op;
    if (badness(r.verdict) > 0) text += to_string(r) + "\n";
  }
  if (!text.empty()) text += "\n";
  text += what_directions_miss(result);
  text += plural(ops, "op") + ", " + plural(result.reports.size(), "check") + ", seed " + std::to_string(result.seed) +
          ": ";
  if (count[0] == result.reports.size()) return text + styled(Style::green, "all right") + "\n";
  constexpr const char* names[] = {"right", "at a kink", "inconclusive", "unstable", "WRONG"};
  std::string counts;
  for (int i = 4; i >= 0; --i)
    if (count[i]) counts += (counts.empty() ? "" : ", ") + std::to_string(count[i]) + " " + names[i];
  return text + styled(count[4] ? Style::red : Style::yellow, counts) + "\n";
}

std::string check_text(const CheckResult& result) {
  using enum Table::Align;
  Table table({"op", "order", "dtype", "entry", "analytic", "numeric", "bound", "ulp", "verdict"},
              {left, right, left, left, right, right, right, right, left});
  for (const OpReport* r : shown(result)) add_row(table, *r);
  return table.str() + "\n" + check_summary(result);
}

std::vector<const OpReport*> in_double(const std::vector<OpReport>& reports) {
  std::vector<const OpReport*> all;
  for (const OpReport& r : reports)
    if (r.dtype == Dtype::f64 && (all.empty() || all.back()->op != r.op)) all.push_back(&r);
  return all;
}

int check(const CheckOptions& options) {
  const std::vector<OpCheck> checks = checks_of(options);
  CheckResult result{.seed = options.seed, .directions = options.directions, .named = !options.names.empty()};
  if (!options.plugin.empty()) {
    result.named = true;
    result.reports = check_plugin(options, checks);
    if (!options.html.empty()) result.curves = curves_of_plugin(options, result.reports);
  } else {
    const std::vector<Declared> all = all_declared();
    std::vector<const Declared*> chosen;
    for (const std::string& name : options.names) {
      const Declared* const d = &find_declared(all, name);
      if (std::find(chosen.begin(), chosen.end(), d) == chosen.end()) chosen.push_back(d);
    }
    if (chosen.empty())
      for (const Declared& d : all) chosen.push_back(&d);
    Progress progress(chosen.size() * checks.size());
    for (const Declared* d : chosen)
      for (const OpCheck& c : checks) {
        progress.step(d->op->name + std::string(", order ") + std::to_string(c.order) + ", " + to_string(c.dtype));
        result.reports.push_back(check_op(*d, c));
      }
    if (!options.html.empty())
      for (const OpReport* r : in_double(result.reports))
        result.curves[r->op] = error_curve(find_declared(all, r->op), *r);
  }
  Outputs files;
  if (!options.json.empty()) files.add("--json " + options.json, options.json, check_json(result));
  if (!options.junit.empty()) files.add("--junit " + options.junit, options.junit, check_junit(result));
  if (!options.html.empty()) files.add("--html " + options.html, options.html, check_page(result));
  files.commit();
  if (options.json != "-" && options.junit != "-" && options.html != "-")
    print(quiet() ? check_summary(result) : check_text(result));
  return status_of(result);
}

}  // namespace wengert::tool
