#include "losses/softmax_ce_rows.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <iostream>
#include <numeric>

namespace wengert::losses {
namespace {

std::atomic<bool> warn_of_probabilities = true;

struct Look {
  bool finite, positive;
};
/// Whether all of a row's targets are finite, and one is not 0. By their bits, which the compiler can take many at a time.
template <class T> Look look_at(const T* t, std::size_t n, std::size_t step) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits endless = 0, any = 0;
  for (std::size_t j = 0; j < n; ++j) {
    const Bits b = std::bit_cast<Bits>(t[j * step]);
    endless |= (b & exponent) == exponent;
    any |= b << 1;  // without the sign: -0 is 0
  }
  return {!endless, any != 0};
}

}  // namespace

/// Softmax is part of the loss; that of a softmax is a common mistake. A look at the first rows tells: their first entries
/// are seldom all in [0,1].
template <class T> void warn_if_probabilities(const char* op, const Variable<T>& scores, const kernels::Lines& lines) {
  if (!warn_of_probabilities || lines.length < 2 || scores.size() == 0) return;
  for (kernels::Index row = 0; row < std::min<kernels::Index>(lines.outer * lines.inner, 4); ++row) {
    const T* const s = scores.data() + row / lines.inner * lines.length * lines.inner + row % lines.inner;
    double sum = 0;
    for (kernels::Index j = 0; j < lines.length; ++j) {
      const T p = s[j * lines.inner];
      if (!(p >= 0 && p <= 1)) return;
      sum += static_cast<double>(p);
    }
    if (std::abs(sum - 1) > 64 * std::numeric_limits<T>::epsilon()) return;
  }
  if (warn_of_probabilities.exchange(false))
    std::cerr << op
              << ": the scores look like probabilities, every row sums to 1; softmax is part of this loss, give it the "
                 "scores (expect_probabilities_as_scores() silences this)\n";
}
template void warn_if_probabilities(const char*, const Variable<float>&, const kernels::Lines&);
template void warn_if_probabilities(const char*, const Variable<double>&, const kernels::Lines&);

void expect_probabilities_as_scores() { warn_of_probabilities = false; }

template <class T> Rows<T>::Rows(const char* op, const Shape& s, const SoftmaxCe<T>& o) {
  const std::string who = op;
  if (s.empty()) throw ShapeError(who + ": scores are a number; they must be [N,C], a row an example");
  axis = s.size() == 1 && o.axis == 1 ? 0 : normal_axis(op, o.axis, s);
  const std::size_t classes = s[axis];
  for (std::size_t i = 0; i < s.size(); ++i)
    if (i != axis) shape.push_back(s[i]);
  if (classes == 0 && count(shape) != 0)
    throw ShapeError(who + ": scores are " + to_string(s) + "; there are no classes to choose from");
  const auto product = [&](std::size_t from, std::size_t to) {
    return std::accumulate(s.begin() + from, s.begin() + to, kernels::Index{1}, std::multiplies<>());
  };
  lines = {product(0, axis), static_cast<kernels::Index>(classes), product(axis + 1, s.size())};
  need_number(op, o.label_smoothing >= 0 && o.label_smoothing <= 1, "label_smoothing", o.label_smoothing, "in 0..1");
  need_number(op, o.temperature > 0 && std::isfinite(o.temperature), "temperature", o.temperature,
              "finite and above 0");
  need_number(op, o.soft_cap >= 0 && std::isfinite(o.soft_cap), "soft_cap", o.soft_cap, "finite and not negative");
  need_number(op, o.z_loss >= 0 && std::isfinite(o.z_loss), "z_loss", o.z_loss, "finite and not negative");
  if (o.class_weights) {
    if (o.class_weights.shape() != Shape{classes})
      throw ShapeError(who + ": class_weights are " + to_string(o.class_weights.shape()) + " but scores " +
                       to_string(s) + " have " + std::to_string(classes) + " classes along axis " +
                       std::to_string(axis) + "; there must be one weight a class");
    for (std::size_t j = 0; j < classes; ++j)
      need_number(op, o.class_weights.data()[j] >= 0 && std::isfinite(o.class_weights.data()[j]),
                  "the weight of class " + std::to_string(j), static_cast<double>(o.class_weights.data()[j]),
                  "finite and not negative");
  }
  if (o.class_weights) class_weights = saved(o.class_weights);
  weights = row_weights(op, shape, o.reduction, o.row_weights, o.mask);
}

template <class T>
Rows<T>::Rows(const char* op, const Shape& scores, const Labels& given, const SoftmaxCe<T>& o) : Rows(op, scores, o) {
  const std::string who = op;
  const std::size_t n = count(shape);
  const auto classes = static_cast<std::int64_t>(lines.length);
  const Shape labels_shape(given.shape().begin(), given.shape().end());
  if (labels_shape != shape)
    throw ShapeError(who + ": scores are " + to_string(scores) + " but labels are " + to_string(labels_shape) +
                     "; labels must be " + to_string(shape) + ", one class a row" +
                     (labels_shape == scores ? "; weights of all classes are passed as an Array of the scores' type"
                      : given.size() == n    ? "; reshape them"
                                             : ""));
  labels = given;
  const auto* const first = given.storage().data();
  for (std::size_t i = 0; i < n; ++i) {
    if (first[i] == o.ignore_index || weights[i] == 0) {
      if (weights[i] != 0) weights.leave_out(i, n);
      labels.storage()[i] = 0;
      continue;
    }
    if (first[i] >= 0 && first[i] < classes) continue;
    const bool from_one = *std::min_element(first, first + n) == 1 && *std::max_element(first, first + n) == classes;
    throw ValueError(who + ": label " + std::to_string(first[i]) + " in row " + std::to_string(i) + " is outside 0.." +
                     std::to_string(classes - 1) + " for " + std::to_string(classes) + " classes" +
                     (from_one ? "; the labels seem to count from 1: subtract 1" : ""));
  }
  if (o.multilabel) throw ValueError(who + ": multilabel is for targets [N,C]; a label is one class");
  divisor = static_cast<double>(weights.counted);
  if (o.class_weights || o.row_weights) {
    divisor = 0;
    for (std::size_t i = 0; i < n; ++i)
      divisor += weights[i] * (o.class_weights ? static_cast<double>(o.class_weights.data()[labels.storage()[i]]) : 1.);
  }
  prepare(o);
}

