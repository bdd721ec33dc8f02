// The page of explain: bars of the scores that can be dragged, and the explanation that follows them.
#include <algorithm>
#include <cmath>

#include "tools/gradcheck/assets.hpp"
#include "tools/gradcheck/explain.hpp"
#include "tools/gradcheck/math.hpp"
#include "tools/gradcheck/numbers.hpp"
#include "tools/gradcheck/page.hpp"

namespace wengert::tool {
namespace {

/// What a bar can show: from low to high, in steps that a score is dragged by.
struct Scale {
  double low, high, step;

  std::string percent(double x) const {
    return attribute_number(100 * (std::clamp(x, low, high) - low) / (high - low)) + "%";
  }
  std::string length(double from, double to) const {
    return attribute_number(100 * (std::clamp(to, low, high) - std::clamp(from, low, high)) / (high - low)) + "%";
  }
  double zero() const { return std::clamp(0., low, high); }
};

/// Room beyond the scores, in steps of 1, 2 or 5 times a power of ten.
Scale scale_of(const std::vector<double>& scores) {
  const auto [least, most] = std::minmax_element(scores.begin(), scores.end());
  const double room = std::max(3., *most - *least);
  const double rough = (*most - *least + 2 * room) / 200, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
  return {std::floor((*least - room) / step) * step, std::ceil((*most + room) / step) * step, step};
}

Html rect(const Scale& scale, double x, const std::string& kind) {
  const double from = std::min(x, scale.zero()), to = std::max(x, scale.zero());
  return element("rect", {{"class", kind},
                          {"x", scale.percent(from)},
                          {"width", scale.length(from, to)},
                          {"y", "15%"},
                          {"height", "70%"}});
}
Html line_at_zero(const Scale& scale) {
  const std::string x = scale.percent(0);
  return element("line", {{"class", "zero"}, {"x1", x}, {"x2", x}, {"y1", "0"}, {"y2", "100%"}});
}

/// A caption with its number, and the bar below.
Html cell(const std::string& kind, const Html& caption, const Html& figure, const Html& svg) {
  return element("div", {{"class", "cell " + kind}},
                 element("div", {{"class", "what"}}, caption + Html(" ") + figure) + svg);
}

Html bar(const Scale& scale, double x, const std::string& kind) {
  return element("svg", {{"class", "bar"}, {"aria-hidden", "true"}}, rect(scale, x, kind) + line_at_zero(scale));
}

Html bars_of(const Row& r, std::size_t k, const Scale& of_scores, const Scale& of_gradient) {
  const std::string at = "." + std::to_string(k), name = "class " + std::to_string(k);
  const double s = r.scores[k], g = r.gradient[k];
  const std::string x = of_scores.percent(s);
  const Html slider =
      element("svg",
              {{"class", "bar slider"},
               {"role", "slider"},
               {"tabindex", "0"},
               {"aria-label", "score of " + name},
               {"aria-valuemin", attribute_number(of_scores.low)},
               {"aria-valuemax", attribute_number(of_scores.high)},
               {"aria-valuenow", shortest(s)}},
              element("rect", {{"class", "track"}, {"x", "0"}, {"width", "100%"}, {"y", "44%"}, {"height", "12%"}}) +
                  rect(of_scores, s, "score") + line_at_zero(of_scores) +
                  element("circle", {{"class", "handle"}, {"cx", x}, {"cy", "50%"}, {"r", "10"}}));
  const Html input = element(
      "input",
      {{"type", "number"}, {"step", "any"}, {"value", shortest(s)}, {"aria-label", "score of " + name + ", to type"}});
  const auto figure = [&](const std::string& of, double value) {
    return element("b", {{"data-v", of + at}}, with_minus(number(value)));
  };
  const std::string kind = g < 0 ? "up" : "down";
  return element("div", {{"class", "class"}, {"data-k", std::to_string(k)}},
                 element("div", {{"class", "name"}},
                         Html(name) + (r.positive(k) ? element("span", {{"class", "tag"}}, "positive") : Html())) +
                     cell("s", mathml("s"), input, slider) +
                     cell("p", mathml("p"), figure("p", r.softmax[k]), bar({0, 1, 0}, r.softmax[k], "p")) +
                     cell("g", Html("gradient"), figure("g", g), bar(of_gradient, g, kind)));
}

Html list(const std::vector<double>& numbers) {
  std::string text;
  for (const double x : numbers) text += (text.empty() ? "" : ",") + shortest(x);
  return text;
}

/// Patterns, so that up and down differ without colour, too.
Html patterns() {
  return element("svg", {{"class", "patterns"}, {"width", "0"}, {"height", "0"}, {"aria-hidden", "true"}},
                 element("defs", element("pattern",
                                         {{"id", "hatched"},
                                          {"width", "6"},
                                          {"height", "6"},
                                          {"patternUnits", "userSpaceOnUse"},
                                          {"patternTransform", "rotate(45)"}},
                                         element("rect", {{"class", "hatch"}, {"width", "3"}, {"height", "6"}}))));
}

}  // namespace

std::string explanation_page(const Row& r) {
  const Scale of_scores = scale_of(r.scores);
  double most = std::abs(r.weight);
  for (const double w : r.weights) most = std::max({most, std::abs(w), std::abs(r.weight - w)});
  const Scale of_gradient{-std::max(most, 1e-300), std::max(most, 1e-300), 0};
  Html classes;
  for (std::size_t k = 0; k < r.scores.size(); ++k) classes += bars_of(r, k, of_scores, of_gradient);
  const auto text = [](const std::vector<double>& x) { return list(x).str(); };
  Html body = patterns();
  body += element("p", {{"class", "lead"}},
                  Html("Drag a score, or type it: softmax, loss and gradient follow. Solid bars to the left pull a "
                       "score up, hatched ones to "
                       "the right push it down."));
  body += element("div",
                  {{"id", "bars"},
                   {"data-scores", text(r.scores)},
                   {"data-weights", text(r.weights)},
                   {"data-low", shortest(of_scores.low)},
                   {"data-high", shortest(of_scores.high)},
                   {"data-step", shortest(of_scores.step)},
                   {"data-most", shortest(most)},
                   {"data-positives", std::to_string(r.positives)}},
                  classes);
  body += element("p", {{"class", "result"}},
                  Html("loss ") + element("b", {{"data-v", "loss"}}, with_minus(number(r.loss))) + Html(" nats ") +
                      element("button", {{"id", "reset"}, {"type", "button"}, {"hidden", ""}}, "as given"));
  body +=
      element("p", {{"class", "command"}},
              Html("To have the engine work these out: ") + element("code", {{"data-v", "command"}}, command_for(r)));
  body += element("noscript", element("p", "Without JavaScript the numbers are those of the scores as given."));
  return page("Softmax and cross entropy, a row worked out", body + document_html(explanation(r)), assets::explain_js);
}

}  // namespace wengert::tool
