#include "tools/gradcheck/softmax_ce_row.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "autodiff/tape.hpp"
#include "losses/softmax_ce.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/numbers.hpp"

namespace wengert::tool {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

Array<double> as_rows(const std::vector<double>& row, std::size_t n = 1) {
  Array<double> rows(Shape{n, row.size()});
  for (std::size_t i = 0; i < rows.storage().size(); ++i) rows.storage()[i] = row[i % row.size()];
  return rows;
}

/// Through the library, as a user would: n rows alike, the mean of their losses, times an upstream gradient.
Engine engine(const Row& row, const std::vector<double>& scores, std::size_t n = 1, double upstream = 1) {
  const Variable<double> s = parameter(as_rows(scores, n));
  Tape tape;
  Variable<double> loss;
  if (row.answer == Answer::label) {
    Labels labels(Shape{n});
    std::fill(labels.storage().begin(), labels.storage().end(), static_cast<std::int64_t>(row.label));
    loss = losses::softmax_ce(s, labels);
  } else {
    loss = losses::softmax_ce(s, as_rows(row.targets, n), {.multilabel = row.answer == Answer::shared});
  }
  const auto [g] = tape.gradient(loss, {s}, {.upstream = Array<double>(Shape{}, upstream)});
  return {loss.item(), std::vector<double>(g.data(), g.data() + scores.size())};
}

double loss_at(const Row& row, const std::vector<double>& scores) {
  const NoGrad numbers_only;
  return engine(row, scores).loss;
}

[[noreturn]] void refuse(const std::string& why) { throw InputError("explain softmax_ce: " + why); }

std::vector<double> read_numbers(const std::string& option, const std::string& text) {
  std::vector<double> numbers;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find(',', from), text.size());
    double x = 0;
    const auto [read, error] = std::from_chars(text.data() + from, text.data() + end, x);
    if (error != std::errc() || read != text.data() + end || !(std::abs(x) <= 1e15))
      refuse(option + ": \"" + text.substr(from, std::min<std::size_t>(end - from, 40)) + "\" for class " +
             std::to_string(numbers.size()) + " is no number within 1e15; give one a class, as in 2,1,0.1,-1");
    numbers.push_back(x);
    from = end + 1;
  }
  return numbers;
}

void read_question(const Question& q, Row& row) {
  row.scores = read_numbers("--scores", q.scores);
  const std::size_t classes = row.scores.size();
  const std::string there_are = "; there are " + std::to_string(classes) + " scores";
  if (q.label.empty() == q.targets.empty())
    refuse(std::string(q.label.empty() ? "neither --label nor --targets is given"
                                       : "both --label and --targets are given") +
           "; give one of them");
  if (q.label.empty()) {
    row.answer = q.multilabel ? Answer::shared : Answer::targets;
    row.targets = read_numbers("--targets", q.targets);
    if (row.targets.size() != classes)
      refuse("--targets has " + std::to_string(row.targets.size()) + " numbers" + there_are + ", and each needs one");
    return;
  }
  if (q.multilabel) refuse("--multilabel is for --targets; a label is one class");
  const char* const end = q.label.data() + q.label.size();
  const auto [read, error] = std::from_chars(q.label.data(), end, row.label);
  if (error != std::errc() || read != end || row.label >= classes)
    refuse("--label " + q.label.substr(0, 40) + " is no class in 0.." + std::to_string(classes - 1) + there_are +
           (q.label.find(',') == std::string::npos ? "" : "; several classes are --targets with --multilabel"));
  row.answer = Answer::label;
  row.targets.resize(classes);
  row.targets[row.label] = 1;
}

/// By the formulas of losses/softmax_ce.hpp, in double.
void derive(Row& row) {
  const std::size_t classes = row.scores.size();
  row.positives = static_cast<std::size_t>(classes - std::count(row.targets.begin(), row.targets.end(), 0.));
  row.weights = row.targets;
  if (row.answer == Answer::shared)
    for (double& w : row.weights)
      if (w != 0) w = 1 / static_cast<double>(row.positives);
  row.top = static_cast<std::size_t>(std::max_element(row.scores.begin(), row.scores.end()) - row.scores.begin());
  row.most = row.scores[row.top];
  double others = 0;  // the weights but that of the top class
  for (std::size_t k = 0; k < classes; ++k) {
    row.shifted.push_back(row.scores[k] - row.most);
    row.powers.push_back(std::exp(row.shifted[k]));
    if (k != row.top) row.tail += row.powers[k], others += row.weights[k];
    row.gap -= row.weights[k] * row.shifted[k];
  }
  row.weight = others + row.weights[row.top];
  row.loss = row.gap + row.weight * std::log1p(row.tail);
  const double scale = 1 / (1 + row.tail);
  for (std::size_t k = 0; k < classes; ++k) {
    row.softmax.push_back(row.powers[k] * scale);
    row.pulls.push_back(0 - row.weights[k]);
    row.pushes.push_back(row.weight * row.softmax[k]);
    // W p - w without cancellation where p is close to 1: 1 - p = T / (1 + T).
    row.gradient.push_back(k == row.top ? others - row.weight * (row.tail * scale) : row.pushes[k] - row.weights[k]);
  }
}

