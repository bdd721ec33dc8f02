#include "autodiff/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace wengert {
namespace {

std::string number(double x) {
  std::ostringstream text;
  text.precision(6);
  text << x;
  return text.str();
}

bool is_whole(double x) { return std::abs(x - std::round(x)) <= 1e-6 * std::abs(x); }

/// One input's gradient: analytic a, numeric n.
struct Suspect {
  const Array<double>&a, &n, &bound;
  double scale = 0;

  Suspect(const Evidence& e, std::size_t k) : a(e.analytic[k]), n(e.numeric[k]), bound(e.bound[k]) {
    for (const double v : n.storage()) scale = std::max(scale, std::abs(v));
  }
  std::size_t size() const { return a.storage().size(); }
  double slack(std::size_t i) const { return 10 * bound.storage()[i] + 1e-7 * scale; }
  bool is(std::size_t i, double value) const { return std::abs(a.storage()[i] - value) <= slack(i); }

  bool is_right() const {
    for (std::size_t i = 0; i < size(); ++i)
      if (!(std::abs(a.storage()[i] - n.storage()[i]) <= bound.storage()[i])) return false;
    return true;
  }

  /// The c for which a = c n; NaN if there is none.
  double factor() const {
    double an = 0, nn = 0;
    for (std::size_t i = 0; i < size(); ++i)
      an += a.storage()[i] * n.storage()[i], nn += n.storage()[i] * n.storage()[i];
    const double c = an / nn;
    for (std::size_t i = 0; i < size(); ++i)
      if (!(std::abs(a.storage()[i] - c * n.storage()[i]) <= (1 + std::abs(c)) * slack(i))) return std::nan("");
    return c;
  }
};

std::string of_factor(const std::string& derivatives, double c) {
  if (std::abs(c + 1) <= 1e-6) return derivatives + " have the wrong sign";
  const std::string sign = c < 0 ? " and have the wrong sign" : "";
  const double size = std::abs(c);
  if (size > 1) {
    const std::string n = is_whole(size) ? number(std::round(size)) : number(size);
    return derivatives + " are " + n + " times too large" + sign +
           (is_whole(size) ? ": a missing 1/N? N = " + n : std::string());
  }
  if (is_whole(1 / size)) {
    const std::string n = number(std::round(1 / size));
    return derivatives + " are 1/" + n + " of what they should be" + sign + ": a missing factor of " + n + "?";
  }
  return derivatives + " are " + number(size) + " times what they should be" + sign;
}

std::string of_input(const Evidence& e, std::size_t k, const std::string& derivatives) {
  const Suspect s(e, k);
  const auto& a = s.a.storage();
  if (std::any_of(a.begin(), a.end(), [](double v) { return !std::isfinite(v); }))
    return derivatives + " are not all numbers: there is a NaN or an infinity";
  if (s.scale > 0 && std::all_of(a.begin(), a.end(), [](double v) { return v == 0; }))
    return derivatives + " are 0: no term reaches the input";
  if (!e.for_ones.empty() && e.for_ones[k].storage() == a)
    return derivatives + " do not depend on the upstream: it is dropped";
  const double c = s.factor();
  return std::isnan(c) ? "" : of_factor(derivatives, c);
}

}  // namespace

std::string diagnose(const Evidence& e) {
  std::string sentence;
  bool all = true;
  for (std::size_t k = 0; k < e.names.size(); ++k)
    if (e.analytic[k].storage().size() > 0) all = all && !Suspect(e, k).is_right();
  for (std::size_t k = 0; k < e.names.size(); ++k) {
    if (e.analytic[k].storage().size() == 0 || Suspect(e, k).is_right()) continue;
    const std::string text = of_input(e, k, all ? "all derivatives" : "all derivatives of " + e.names[k]);
    if (sentence.empty()) sentence = text;
    if (all && text != sentence) return of_input(e, k, "the derivatives of " + e.names[k]);
  }
  return sentence;
}

}  // namespace wengert
