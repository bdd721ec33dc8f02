// Prints the table of the exactness of softmax_ce, by group: the worst errors of loss and gradient against long double.
//
// A unit is one in the last place of the exact number; where terms cancel, of their sizes: of a loss of targets of both
// signs, and of the gradient of targets other than labels, W p - w.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "benchmarks/contenders.hpp"

namespace {

using namespace bench;
using Real = long double;

/// Loss and gradient of a row by the formulas of losses/softmax_ce.hpp, each as it loses nothing.
template <class T> struct Exact {
  Real loss = 0, loss_size = 0;      // the sum of the sizes of its terms
  std::vector<Real> gradient, size;  // the larger term

  Exact(const Rows<T>& r, std::size_t row) {
    const auto n = static_cast<std::size_t>(r.classes);
    const T* const s = &r.scores[row * n];
    std::vector<Real> z(n), slope(n), w(n), e(n);
    Real positives = 0;
    for (std::size_t j = 0; j < n; ++j) positives += !r.targets.empty() && r.targets[row * n + j] != 0;
    for (std::size_t j = 0; j < n; ++j) {
      const Real x = s[j], u = r.soft_cap > 0 ? x / r.soft_cap : 0, q = std::exp(-2 * std::abs(u));
      z[j] = (r.soft_cap > 0 ? r.soft_cap * std::tanh(u) : x) / r.temperature;
      slope[j] = (r.soft_cap > 0 ? 4 * q / ((1 + q) * (1 + q)) : 1) / r.temperature;
      const Real t = r.targets.empty() ? static_cast<std::size_t>(r.labels[row]) == j
                     : r.multilabel    ? (r.targets[row * n + j] != 0) / positives
                                       : Real(r.targets[row * n + j]);
      w[j] = ((1 - Real(r.smoothing)) * t + Real(r.smoothing) / n) * (r.class_weights.empty() ? 1 : r.class_weights[j]);
    }
    const std::size_t top = std::max_element(z.begin(), z.end()) - z.begin();
    Real tail = 0, weight = 0, others = 0;
    for (std::size_t j = 0; j < n; ++j) {
      e[j] = std::exp(z[j] - z[top]);
      weight += w[j];
      if (j != top) tail += e[j], others += w[j];
    }
    const Real lse = z[top] + std::log1p(tail), extra = r.z_loss > 0 ? 2 * r.z_loss * lse : 0;
    for (std::size_t j = 0; j < n; ++j)
      if (w[j] != 0) {
        const Real term = w[j] * ((z[top] - z[j]) + std::log1p(tail));
        loss += term;
        loss_size += std::abs(term);
      }
    if (r.z_loss > 0) loss += r.z_loss * lse * lse, loss_size += r.z_loss * lse * lse;
    for (std::size_t j = 0; j < n; ++j) {
      const Real p = e[j] / (1 + tail), push = (weight + extra) * p;
      const Real g = j == top ? others - weight * (tail / (1 + tail)) + extra * p : push - w[j];
      gradient.push_back(g * slope[j]);
      size.push_back(std::max(std::abs(push), std::abs(w[j])) * slope[j]);
    }
  }
};

template <class T> double ulps(T got, Real want, Real size) {
  if (std::isnan(got)) return HUGE_VAL;
  const T nearest = static_cast<T>(std::abs(size));
  return static_cast<double>(std::abs(got - want) / (std::nextafter(nearest, std::numeric_limits<T>::max()) - nearest));
}

/// "0.5 / 1.2": loss and gradient; with it the part of the losses that came back as 0 and should not.
template <class T> std::string worst(const Rows<T>& r) {
  double loss = 0, gradient = 0;
  int lost = 0;
  const auto n = static_cast<std::size_t>(r.classes);
  for (std::size_t i = 0; i < static_cast<std::size_t>(r.rows); ++i) {
    const Exact<T> exact(r, i);
    lost += r.loss[i] == 0 && static_cast<T>(exact.loss) != 0;
    loss = std::max(loss, ulps(r.loss[i], exact.loss, exact.loss_size));
    for (std::size_t j = 0; j < n; ++j) {
      const bool cancels = !r.targets.empty() || r.smoothing > 0 || r.z_loss > 0;
      gradient = std::max(gradient,
                          ulps(r.gradient[i * n + j], exact.gradient[j], cancels ? exact.size[j] : exact.gradient[j]));
    }
  }
  char text[64];
  std::snprintf(text, sizeof(text), "%.2g / %.2g", loss, gradient);
  std::string all = text;
  if (lost) std::snprintf(text, sizeof(text), ", %.0f %% lost", 100. * lost / r.rows), all += text;
  return all;
}

struct Group {
  std::string name;
  int rows = 200, classes = 10;
  double low = 0, high = 5;  ///< the label's lead
  double offset = 0;         ///< of all scores
  enum { labels, probabilities, several, real } targets = labels;
  bool weighted = false;
  double smoothing = 0, temperature = 1, soft_cap = 0, z_loss = 0;
};

template <class T> Rows<T> draw(const Group& g) {
  const auto n = static_cast<std::size_t>(g.classes), rows = static_cast<std::size_t>(g.rows);
  Rows<T> r{g.rows, g.classes, numbers<T>(rows * n, 5, -1, 0), some_labels(g.rows, g.classes)};
  const auto lead = numbers<double>(rows, 6, g.low, g.high);
  for (std::size_t i = 0; i < rows; ++i) {
    r.scores[i * n + static_cast<std::size_t>(r.labels[i])] = static_cast<T>(lead[i]);
    for (std::size_t j = 0; j < n; ++j) r.scores[i * n + j] += static_cast<T>(g.offset);
  }
  if (g.targets != Group::labels) {
    r.targets = numbers<T>(rows * n, 8, g.targets == Group::real ? -1 : 0, g.targets == Group::real ? 2 : 1);
    r.multilabel = g.targets == Group::several;
    for (std::size_t i = 0; i < rows; ++i) {
      T sum = 0;
      for (std::size_t j = 0; j < n; ++j) {
        T& t = r.targets[i * n + j];
        if (g.targets == Group::several) t = t > T(0.7) || static_cast<std::size_t>(r.labels[i]) == j;
        sum += t;
      }
      if (g.targets == Group::probabilities)
        for (std::size_t j = 0; j < n; ++j) r.targets[i * n + j] /= sum;
    }
  }
  if (g.weighted) r.class_weights = numbers<T>(n, 9, 0.1, 3);
  r.smoothing = g.smoothing;
  r.temperature = g.temperature;
  r.soft_cap = g.soft_cap;
  r.z_loss = g.z_loss;
  return r;
}

template <class T> std::string of_ours(const Group& g) {
  Rows<T> r = draw<T>(g);
  ours::answer(r);
  return worst(r);
}
template <class T> std::string of_libtorch([[maybe_unused]] const Group& g) {
#if WENGERT_LIBTORCH
  Rows<T> r = draw<T>(g);
  if (libtorch::answer(r)) return worst(r);
#endif
  return "";
}

}  // namespace

