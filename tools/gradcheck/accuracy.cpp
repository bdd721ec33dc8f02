#include "tools/gradcheck/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "autodiff/tape.hpp"
#include "losses/softmax_ce.hpp"

namespace wengert::tool {
namespace {

template <class T> struct Rows {
  Array<T> scores{Shape{compared_rows, compared_classes}};
  Labels labels{Shape{compared_rows}};
};
/// A loss a row, and its gradient.
template <class T> struct Results {
  std::vector<T> losses = std::vector<T>(compared_rows), gradient = std::vector<T>(compared_rows * compared_classes);
};

/// The same for every margin, offset and type, but for these.
template <class T> Rows<T> draw_rows(double margin, double offset) {
  std::mt19937_64 random(1);
  Rows<T> rows;
  for (std::size_t i = 0; i < compared_rows; ++i) {
    const std::size_t label = random() % compared_classes;
    rows.labels(i) = static_cast<std::int64_t>(label);
    for (std::size_t j = 0; j < compared_classes; ++j) {
      const double s = 2 * (static_cast<double>(random() >> 11) * 0x1p-53) - 1;
      rows.scores(i, j) = static_cast<T>(s + (j == label ? margin : 0) + offset);
    }
  }
  return rows;
}

/// By the definition; every other class stands against the largest, so that nothing cancels.
Results<long double> exact_results(const auto& rows) {
  Results<long double> r;
  for (std::size_t i = 0; i < compared_rows; ++i) {
    const auto* const s = &rows.scores(i, 0);
    const auto label = static_cast<std::size_t>(rows.labels(i));
    const std::size_t top = std::max_element(s, s + compared_classes) - s;
    long double e[compared_classes], tail = 0;
    for (std::size_t j = 0; j < compared_classes; ++j) {
      e[j] = std::exp(static_cast<long double>(s[j]) - s[top]);
      if (j != top) tail += e[j];
    }
    r.losses[i] = (static_cast<long double>(s[top]) - s[label]) + std::log1p(tail);
    for (std::size_t j = 0; j < compared_classes; ++j)
      r.gradient[i * compared_classes + j] = j != label ? e[j] / (1 + tail)
                                             : j == top ? -tail / (1 + tail)
                                                        : e[j] / (1 + tail) - 1;
  }
  return r;
}

template <class T> Results<T> by_tape(const Rows<T>& rows, Way way) {
  const Variable<T> s = parameter(rows.scores);
  Tape tape;
  const losses::SoftmaxCe<T> each{.reduction = losses::Reduction::none};
  const Variable<T> loss =
      way == fused ? losses::softmax_ce(s, rows.labels, each) : losses::softmax_ce_unfused(s, rows.labels, each);
  const auto [g] = tape.gradient(loss, {s}, {.upstream = Array<T>(loss.shape(), T(1))});
  Results<T> r;
  std::copy_n(loss.data(), r.losses.size(), r.losses.begin());
  std::copy_n(g.data(), r.gradient.size(), r.gradient.begin());
  return r;
}

/// As libtorch computes it, every step rounded to T.
template <class T> Results<T> by_log_softmax(const Rows<T>& rows) {
  Results<T> r;
  for (std::size_t i = 0; i < compared_rows; ++i) {
    const T* const s = &rows.scores(i, 0);
    const auto label = static_cast<std::size_t>(rows.labels(i));
    const T most = *std::max_element(s, s + compared_classes);
    T sum = 0;
    for (std::size_t j = 0; j < compared_classes; ++j) sum += std::exp(s[j] - most);
    const T log_sum = std::log(sum);
    for (std::size_t j = 0; j < compared_classes; ++j) {
      const T log_p = s[j] - most - log_sum;
      if (j == label) r.losses[i] = -log_p;
      r.gradient[i * compared_classes + j] = std::exp(log_p) - (j == label ? T(1) : T(0));
    }
  }
  return r;
}

template <class T> Accuracy against(const std::vector<T>& got, const std::vector<long double>& exact) {
  Accuracy a;
  for (std::size_t i = 0; i < got.size(); ++i) a.add(got[i], exact[i]);
  return a;
}

}  // namespace

template <class T> void Accuracy::add(T got, long double exact) {
  ++values;
  const T rounded = std::abs(static_cast<T>(exact));
  if (!std::isfinite(got)) {
    ++not_finite;
  } else if (got == 0 && rounded != 0) {
    ++lost;
  } else {
    const long double unit = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
    ulp = std::max(ulp, static_cast<double>(std::abs(static_cast<long double>(got) - exact) / unit));
  }
}
template void Accuracy::add(float, long double);
template void Accuracy::add(double, long double);

template <class T> Measured measure(double margin, double offset) {
  const Rows<T> rows = draw_rows<T>(margin, offset);
  const Results<long double> exact = exact_results(rows);
  Measured m{margin, offset, {}, {}};
  for (const Way way : {fused, log_softmax_nll, unfused}) {
    const Results<T> r = way == log_softmax_nll ? by_log_softmax(rows) : by_tape(rows, way);
    m.loss[way] = against(r.losses, exact.losses);
    m.gradient[way] = against(r.gradient, exact.gradient);
  }
  return m;
}
template Measured measure<float>(double, double);
template Measured measure<double>(double, double);

}  // namespace wengert::tool
