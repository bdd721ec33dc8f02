#include "autodiff/checker/numeric.hpp"

#include <algorithm>
#include <cmath>

#include "autodiff/checker/rounding.hpp"

namespace wengert::numeric {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon(), nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Limit extrapolate(const std::vector<Term>& terms, int power) {
  std::vector<double> before, row;
  Limit best;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    row.assign(1, terms[i].value);
    double factor = 1;
    for (std::size_t k = 1; k <= i; ++k) {
      factor = std::ldexp(factor, power);
      row.push_back(row[k - 1] + (row[k - 1] - before[k - 1]) / (factor - 1));
      const double error = std::max(std::abs(row[k] - row[k - 1]), std::abs(row[k] - before[k - 1]));
      const double bound = 4 * error + 2 * terms[i].noise;
      if (bound < best.bound) best = {{row[k], bound}, i, bound};
    }
    std::swap(before, row);
  }
  // From here on closer terms should stay close. Where they do not, f has noise that was not seen: it was in the
  // estimate, too, smaller by the ratio of the steps.
  for (std::size_t j = best.row + 1; j < terms.size(); ++j) {
    const double off = std::abs(terms[j].value - best.value), off_before = std::abs(terms[j - 1].value - best.value);
    if (off > off_before + terms[j].noise)
      best.bound = std::max(best.bound, std::ldexp(off, static_cast<int>(best.row) - static_cast<int>(j)));
  }
  return best;
}

bool Slopes::is_kink(double least) const {
  const double gap = std::abs(above.value - below.value);
  return gap > std::max(least, 2 * (above.bound + below.bound));
}

Line::Line(const Function<double>& f, const std::vector<Array<double>>& at, const Array<double>& u, const Direction& d)
    : f_(f), at_(at), u_(u), direction_(d), x_(at.begin(), at.end()) {
  for (std::size_t k = 0; k < at.size(); ++k)
    for (std::size_t i = 0; i < at[k].storage().size(); ++i)
      if (!d.through.empty() || (k == d.input && i == d.index)) size_ = std::max(size_, std::abs(at[k].storage()[i]));
  y0_ = move(0);
  for (std::size_t i = 0; i < y0_.size(); ++i) sum_ += std::abs(u.storage()[i] * y0_.storage()[i]);
}

const Array<double>& Line::move(double h) {
  if (direction_.through.empty()) {
    x_[direction_.input].mutable_value().storage()[direction_.index] =
        at_[direction_.input].storage()[direction_.index] + h;
  } else {
    for (std::size_t k = 0; k < x_.size(); ++k)
      for (std::size_t i = 0; i < x_[k].size(); ++i)
        x_[k].mutable_value().storage()[i] = at_[k].storage()[i] + h * direction_.through[k].storage()[i];
  }
  y_ = f_(x_);
  if (y_.shape() != u_.shape())
    throw ShapeError("gradcheck: f returned " + to_string(u_.shape()) + " at first and " + to_string(y_.shape()) +
                     " close by; its shape must not depend on the values");
  return y_.value();
}

// What moved from y0 to y1 was rounded to a few ulp, and so was x + h, which turns the slope into noise; on top comes the
// noise that was measured.
Line::Step Line::step(double h) try {
  const Array<double> y1 = move(h), y2 = move(-h);  // copies: f may return its argument
  Step s{0, 0, 0, 0};
  double size = 0;
  for (std::size_t i = 0; i < y1.size(); ++i) {
    const double above = y1.storage()[i], here = y0_.storage()[i], below = y2.storage()[i], u = u_.storage()[i];
    if (above == below && above == here) continue;
    s.above += u * (above - here);
    s.below += u * (below - here);
    s.across += u * (above - below);
    size += std::abs(u) * (std::abs(above) + std::abs(below));
  }
  constexpr double ulps = 4;
  s.noise = ulps * epsilon * size + size_ * epsilon * std::abs(s.across / (2 * h)) + 6 * noise_;
  return s;
} catch (const ValueError&) { return {nan, nan, nan, 0}; }

double Line::measured_noise() try {
  constexpr int points = 7;
  double value[points] = {};
  for (int k = 0; k < points; ++k) {
    const Array<double>& y = move(k * first_step() * 0x1p-21);
    for (std::size_t i = 0; i < y.size(); ++i) value[k] += u_.storage()[i] * (y.storage()[i] - y0_.storage()[i]);
  }
  return noise_of(value, points);
} catch (const ValueError&) { return 0; }

double Line::first_step() const { return 0.125 * std::clamp(size_, 0.1, 1e6); }

namespace {

/// Whether terms that ought to vanish with h do not.
bool stays(const std::vector<Term>& rise) {
  if (rise.empty()) return false;
  const Limit limit = extrapolate(rise, 1);
  const double size = std::abs(limit.value);
  return size > 4 * limit.bound && std::abs(rise.back().value - limit.value) < size / 2;
}

}  // namespace

Slopes Line::slopes_from(double h) {
  constexpr std::size_t rows = 14;
  std::vector<Term> across, above, below, rise_above, rise_below;
  Limit best;
  double first = h;
  for (; h > 64 * epsilon * std::max(size_, epsilon) && across.size() < rows; h /= 2) {  // x + h is not x
    const Step s = step(h);
    if (!std::isfinite(s.across)) {  // stepped out of the domain: start again, closer
      for (auto* terms : {&across, &above, &below, &rise_above, &rise_below}) terms->clear();
      first = h / 2;
      continue;
    }
    across.push_back({s.across / (2 * h), s.noise / (2 * h)});
    above.push_back({s.above / h, s.noise / h});
    below.push_back({-s.below / h, s.noise / h});
    rise_above.push_back({s.above, s.noise});
    rise_below.push_back({s.below, s.noise});
    best = extrapolate(across, 2);
    if (across.size() > best.row + 4 && across.back().noise > best.agreed) break;  // smaller steps only add noise
  }
  Slopes s{.central = best, .below = extrapolate(below, 1), .above = extrapolate(above, 1)};
  s.step = std::ldexp(first, -static_cast<int>(best.row));
  s.jump = stays(rise_below) || stays(rise_above);
  return s;
}

/// The derivative is known well, or does nothing to L, and f is smooth as far as can be seen.
bool Line::is_plain(const Slopes& s) const {
  const double known = 1e-5 * std::abs(s.central.value), nothing = 1e-9 * sum_ / first_step();
  const double slope = std::max(std::abs(s.below.value), std::abs(s.above.value));
  return s.central.bound <= std::max(known, nothing) && !s.jump && !s.is_kink(1e-5 * slope);
}

Slopes Line::slopes() {
  noise_ = measured_noise();
  const Slopes wide = slopes_from(first_step());
  if (is_plain(wide)) return wide;
  for (const int closer : {-12, -24}) {
    Slopes s = slopes_from(std::ldexp(first_step(), closer));
    if (!is_plain(s)) continue;
    s.at_odds = !(std::abs(s.central.value - wide.central.value) <= s.central.bound + wide.central.bound);
    return s;
  }
  return wide;
}

}  // namespace wengert::numeric
