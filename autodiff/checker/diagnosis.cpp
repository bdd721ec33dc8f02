#include "autodiff/checker/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "autodiff/checker/suspect.hpp"

namespace wengert {
namespace {

using Numbers = Suspect::Numbers;

// The patterns: each says what it found, "" for nothing. % stands for "the derivatives of x".

std::string not_numbers(const Suspect& s) {
  const bool all = std::all_of(s.a.begin(), s.a.end(), [](double v) { return std::isfinite(v); });
  return all ? "" : "% are not all numbers: there is a NaN or an infinity";
}

std::string zero(const Suspect& s) {
  const bool all = std::all_of(s.a.begin(), s.a.end(), [](double v) { return v == 0; });
  return all ? "% are 0: no term reaches it" : "";
}

std::string upstream(const Suspect& s) {
  if (numbers(s.e.for_ones[s.k]) == s.a) return "% do not depend on the upstream: it was dropped";
  const Numbers twice = numbers(s.e.for_double[s.k]);
  const bool linear =
      s.count_if([&](std::size_t i) { return std::abs(twice[i] - 2 * s.a[i]) > 1e-5 * s.scale(); }) == 0;
  return linear ? "" : "% are not linear in the upstream";
}

/// One that takes no account of something.
std::string other_function(const Suspect& s) {
  for (const auto& [what, f] : s.e.clues.alternatives) try {
      if (s.are_at(s.differentiate(f, s.e.u))) return what;
    } catch (const Error&) {}  // it may be of another shape, or not defined
  return "";
}

std::string of_factor(double c) {
  const auto number = [](double x) {
    std::ostringstream text;
    text.precision(6);
    text << (is_whole(x) ? std::round(x) : x);
    return text.str();
  };
  const double size = std::abs(c);
  if (std::abs(size - 1) <= 1e-6) return c < 0 ? "% have the wrong sign" : "";  // 1: rounding, no pattern
  const std::string sign = c < 0 ? " and have the wrong sign" : "";
  if (size > 1 && is_whole(size))
    return "% are " + number(size) + " times too large" + sign + ": a missing 1/N? N = " + number(size);
  if (size < 1 && is_whole(1 / size))
    return "% are 1/" + number(1 / size) + " of what they should be" + sign + ": a missing factor of " +
           number(1 / size) + "?";
  return "% are " + number(size) + " times what they should be" + sign;
}

std::string factor(const Suspect& s) {
  const double c = s.factor(std::vector<bool>(s.a.size(), true));
  return std::isnan(c) ? "" : of_factor(c);
}

std::string other_operand(const Suspect& s) {
  for (std::size_t j = 0; j < s.e.names.size(); ++j)
    if (j != s.k && s.e.numeric[j].shape() == s.shape && s.are_at(numbers(s.e.numeric[j])))
      return "% are those of " + s.e.names[j] + ": the wrong operand";
  return "";
}

std::string transposed(const Suspect& s) {
  const std::size_t rank = s.shape.size();
  if (rank < 2 || s.shape[rank - 1] < 2 || s.shape[rank - 2] < 2) return "";
  const std::size_t rows = s.shape[rank - 2], columns = s.shape[rank - 1];
  Numbers t(s.a.size());
  for (std::size_t i = 0; i < t.size(); ++i) {
    const std::size_t at = i % (rows * columns);
    t[i - at + at % columns * rows + at / columns] = s.n[i];
  }
  return s.are_at(t) ? "% are transposed" : "";
}

/// Backwards along an axis, or shifted.
std::string displaced(const Suspect& s) {
  for (std::size_t axis = 0; axis < s.shape.size(); ++axis) {
    const std::size_t last = s.shape[axis] - 1, step = s.stride(axis);
    const std::string along = " along axis " + std::to_string(axis);
    if (last == 0) continue;
    Numbers backwards(s.a.size());
    for (std::size_t i = 0; i < s.a.size(); ++i) backwards[i] = s.n[i + last * step - 2 * s.place(i, axis) * step];
    if (s.are_at(backwards)) return "% are backwards" + along;
    for (const bool up : {true, false}) {
      const auto has_neighbour = [&](std::size_t i) { return s.place(i, axis) != (up ? 0 : last); };
      const auto is_neighbour = [&](std::size_t i) {
        return has_neighbour(i) && s.is_at(i, s.n[up ? i - step : i + step]);
      };
      const std::size_t all = s.count_if(has_neighbour);
      if (all >= 3 && s.count_if(is_neighbour) == all)
        return "% are shifted by " + std::string(up ? "1" : "-1") + along;
    }
  }
  return "";
}

/// The gradient of one slice of the output, or of one entry, alone.
std::string unsummed(const Suspect& s) {
  const Shape& out = s.e.u.shape();
  const std::size_t rank = out.size();
  for (std::size_t axis = 0; axis <= rank; ++axis)  // rank: along all of them
    for (const bool first : {true, false}) {
      if (axis < rank ? out[axis] < 2 : rank < 2) continue;
      Array<double> u = s.e.u;
      std::size_t step = 1;
      for (std::size_t at = rank; at-- > 0; step *= out[at])
        for (std::size_t i = 0; i < u.size(); ++i)
          if ((axis == rank || at == axis) && i / step % out[at] != (first ? 0 : out[at] - 1)) u.storage()[i] = 0;
      if (!s.are_at(s.differentiate(s.e.f, u))) continue;
      const std::string what =
          axis == rank ? "one entry"
                       : "index " + std::to_string(first ? 0 : out[axis] - 1) + " of axis " + std::to_string(axis);
      return "% are what " + what + " of the result gives: a broadcast was not summed back";
    }
  return "";
}

/// As p W - [t is not 0], where p W - t is right: off by t - [t is not 0], times a number a row.
std::string target_value(const Suspect& s) {
  for (const auto& [name, t] : s.e.clues.constants) {
    if (t.shape() != s.shape) continue;
    Numbers q;
    for (const double v : t.storage()) q.push_back(v - (v != 0));
    if (s.error_along(q)) return "the value of " + name + " is ignored";
  }
  return "";
}

/// Only some entries are wrong, and they have something in common.
std::string group(const Suspect& s) {
  const std::size_t all_wrong = s.count_if([&](std::size_t i) { return s.is_wrong(i); });
  for (const Group& g : s.groups()) {
    const std::size_t wrong = s.count_if([&](std::size_t i) { return g.in[i] && s.is_wrong(i); }),
                      inside = s.count_if([&](std::size_t i) { return g.in[i]; });
    if (wrong != all_wrong || inside == s.a.size() || 2 * wrong <= inside) continue;
    const bool zeros = s.count_if([&](std::size_t i) { return g.in[i] && s.a[i] != 0; }) == 0;
    const double c = zeros ? std::nan("") : s.factor(g.in);
    return (zeros           ? "% are 0"
            : std::isnan(c) ? "% are wrong"
                            : of_factor(c)) +
           ", only " + g.where + "; the others are right";
  }
  const std::string of_all = std::to_string(all_wrong) + " of " + std::to_string(s.a.size()) + " places";
  if (s.count_if([&](std::size_t i) { return s.is_wrong(i) && s.a[i] == 0; }) == all_wrong)
    return "% are 0 in " + of_all + " where they should not be";
  const auto has_size = [&](std::size_t i) { return s.is_at(i, s.n[i]) || s.is_at(i, -s.n[i]); };
  if (s.count_if(has_size) == s.a.size()) return "% have the wrong sign in " + of_all;
  return "";
}

std::string missing_term(const Suspect& s) {
  const std::size_t rank = s.shape.size();
  const auto all_over = [&](const Numbers& q) { return s.error_along(q) == rank; };
  if (s.e.y.shape() == s.shape) {
    const Numbers y = numbers(s.e.y), u = numbers(s.e.u);
    const auto times_u = [&](Numbers q) {
      std::transform(q.begin(), q.end(), u.begin(), q.begin(), std::multiplies<>());
      return q;
    };
    if (all_over(u)) return "% are off by a multiple of the upstream: a missing term";
    for (std::size_t j = 0; j < s.e.names.size(); ++j)
      if (s.e.inputs[j].shape() == s.shape && all_over(times_u(numbers(s.e.inputs[j]))))
        return "% are off by a multiple of the upstream times " + s.e.names[j] + ": a missing term";
    if (all_over(times_u(y))) return "% are off by a multiple of the upstream times the result: a missing term";
    if (const auto axis = s.error_along(y); axis && *axis < rank)
      return "% are off by a multiple of the result along axis " + std::to_string(*axis) +
             ": a term with a sum over it is missing";
  }
  const auto axis = s.error_along(Numbers(s.a.size(), 1));
  if (!axis) return "";
  if (*axis == rank) return "% are all off by the same: a missing term";
  return "% are off by the same along axis " + std::to_string(*axis) + ": a term with a sum over it is missing";
}

// The more telling first: what fits several is the first of them.
constexpr std::string (*patterns[])(const Suspect&) = {not_numbers, zero,          upstream,   other_function,
                                                       factor,      other_operand, transposed, displaced,
                                                       unsummed,    target_value,  group,      missing_term};

std::string sentence(const Suspect& s) {
  if (s.is_blurred()) return "";
  for (const auto pattern : patterns)
    if (std::string found = pattern(s); !found.empty()) return found;
  return "";
}

std::string about(const std::string& subject, std::string sentence) {
  const std::size_t at = sentence.find('%');
  return at == std::string::npos ? sentence : sentence.replace(at, 1, subject);
}

}  // namespace

std::string diagnose(const Evidence& e) {
  std::vector<std::pair<std::string, std::string>> found;  // input, sentence
  bool all = true;
  for (std::size_t k = 0; k < e.names.size(); ++k) {
    if (e.inputs[k].size() == 0) continue;
    const Suspect s(e, k);
    if (s.is_right())
      all = false;
    else
      found.emplace_back(e.names[k], sentence(s));
  }
  if (found.empty()) return "";
  const bool same = std::all_of(found.begin(), found.end(), [&](const auto& f) { return f.second == found[0].second; });
  if (same && all) return about("all derivatives", found[0].second);
  std::string text;
  for (const auto& [name, s] : found)
    if (!s.empty()) text += (text.empty() ? "" : "; ") + about("the derivatives of " + name, s);
  return text;
}

}  // namespace wengert
