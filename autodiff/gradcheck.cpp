#include "autodiff/gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <sstream>

#include "autodiff/ops/reduce.hpp"
#include "autodiff/tape.hpp"

namespace wengert {
namespace {

using Inputs = std::vector<Variable<double>>;

/// Away from 0 and of either sign: an error cannot hide behind a weight of nothing.
double random_weight(std::mt19937_64& random) {
  const double x = static_cast<double>(random() >> 11) * 0x1p-53;
  return x < 0.5 ? -0.5 - 2 * x : 2 * x - 0.5;
}

Array<double> random_weights(const Shape& shape, std::mt19937_64& random) {
  Array<double> u(shape);
  for (double& w : u.storage()) w = random_weight(random);
  return u;
}

struct Direction {
  std::string name;
  std::size_t input = 0, index = 0;  // an entry; or, if `through` is not empty,
  std::vector<Array<double>> through = {};
};

std::string name_of_entry(const std::string& input, std::size_t index, const Shape& shape) {
  std::string text;
  for (std::size_t i = shape.size(); i-- > 0; index /= shape[i])
    text = std::to_string(index % shape[i]) + (text.empty() ? "" : ",") + text;
  return shape.size() == 0 ? input : input + "[" + text + "]";
}

/// L along a direction.
class Line {
 public:
  Line(const Function<double>& f, const std::vector<Array<double>>& at, const Array<double>& u, const Direction& d)
      : f_(f), at_(at), u_(u), direction_(d), x_(at.begin(), at.end()) {
    for (std::size_t k = 0; k < at.size(); ++k)
      for (std::size_t i = 0; i < at[k].storage().size(); ++i)
        if (!d.through.empty() || (k == d.input && i == d.index)) size_ = std::max(size_, std::abs(at[k].storage()[i]));
  }

  struct Difference {
    double slope, noise;  // the central difference, and what rounding may have done to it
  };
  /// What moved from y0 to y1 was rounded to a few ulp, and so was x + h, which turns the slope into noise; on top
  /// comes the noise that was measured.
  /// NaN where f is not defined.
  Difference difference(double h) try {
    const Array<double> above = move(h), below = move(-h);  // copies: f may return its argument
    double change = 0, size = 0;
    for (std::size_t i = 0; i < above.size(); ++i) {
      const double y1 = above.storage()[i], y0 = below.storage()[i], u = u_.storage()[i];
      if (y1 == y0) continue;
      change += u * (y1 - y0);
      size += std::abs(u) * (std::abs(y1) + std::abs(y0));
    }
    constexpr double ulps = 4, epsilon = std::numeric_limits<double>::epsilon();
    const double slope = change / (2 * h);
    return {slope, (ulps * epsilon * size + size_ * epsilon * std::abs(slope) + 6 * noise_) / (2 * h)};
  } catch (const ValueError&) { return {std::numeric_limits<double>::quiet_NaN(), 0}; }

  /// The noise of f itself, from the differences of order 3 to 6 over a row of close points: those of a smooth f
  /// vanish, what is left is rounding (More and Wild, "Estimating computational noise", 2011).
  void measure_noise() {
    constexpr int points = 7;
    const Array<double> y0 = move(0);
    double value[points];
    for (int k = 0; k < points; ++k) {
      const Array<double>& y = move(k * first_step() * 0x1p-21);
      value[k] = 0;
      for (std::size_t i = 0; i < y.size(); ++i) value[k] += u_.storage()[i] * (y.storage()[i] - y0.storage()[i]);
    }
    double scale = 1;  // k!^2 / (2k)!: the variance of a k-th difference of independent errors, inverted
    for (int k = 1; k < points; ++k) {
      double squares = 0;
      for (int i = 0; i + k < points; ++i) value[i] = value[i + 1] - value[i], squares += value[i] * value[i];
      scale *= k / (2. * (2 * k - 1));
      if (k >= 3) noise_ = std::max(noise_, std::sqrt(scale * squares / (points - k)));
    }
    if (!std::isfinite(noise_)) noise_ = 0;
  }