template <class T>
Rows<T>::Rows(const char* op, const Shape& scores, Variable<T> given, const SoftmaxCe<T>& o) : Rows(op, scores, o) {
  const std::string who = op;
  if (given.shape() != scores)
    throw ShapeError(who + ": scores are " + to_string(scores) + " but targets are " + to_string(given.shape()) +
                     "; targets must have the shape of the scores, or be int64 labels " + to_string(shape));
  std::size_t with_positives = 0;
  for (std::size_t row = 0, n = count(shape); row < n; ++row) {
    if (o.mask && o.mask.data()[row] == 0) continue;
    const auto inner = static_cast<std::size_t>(lines.inner), length = static_cast<std::size_t>(lines.length);
    const T* const t = given.data() + row / inner * length * inner + row % inner;
    const auto [finite, positive] = look_at(t, length, inner);
    if (weights[row] == 0) {  // has no loss, but counts
      with_positives += positive;
      continue;
    }
    if (!finite) {
      std::size_t j = 0;
      while (std::isfinite(t[j * inner])) ++j;
      throw ValueError(who + ": the target of class " + std::to_string(j) + " in row " + std::to_string(row) + " is " +
                       text_of(static_cast<double>(t[j * inner])) + "; targets must be finite");
    }
    if (positive)
      ++with_positives;
    else
      weights.silence(row, n);
  }
  divisor = static_cast<double>(o.count_empty_rows ? weights.counted : with_positives);
  targets = saved(std::move(given));
  prepare(o);
}

template <class T> void Rows<T>::prepare(const SoftmaxCe<T>& o) {
  if (o.reduction != Reduction::mean) divisor = 1;
  scale = divisor > 0 ? 1 / divisor : 0;
  if (!o.answers) return;
  o.answers->best = Labels(shape);
  o.answers->rank = Labels(targets ? Shape{0} : shape);
}

template <class T> kernels::SoftmaxCe<T> Rows<T>::call(const SoftmaxCe<T>& o) const {
  return {.scores = nullptr,
          .lines = lines,
          .labels = targets ? nullptr : labels.storage().data(),
          .targets = targets ? targets->data() : nullptr,
          .shared = o.multilabel,
          .class_weights = o.class_weights ? o.class_weights.data() : nullptr,
          .row_weights = weights.data(),
          .smoothing = o.label_smoothing,
          .temperature = o.temperature,
          .cap = o.soft_cap,
          .z_loss = o.z_loss,
          .scale = scale,
          .losses = nullptr,
          .gradient = nullptr,
          .best = o.answers ? o.answers->best.storage().data() : nullptr,
          .rank = o.answers ? o.answers->rank.storage().data() : nullptr,
          .scratch = nullptr};
}

template <class T> Variable<T> Rows<T>::dense_weights(const SoftmaxCe<T>& o) const {
  Array<T> w(with_axis(shape, axis));
  Shape full = w.shape();
  full[axis] = static_cast<std::size_t>(lines.length);
  w.resize(full);
  const kernels::Index classes = lines.length, inner = lines.inner;
  const T* const c = o.class_weights ? class_weights->data() : nullptr;  // an error if they have changed
  for (kernels::Index row = 0; row < lines.outer * inner; ++row) {
    const kernels::Index offset = row / inner * classes * inner + row % inner;
    const auto target = [&](kernels::Index j) {
      return targets ? static_cast<double>(targets->data()[offset + j * inner]) : double(labels.storage()[row] == j);
    };
    double positives = 0;
    for (kernels::Index j = 0; j < classes; ++j) positives += target(j) != 0;
    for (kernels::Index j = 0; j < classes; ++j) {
      const double t = o.multilabel && target(j) != 0 ? 1 / positives : target(j);
      const double smoothed = t * (1 - o.label_smoothing) + o.label_smoothing / static_cast<double>(classes);
      w.storage()[offset + j * inner] =
          static_cast<T>(positives == 0 ? 0 : smoothed * (c ? static_cast<double>(c[j]) : 1.));
    }
  }
  return w;
}

template <class T> Variable<T> Rows<T>::scales() const {
  Array<T> r(with_axis(shape, axis));
  for (std::size_t i = 0; i < r.size(); ++i) r.storage()[i] = static_cast<T>(scale * weights[i]);
  return r;
}

double Answers::accuracy(std::size_t k) const {
  std::size_t right = 0, rows = 0;
  for (const std::int64_t r : rank) {
    if (r < 0) continue;
    ++rows;
    right += static_cast<std::size_t>(r) < k;
  }
  return rows ? static_cast<double>(right) / static_cast<double>(rows) : 0;
}

template struct Rows<float>;
template struct Rows<double>;

}  // namespace wengert::losses