double size_of_weights(const Row& row) {
  double size = 0;
  for (const double w : row.weights) size += std::abs(w);
  return size;
}

/// (l(s + h) - l(s - h)) / 2h, and what it may be off by: |l'''| <= W/(6 sqrt 3), and the rounding of l and of s.
void difference(Row& row) {
  double largest = 1;
  for (const double s : row.scores) largest = std::max(largest, std::abs(s));
  row.step = std::ldexp(1., std::ilogb(largest) - 17);
  const double size = size_of_weights(row);
  double noise = 0;
  for (std::size_t k = 0; k < row.scores.size(); ++k) {
    std::vector<double> s = row.scores;
    s[k] = row.scores[k] + row.step;
    const double above = loss_at(row, s), up = s[k];
    s[k] = row.scores[k] - row.step;
    const double below = loss_at(row, s);
    row.differences.push_back((above - below) / (up - s[k]));
    noise = std::max(noise, std::abs(above) + std::abs(below));
  }
  row.bound = size * row.step * row.step / 60 + 4 * epsilon * (noise + size * largest) / row.step;
}

double farthest(const std::vector<double>& a, const std::vector<double>& b, double factor = 1) {
  double off = 0;
  for (std::size_t k = 0; k < a.size(); ++k) off = std::max(off, std::abs(a[k] - factor * b[k]));
  return off;
}

void check(Row& row) {
  const std::vector<double>& g = row.engine.gradient;
  const double size = size_of_weights(row), classes = static_cast<double>(g.size());
  const double rounding = 4 * epsilon * size;
  double sum = 0, largest = 0;
  for (const double v : g) sum += v;
  for (const double s : row.scores) largest = std::max(largest, std::abs(s));
  std::vector<double> scores = row.scores;
  for (double& s : scores) s += 1000;
  row.moved = engine(row, scores).gradient;
  row.threefold = engine(row, row.scores, 1, 3).gradient;
  row.quarter = engine(row, row.scores, 4).gradient;
  const auto say = [&](const std::string& what, double off, double bound) {
    const bool wide = bound > 1e-3 * size;
    row.checks.push_back({what, std::string(off <= bound ? wide ? cannot_tell : holds : fails)});
  };
  say("The gradient sums to 0: adding a constant to every score changes nothing.", std::abs(sum), rounding * classes);
  // The scores are rounded when they are moved: by half an ulp of the sum.
  say("At $s + 1000$ it is the same.", farthest(row.moved, g), rounding + size * epsilon * (largest + 1000));
  say("An upstream gradient of 3 makes it three times as large.", farthest(row.threefold, g, 3), 3 * rounding);
  say("In the mean over N = 4 such rows each has 1/N of it.", farthest(row.quarter, g, 0.25), rounding);
  say("The formula gives what the tape gives.", farthest(g, row.gradient), 2 * rounding);
  say("So do central differences of the loss, at h = " + number(row.step) + " good to " + number(row.bound) + ".",
      farthest(g, row.differences), row.bound);
}

Row finished(Row row) {
  derive(row);
  row.engine = engine(row, row.scores);
  difference(row);
  check(row);
  return row;
}

}  // namespace

Row work_out(const Question& question) {
  Row row;
  read_question(question, row);
  return finished(std::move(row));
}

Divided divided_by_positives(const Row& row) {
  Divided d;
  d.row.answer = Answer::targets;
  d.row.scores = row.scores;
  d.row.targets = row.targets;
  for (double& t : d.row.targets) t /= static_cast<double>(row.positives);
  d.row = finished(std::move(d.row));
  for (std::size_t k = 0; k < row.scores.size(); ++k)
    d.forgetful.push_back(row.softmax[k] - (row.positive(k) ? 1 / static_cast<double>(row.positives) : 0));
  return d;
}

}  // namespace wengert::tool