  /// How far one may step without leaving the neighbourhood: a part of the size of what moves.
  double first_step() const { return 0.125 * std::clamp(size_, 0.1, 1e6); }

 private:
  const Array<double>& move(double h) {
    if (direction_.through.empty()) {
      x_[direction_.input].mutable_value().storage()[direction_.index] =
          at_[direction_.input].storage()[direction_.index] + h;
    } else {
      for (std::size_t k = 0; k < x_.size(); ++k)
        for (std::size_t i = 0; i < x_[k].size(); ++i)
          x_[k].mutable_value().storage()[i] = at_[k].storage()[i] + h * direction_.through[k].storage()[i];
    }
    y_ = f_(x_);
    return y_.value();
  }

  const Function<double>& f_;
  const std::vector<Array<double>>& at_;
  const Array<double>& u_;
  const Direction& direction_;
  Inputs x_;
  Variable<double> y_;
  double size_ = 0;   // of the inputs that move
  double noise_ = 0;  // of L, one standard deviation
};

struct Estimate {
  double value = 0, bound = std::numeric_limits<double>::infinity();
};

/// Ridders' scheme: row i of the triangle starts with the difference at h/2^i; each column removes a power of h^2.
Estimate derivative(Line& line) {
  constexpr int rows = 14;
  line.measure_noise();
  Line::Difference difference[rows];
  double before[rows], row[rows], h = line.first_step();
  Estimate best;
  int i = 0, best_row = 0;
  for (int trial = 0; trial < 40 && i < rows; ++trial, h /= 2) {
    const Line::Difference d = line.difference(h);
    if (!std::isfinite(d.slope)) {  // stepped out of the domain: start again, closer
      i = 0;
      best = {};
      continue;
    }
    difference[i] = d;
    row[0] = d.slope;
    double factor = 1;
    for (int k = 1; k <= i; ++k) {
      factor *= 4;
      row[k] = row[k - 1] + (row[k - 1] - before[k - 1]) / (factor - 1);
      const double error = std::max(std::abs(row[k] - row[k - 1]), std::abs(row[k] - before[k - 1]));
      const double bound = 4 * error + 2 * d.noise;
      if (bound < best.bound) best = {row[k], bound}, best_row = i;
    }
    std::copy_n(row, i + 1, before);
    ++i;
    if (i > best_row + 4 && d.noise > best.bound) break;  // smaller steps only add noise
  }
  // From here on closer differences should stay close. Where they do not, f has noise that was not seen: it was in the
  // estimate, too, smaller by the ratio of the steps.
  for (int j = best_row + 1; j < i; ++j) {
    const double off = std::abs(difference[j].slope - best.value),
                 off_before = std::abs(difference[j - 1].slope - best.value);
    if (off > off_before + difference[j].noise) best.bound = std::max(best.bound, off * std::ldexp(1., best_row - j));
  }
  return best;
}

std::vector<Direction> directions(const std::vector<Array<double>>& inputs, const Gradcheck& options,
                                  std::mt19937_64& random) {
  std::vector<Direction> all;
  for (std::size_t k = 0; k < options.directions; ++k) {
    Direction d{.name = "direction " + std::to_string(k)};
    for (const auto& input : inputs) d.through.push_back(random_weights(input.shape(), random));
    all.push_back(std::move(d));
  }
  if (options.directions > 0) return all;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::string by_number = inputs.size() == 1 ? "x" : "x" + std::to_string(k);
    const std::string name = k < options.names.size() ? options.names[k] : by_number;
    for (std::size_t i = 0; i < inputs[k].storage().size(); ++i)
      all.push_back({.name = name_of_entry(name, i, inputs[k].shape()), .input = k, .index = i});
  }
  return all;
}

double along(const std::vector<Variable<double>>& gradients, const Direction& d) {
  if (d.through.empty()) return gradients[d.input].data()[d.index];
  double sum = 0;
  for (std::size_t k = 0; k < gradients.size(); ++k)
    for (std::size_t i = 0; i < gradients[k].size(); ++i) sum += gradients[k].data()[i] * d.through[k].storage()[i];
  return sum;
}

}  // namespace

