#include "autodiff/checker/suspect.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autodiff/checker/numeric.hpp"
#include "autodiff/tape.hpp"

namespace wengert {

Suspect::Numbers numbers(const Array<double>& x) { return {x.storage().begin(), x.storage().end()}; }

bool is_whole(double x) { return std::abs(x - std::round(x)) <= 1e-6 * std::abs(x); }

Suspect::Suspect(const Evidence& evidence, std::size_t input)
    : e(evidence),
      k(input),
      shape(e.inputs[k].shape()),
      x(numbers(e.inputs[k])),
      a(numbers(e.analytic[k])),
      n(numbers(e.numeric[k])),
      bound_(numbers(e.bound[k])) {
  for (const double v : n) scale_ = std::max(scale_, std::abs(v));
}

bool Suspect::is_right() const {
  return count_if([&](std::size_t i) { return is_wrong(i); }) == 0;
}

bool Suspect::is_blurred() const {
  return count_if([&](std::size_t i) { return is_wrong(i) && !(bound_[i] <= 1e-3 * scale_); }) > 0;
}

bool Suspect::are_at(const Numbers& values) const {
  return count_if([&](std::size_t i) { return is_at(i, values[i]); }) == a.size();
}

std::size_t Suspect::stride(std::size_t axis) const {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end(), std::size_t{1},
                         std::multiplies<>());
}

double Suspect::factor(const std::vector<bool>& in) const {
  double an = 0, nn = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (in[i] && n[i] != 0) an += a[i] * n[i], nn += n[i] * n[i], ++count;
  const double c = an / nn;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (in[i] && !(std::abs(a[i] - c * n[i]) <= (1 + std::abs(c)) * slack(i))) return std::nan("");
  return count >= 3 || is_whole(c) || is_whole(1 / c) ? c : std::nan("");
}

std::optional<std::size_t> Suspect::error_along(const Numbers& q) const {
  const auto fits = [&](std::size_t start, std::size_t step, std::size_t extent) {
    double eq = 0, qq = 0;
    for (std::size_t m = 0, i = start; m < extent; ++m, i += step) eq += (a[i] - n[i]) * q[i], qq += q[i] * q[i];
    const double c = qq > 0 ? eq / qq : 0;
    for (std::size_t m = 0, i = start; m < extent; ++m, i += step)
      if (!(std::abs(a[i] - n[i] - c * q[i]) <= slack(i))) return false;
    return true;
  };
  if (a.size() >= 3 && fits(0, 1, a.size())) return shape.size();
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] < 3) continue;  // two are easily alike
    if (count_if([&](std::size_t i) { return place(i, axis) == 0 && !fits(i, stride(axis), shape[axis]); }) == 0)
      return axis;
  }
  return {};
}

Suspect::Numbers Suspect::differentiate(const Function<double>& f, const Array<double>& u) const {
  const NoGrad numbers_only;
  Numbers g(a.size());
  for (std::size_t i = 0; i < g.size(); ++i) {
    const Direction entry{.name = "", .input = k, .index = i};
    g[i] = numeric::Line(f, e.inputs, u, entry).slopes().central.value;
  }
  return g;
}

void Suspect::add_groups_of(const std::string& index, const Labels& labels, std::vector<Group>& all) const {
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::vector<std::size_t> times(shape[axis]);
    for (const auto l : labels.storage())
      if (l >= 0 && static_cast<std::size_t>(l) < times.size()) ++times[static_cast<std::size_t>(l)];
    all.push_back(
        group("where " + index + " picks more than once", [&](std::size_t i) { return times[place(i, axis)] > 1; }));
    if (labels.size() * shape[axis] != a.size()) continue;
    const auto is_class = [&](std::size_t i) {
      const std::size_t line = i / (stride(axis) * shape[axis]) * stride(axis) + i % stride(axis);
      return labels.storage()[line] == static_cast<std::int64_t>(place(i, axis));
    };
    all.push_back(group("at the class of " + index, is_class));
    all.push_back(group("at the classes other than that of " + index, [&](std::size_t i) { return !is_class(i); }));
  }
}

std::vector<Group> Suspect::groups() const {
  std::vector<Group> all;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    for (std::size_t at = 0; at < shape[axis] && shape[axis] > 1; ++at)
      all.push_back(group("at index " + std::to_string(at) + " of axis " + std::to_string(axis),
                          [&](std::size_t i) { return place(i, axis) == at; }));
  for (const auto& [index, labels] : e.clues.indices) add_groups_of(index, labels, all);
  for (const auto& [constant, value] : e.clues.constants) {
    if (value.shape() != shape) continue;
    const auto& c = value.storage();
    all.push_back(group("where " + constant + " is 0", [&](std::size_t i) { return c[i] == 0; }));
    all.push_back(group("where " + constant + " is not 0", [&](std::size_t i) { return c[i] != 0; }));
  }
  all.push_back(group("where they should be 0", [&](std::size_t i) { return std::abs(n[i]) <= slack(i); }));
  all.push_back(group("where " + e.names[k] + " is negative", [&](std::size_t i) { return x[i] < 0; }));
  all.push_back(group("where " + e.names[k] + " is positive", [&](std::size_t i) { return x[i] > 0; }));
  return all;
}

}  // namespace wengert
