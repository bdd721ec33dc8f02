#include "tools/gradcheck/explain.hpp"

#include <algorithm>
#include <cmath>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/numbers.hpp"

namespace wengert::tool {
namespace {

std::string at(const std::string& name, std::size_t k) { return name + "." + std::to_string(k); }
/// A number that follows the scores on the page.
std::string live(const std::string& name, double x) { return "\\v{" + name + "}{" + number(x) + "}"; }
std::string live(const std::string& name, std::size_t k, double x) { return live(at(name, k), x); }
/// As a factor or what is taken away: (-0.5).
std::string factor(double x) { return x < 0 ? "(" + brief(x) + ")" : brief(x); }

Tone tone_of(double gradient) { return gradient < 0 ? Tone::up : gradient > 0 ? Tone::down : Tone::plain; }
std::string effect(double gradient) {
  return gradient < 0 ? "pulls the score up" : gradient > 0 ? "pushes the score down" : "leaves the score";
}

/// Until the page is asked again, the engine has not seen scores that were moved.
Picture stale() {
  return {element("p", {{"class", "stale"}},
                  "The scores were moved. Tape and differences below are still of the scores as given.")};
}

void say_loss(const Row& r, Document& d) {
  d.push_back(Heading{"The loss"});
  if (r.answer == Answer::label) {
    d.push_back(Formulas{{"", "l = -log softmax(s)_t = lse(s) - s_t"}, {"", "lse(s) = log \\sum_j e^{s_j}"}});
    d.push_back(Paragraph{"The label t is class " + std::to_string(r.label) +
                          ": its weight is 1, that of the others 0, $w_k = [k = t]$."});
    return;
  }
  d.push_back(Formulas{{"", "l = \\sum_k w_k (lse(s) - s_k) = W lse(s) - \\sum_k w_k s_k"},
                       {"", "lse(s) = log \\sum_j e^{s_j}"},
                       {"", "W = \\sum_k w_k = " + brief(r.weight)}});
  const std::string m = std::to_string(r.positives), are = r.positives == 1 ? " is" : " are";
  if (r.positives == 0)
    d.push_back(Paragraph{"All targets are 0. Nothing is positive, so loss and gradient are 0."});
  else if (r.answer == Answer::shared)
    d.push_back(Paragraph{"With `--multilabel`, the M = " + m + " targets that" + are + " not 0 count $w_k = 1/M$ = " +
                          number(1 / static_cast<double>(r.positives)) + " each, whatever their values."});
  else
    d.push_back(Paragraph{"The targets are the weights, any real numbers: $w_k = t_k$; M = " + m + are +
                          " not 0. With `--multilabel` they would count 1/M each."});
}

void say_steps(const Row& r, Document& d) {
  d.push_back(Heading{"Step by step"});
  d.push_back(Formulas{{"", "m = max(s) = " + live("m", r.most), {"is taken off first, so that no power overflows"}},
                       {"",
                        "p_k = softmax(s)_k = \\frac{e^{s_k - m}}{1 + T}",
                        {"T: the sum of the powers but for that of one largest score"}},
                       {"", "T = " + live("T", r.tail)}});
  DataTable table{"From the scores to the gradient",
                  {{"class", Table::Align::left},
                   {"$s$"},
                   {"$s - m$"},
                   {"$e^{s - m}$"},
                   {"$p$"},
                   {"$t$"},
                   {"$w$"},
                   {"pull $-w$"},
                   {"push $W p$"},
                   {"gradient"}},
                  {}};
  for (std::size_t k = 0; k < r.scores.size(); ++k)
    table.rows.push_back({{std::to_string(k) + (r.positive(k) ? " positive" : "")},
                          {shortest(r.scores[k]), at("s", k)},
                          {number(r.shifted[k]), at("d", k)},
                          {number(r.powers[k]), at("e", k)},
                          {number(r.softmax[k]), at("p", k)},
                          {shortest(r.targets[k])},
                          {number(r.weights[k])},
                          {number(r.pulls[k]), {}, tone_of(r.pulls[k])},
                          {number(r.pushes[k]), at("push", k), tone_of(r.pushes[k])},
                          {number(r.gradient[k]), at("g", k), tone_of(r.gradient[k])}});
  d.push_back(std::move(table));
  const bool label = r.answer == Answer::label;
  d.push_back(Formulas{{"", label ? "l = (m - s_t) + log(1 + T)" : "l = \\sum_k w_k (m - s_k) + W log(1 + T)"},
                       {"",
                        "l = " + live("gap", r.gap) + " + " + (label ? "" : factor(r.weight) + " * ") + "log(1 + " +
                            live("T", r.tail) + ") = " + live("loss", r.loss),
                        {"in nats"}}});
}

/// dl/ds_k, in the formula of its kind of class.
FormulaLine gradient_line(const Row& r, std::size_t k) {
  const std::string class_k = std::to_string(k), p = live("p", k, r.softmax[k]);
  const bool label = r.answer == Answer::label, positive = r.positive(k);
  std::string formula = "\\frac{dl}{ds_{" + class_k + "}} = ";
  const auto push = [&](const std::string& of) { return label ? of : "W " + of; };
  formula += push("p_{" + class_k + "}") + (positive ? label ? " - 1" : " - w_{" + class_k + "}" : "");
  if (!label || positive)
    formula += " = " + (label ? "" : factor(r.weight) + " * ") + p + (positive ? " - " + factor(r.weights[k]) : "");
  formula += " = " + live("g", k, r.gradient[k]);
  return {"class " + class_k, formula, {effect(r.gradient[k]), at("effect", k), tone_of(r.gradient[k])}};
}

void say_gradient(const Row& r, Document& d) {
  d.push_back(Heading{"The gradient"});
  d.push_back(Formulas{{"", "\\frac{d}{ds_k} lse(s) = p_k"}, {"", "\\frac{dl}{ds_k} = W p_k - w_k"}});
  d.push_back(
      Paragraph{"A step of training goes against it: below 0 it pulls the score up, above 0 it pushes it down."});
  Formulas positive, negative;
  for (std::size_t k = 0; k < r.scores.size(); ++k)
    (r.positive(k) ? positive : negative).push_back(gradient_line(r, k));
  if (!positive.empty()) {
    d.push_back(Paragraph{
        r.answer == Answer::label
            ? "The positive class, k = t: $p_t - 1$, never above 0. It is pulled by its weight 1 and pushed by "
              "$p_t$ like all others."
            : "Positive classes, $w_k$ not 0: $W p_k - w_k$. Each is pulled by its own weight, and pushed "
              "by $W p_k$ like all others."});
    d.push_back(std::move(positive));
    if (r.answer == Answer::label)
      d.push_back(
          Paragraph{"As $p_t$ comes close to 1, that difference would lose its digits. Where $s_t$ is the largest "
                    "score it is computed as $-T/(1 + T)$: minus the sum of all other p."});
  }
  if (!negative.empty()) {
    d.push_back(
        Paragraph{std::string("Negative classes, ") +
                  (r.answer == Answer::label ? "k other than t: $p_k$, never below 0." : "$w_k = 0$: $W p_k$.") +
                  " The loss term of such a class is zero, its gradient is not: $s_k$ stands in the "
                  "denominator of the softmax of every positive class."});
    d.push_back(std::move(negative));
  }
}

/// Every positive class brings a term of its own.
void say_long_form(const Row& r, Document& d) {
  if (r.positives < 2) return;
  d.push_back(Heading{"The long form"});
  d.push_back(
      Paragraph{"Each positive class j has its own term $w_j (lse(s) - s_j)$. Its derivative with respect to $s_k$ is "
                "$w_j (p_k - 1)$ if j "
                "is k itself, $w_j p_k$ otherwise. Added up:"});
  if (r.answer == Answer::shared)
    d.push_back(
        Formulas{{"", "\\frac{dl}{ds_k} = \\frac{1}{M} (p_k - 1) + \\frac{M - 1}{M} p_k = p_k - \\frac{1}{M}"}});
  else
    d.push_back(Formulas{{"", "\\frac{dl}{ds_k} = w_k (p_k - 1) + (W - w_k) p_k = W p_k - w_k"}});
  Formulas lines;
  for (std::size_t k = 0; k < r.scores.size(); ++k) {
    if (!r.positive(k)) continue;
    const std::string p = live("p", k, r.softmax[k]), g = live("g", k, r.gradient[k]);
    const double w = r.weights[k], rest = r.weight - w;
    if (r.answer == Answer::shared) {
      const std::string m = std::to_string(r.positives), but_one = std::to_string(r.positives - 1);
      lines.push_back({"class " + std::to_string(k), "\\frac{1}{" + m + "} (" + p + " - 1) + \\frac{" + but_one + "}{" +
                                                         m + "} * " + p + " = " + p + " - \\frac{1}{" + m +
                                                         "} = " + g});
    } else {
      lines.push_back({"class " + std::to_string(k), brief(w) + " * (" + p + " - 1) + " + factor(rest) + " * " + p +
                                                         " = " + factor(r.weight) + " * " + p + " - " + factor(w) +
                                                         " = " + g});
    }
  }
  d.push_back(std::move(lines));
}

void say_engine(const Row& r, Document& d) {
  d.push_back(Heading{"Beside it: the tape, and differences of the loss"});
  d.push_back(stale());
  DataTable table{"The gradient three times, and the tape's in other circumstances",
                  {{"class", Table::Align::left},
                   {"formula"},
                   {"tape"},
                   {"difference"},
                   {"at $s + 1000$"},
                   {"upstream 3"},
                   {"N = 4"}},
                  {}};
  const auto row = [&](const std::string& name, auto text) {
    table.rows.push_back({{name},
                          {text(r.gradient)},
                          {text(r.engine.gradient)},
                          {text(r.differences)},
                          {text(r.moved)},
                          {text(r.threefold)},
                          {text(r.quarter)}});
  };
  for (std::size_t k = 0; k < r.scores.size(); ++k)
    row(std::to_string(k), [k](const std::vector<double>& g) { return number(g[k]); });
  row("sum", [&](const std::vector<double>& g) {
    double sum = 0, size = 0;
    for (const double v : g) sum += v, size += std::abs(v);
    const double rounding = &g == &r.differences ? r.bound : &g == &r.moved ? 1e-9 * size : 1e-14 * size;
    return std::abs(sum) <= rounding * static_cast<double>(g.size()) ? "0" : number(sum);
  });
  d.push_back(std::move(table));
  d.push_back(Paragraph{"The tape's loss: " + number(r.engine.loss) + "."});
  DataTable checks{"Checks", {{"", Table::Align::left}, {"", Table::Align::left}}, {}};
  for (const Check& c : r.checks)
    checks.rows.push_back({{c.verdict, {}, c.verdict == "holds" ? Tone::good : Tone::bad}, {c.what}});
  d.push_back(std::move(checks));
}

void say_real_numbers(const Row& r, Document& d) {
  if (r.answer != Answer::targets || r.positives == 0) return;
  const Divided by_m = divided_by_positives(r);
  d.push_back(Heading{"Real-number labels"});
  d.push_back(stale());
  d.push_back(
      Paragraph{"Often they are divided by how many are not 0: $w_k = t_k/M$, given as targets. The formulas are the "
                "same: what is "
                "not 0 pulls with its own weight, all are pushed by $W p_k$, here with W = " +
                brief(by_m.row.weight) + "."});
  d.push_back(
      Paragraph{"A layer that is widely read keeps the label's value in the forward pass and forgets it in the "
                "backward, $p_k - 1/M$ on every "
                "positive class: right only if all labels are 1."});
  DataTable table{"Divided by M",
                  {{"class", Table::Align::left},
                   {"$t$"},
                   {"$w = t/M$"},
                   {"$W p - w$"},
                   {"tape"},
                   {"difference"},
                   {"value forgotten"},
                   {"off by"}},
                  {}};
  for (std::size_t k = 0; k < r.scores.size(); ++k) {
    const double off = by_m.forgetful[k] - by_m.row.gradient[k];
    const bool same = std::abs(off) <= 1e-14;
    table.rows.push_back({{std::to_string(k)},
                          {shortest(r.targets[k])},
                          {number(by_m.row.weights[k])},
                          {number(by_m.row.gradient[k]), at("divided", k)},
                          {number(by_m.row.engine.gradient[k])},
                          {number(by_m.row.differences[k])},
                          {number(by_m.forgetful[k]), at("forgetful", k)},
                          {same ? "0" : number(off), at("off", k), same ? Tone::plain : Tone::bad}});
  }
  d.push_back(std::move(table));
}

}  // namespace

Document explanation(const Row& row) {
  Document d;
  say_loss(row, d);
  say_steps(row, d);
  say_gradient(row, d);
  say_long_form(row, d);
  say_real_numbers(row, d);
  say_engine(row, d);
  return d;
}

std::string command_for(const Row& row) {
  const auto list = [](const std::vector<double>& numbers) {
    std::string text;
    for (const double x : numbers) text += (text.empty() ? "" : ",") + shortest(x);
    return text;
  };
  return "gradcheck explain softmax_ce --scores " + list(row.scores) +
         (row.answer == Answer::label ? " --label " + std::to_string(row.label) : " --targets " + list(row.targets)) +
         (row.answer == Answer::shared ? " --multilabel" : "");
}

int explain(const ExplainOptions& o) {
  if (o.loss != "softmax_ce")
    throw InputError("explain: there is no explanation of " + o.loss + "; there is one of softmax_ce");
  if (!o.label.empty() && !o.targets.empty()) {  // one after the other; the page is that of the targets
    ExplainOptions label = o, targets = o;
    label.targets = label.html = targets.label = "";
    label.multilabel = false;
    const int of_label = explain(label), of_targets = explain(targets);
    return of_label == wrong || of_targets == wrong ? int(wrong) : std::max(of_label, of_targets);
  }
  const Row row = work_out({o.scores, o.label, o.targets, o.multilabel});
  if (!o.html.empty()) write_file("--html", o.html, explanation_page(row));
  show(explanation(row), {o.html});
  Status status = good;
  for (const Check& c : row.checks) {
    if (c.verdict == fails) return wrong;
    if (c.verdict == cannot_tell) status = undecided;
  }
  return status;
}

}  // namespace wengert::tool