GradcheckReport gradcheck(const std::string& op, const Function<double>& f, const std::vector<Array<double>>& inputs,
                          const Gradcheck& options) {
  std::mt19937_64 random(options.seed);
  Inputs parameters;
  for (const auto& input : inputs) parameters.push_back(parameter(input));
  std::vector<Variable<double>> gradients;
  Array<double> u;
  {
    Tape tape;
    const Variable<double> y = f(parameters);
    u = random_weights(y.shape(), random);
    gradients = tape.gradient(y, parameters, {.upstream = u});
  }
  std::vector<Comparison> comparisons;
  double largest = 0;
  const NoGrad numbers_only;
  for (const Direction& d : directions(inputs, options, random)) {
    Line line(f, inputs, u, d);
    const Estimate numeric = derivative(line);
    const double analytic = along(gradients, d);
    comparisons.push_back({d.name, analytic, numeric.value, numeric.bound});
    if (std::abs(numeric.value) > numeric.bound) largest = std::max(largest, std::abs(numeric.value));
  }
  GradcheckReport report{.op = op, .comparisons = comparisons.size()};
  double closest = -1;
  for (Comparison& c : comparisons) {
    // The analytic derivative was rounded, too, on the scale of its neighbours; a gradient that vanishes within the
    // noise is seen on the scale of u.
    const double scale = largest > 0 ? largest : 1;
    c.bound += 8 * std::numeric_limits<double>::epsilon() * scale;
    const double off = std::abs(c.analytic - c.numeric);
    const bool wide = !(c.bound <= options.resolution * scale);
    const bool wrong = !(off <= c.bound) && !(wide && off <= 10 * c.bound);
    report.wrong += wrong;
    report.inconclusive += wide && !wrong;
    // The one to report: a wrong one before a wide one before the closest to its bound, which is never 0.
    const double closeness = off / c.bound + (wrong ? 2e300 : 0) + (wide ? 1e300 : 0);
    if (!(closeness <= closest)) closest = closeness, report.worst = c;
  }
  report.verdict = report.wrong ? Verdict::wrong : report.inconclusive ? Verdict::inconclusive : Verdict::right;
  return report;
}

std::string to_string(const GradcheckReport& r) {
  if (r.comparisons == 0) return r.op + ": right, nothing to compare";
  const std::string all = std::to_string(r.comparisons) + " comparison";
  std::ostringstream text;
  text.precision(10);
  text << r.op << ": ";
  switch (r.verdict) {
    case Verdict::right: text << "right, " << all << "s, closest to its bound "; break;
    case Verdict::wrong: text << "WRONG, " << r.wrong << " of " << all << "s, worst "; break;
    case Verdict::inconclusive:
      text << "inconclusive, " << r.inconclusive << " of " << all << "s too wide, widest ";
      break;
  }
  const Comparison& w = r.worst;
  text << w.where << ": analytic " << w.analytic << ", numeric " << w.numeric;
  text.precision(2);
  text << ", off by " << std::abs(w.analytic - w.numeric) << ", bound " << w.bound;
  return text.str();
}

std::ostream& operator<<(std::ostream& os, const GradcheckReport& report) { return os << to_string(report); }

Function<double> gradient_of(Function<double> f, std::uint64_t seed) {
  return [f = std::move(f), seed](const Inputs& xs) {
    const auto joined = [&](Tape& tape, const Inputs& at, bool record) {
      std::mt19937_64 random(seed);
      const Variable<double> y = f(at);
      const Array<double> u = random_weights(y.shape(), random);
      const auto gradients = tape.gradient(y, at, {.upstream = u, .create_graph = record});
      Variable<double> sum_of_all = 0;
      for (const auto& g : gradients) sum_of_all += sum(g * Variable<double>(random_weights(g.shape(), random)));
      for (const auto& x : at) sum_of_all += 0 * sum(x);  // the gradient of a linear f does not depend on x
      return sum_of_all;
    };
    if (Tape* const tape = Tape::current()) return joined(*tape, xs, true);
    Inputs own;
    for (const auto& x : xs) own.push_back(parameter(x.value()));
    Tape tape;
    return joined(tape, own, false);
  };
}

}  // namespace wengert