int main() {
  const Group groups[] = {
      {.name = "labels, leads of 0 to 5"},
      {.name = "leads of 5 to 15", .low = 5, .high = 15},
      {.name = "leads of 15 to 40", .low = 15, .high = 40},
      {.name = "leads of 40 to 85", .low = 40, .high = 85},
      {.name = "leads of 85 to 103: subnormal in float32", .low = 85, .high = 103},
      {.name = "leads of 100 to 700", .low = 104, .high = 700},
      {.name = "leads of 708 to 744: subnormal in float64", .low = 708, .high = 744},
      {.name = "labels behind by 0 to 100", .low = -100, .high = 0},
      {.name = "1000 classes, leads of 0 to 40", .rows = 50, .classes = 1000, .high = 40},
      {.name = "50,000 classes, leads of 0 to 40", .rows = 10, .classes = 50'000, .high = 40},
      {.name = "scores at 1e3", .high = 40, .offset = 1e3},
      {.name = "scores at 1e10", .high = 1e5, .offset = 1e10},
      {.name = "scores at 1e30", .high = 1e20, .offset = 1e30},
      {.name = "class weights", .high = 40, .weighted = true},
      {.name = "smoothing 0.1", .high = 40, .smoothing = 0.1},
      {.name = "smoothing 0.1, class weights", .high = 40, .weighted = true, .smoothing = 0.1},
      {.name = "probabilities", .high = 40, .targets = Group::probabilities},
      {.name = "several positives, 1/M each", .high = 40, .targets = Group::several},
      {.name = "real numbers, -1 to 2", .high = 40, .targets = Group::real},
      {.name = "temperature 0.3", .high = 12, .temperature = 0.3},
      {.name = "soft cap 30", .high = 40, .soft_cap = 30},
      {.name = "z-loss 0.01", .high = 40, .z_loss = 0.01},
  };
  std::puts("| group | ours f32 | ours f64 | libtorch f32 | libtorch f64 |\n|---|---|---|---|---|");
  for (const Group& g : groups) {
    std::printf("| %s | %s | %s | %s | %s |\n", g.name.c_str(), of_ours<float>(g).c_str(), of_ours<double>(g).c_str(),
                of_libtorch<float>(g).c_str(), of_libtorch<double>(g).c_str());
    std::fflush(stdout);
  }
}
