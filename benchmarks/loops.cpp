// The limit of the elementwise work: one loop that does it all, as the compiler makes it with every licence
// (-Ofast -march=native). What wengert promises beyond it, exact confident rows, NaN, fixed bits, is not in
// there.
#include <algorithm>
#include <cmath>

#include "benchmarks/contenders.hpp"

namespace bench::limit {

Work softmax_ce(int rows, int classes) {
  const std::size_t n = std::size_t(rows) * classes;
  return [=, scores = numbers(n, 1, -5, 5), gradient = std::vector<float>(n), t = some_labels(rows, classes),
          sink = 0.f]() mutable {
    float loss = 0;
    for (int i = 0; i < rows; ++i) {
      const float* s = &scores[std::size_t(i) * classes];
      float *g = &gradient[std::size_t(i) * classes], most = s[0], sum = 0;
      for (int j = 0; j < classes; ++j) most = std::max(most, s[j]);
      for (int j = 0; j < classes; ++j) sum += g[j] = std::exp(s[j] - most);
      const float k = 1 / (sum * static_cast<float>(rows));
      for (int j = 0; j < classes; ++j) g[j] *= k;
      g[t[i]] -= 1 / static_cast<float>(rows);
      loss += std::log(sum) + most - s[t[i]];
    }
    sink = loss / static_cast<float>(rows);
  };
}

Work tanh_sum(int n, bool by_row) {
  const std::size_t full = std::size_t(n) * n, part = by_row ? n : full;
  return [=, x = numbers(full, 1), w = numbers(part, 2), b = numbers(part, 3), gx = std::vector<float>(full),
          gw = std::vector<float>(part), gb = std::vector<float>(part), sink = 0.f]() mutable {
    const std::size_t step = by_row ? 0 : n;
    std::fill(gw.begin(), gw.end(), 0.f);
    std::fill(gb.begin(), gb.end(), 0.f);
    float sum = 0;
    for (int i = 0; i < n; ++i) {
      const float *px = &x[std::size_t(i) * n], *pw = &w[i * step], *pb = &b[i * step];
      float *pgx = &gx[std::size_t(i) * n], *pgw = &gw[i * step], *pgb = &gb[i * step];
#pragma GCC ivdep
      for (int j = 0; j < n; ++j) {
        const float y = std::tanh(px[j] * pw[j] + pb[j]), slope = 1 - y * y;
        sum += y;
        pgx[j] = slope * pw[j];
        pgw[j] += slope * px[j];
        pgb[j] += slope;
      }
    }
    sink = sum;
  };
}

}  // namespace bench::limit
