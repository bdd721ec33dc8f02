// Losses of rows that take more than one look at a row. The loss and its gradients are computed in one go in the forward
// pass, in double; backward multiplies them by the upstream gradient, or hands them over as they are where that is 1.
// Derivatives of derivatives come from the same loss composed of ops. Internal to losses/.
#pragma once

#include <array>
#include <cmath>

#include "autodiff/gradient.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/binary.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

/// sum of f(i, lane) for from <= i < to, over eight sums of which the compiler may keep several in a register.
constexpr int lanes = 8;
template <class F> double sum_over(kernels::Index from, kernels::Index to, F f) {
  double lane[lanes] = {};
  kernels::Index i = from;
  for (; i + lanes <= to; i += lanes)
    for (int k = 0; k < lanes; ++k) lane[k] += f(i + k, k);
  for (int k = 0; i < to; ++i, ++k) lane[k] += f(i, k);
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}
template <class F> double sum_over(kernels::Index n, F f) {
  return sum_over(0, n, [&](kernels::Index i, int) { return f(i); });
}

/// K inputs of the same shape, as rows.
template <class T, std::size_t K> struct RowInputs {
  std::array<Variable<T>, K> x;
  kernels::Lines lines;  // element j of row i: at i / inner * length * inner + i % inner + j * inner
  std::size_t axis;      // along which the rows lie
  Shape shape;           // of the rows

  std::ptrdiff_t offset(std::ptrdiff_t row) const {
    return row / lines.inner * lines.length * lines.inner + row % lines.inner;
  }
};

/// A row of each input and of each gradient; of a gradient that nobody wants: null.
template <class T, std::size_t K> struct Row {
  std::size_t number;
  std::array<const T*, K> x;
  std::array<T*, K> gradient;
  kernels::Index length, step;
  double scale;  // of the gradients

  bool wants_gradient() const {
    for (T* const g : gradient)
      if (g) return true;
    return false;
  }
  void set(std::size_t k, kernels::Index j, double g) const {
    if (gradient[k]) gradient[k][j * step] = static_cast<T>(scale * g);
  }
};

/// What the sum over the rows is divided by where the mean counts rows.
inline double divisor_of(Reduction reduction, const RowWeights& weights) {
  return reduction == Reduction::mean ? static_cast<double>(weights.counted) : 1;
}

/// `row` gives the loss of a Row, and sets its gradients; `composed` the losses of all rows from the inputs, along `axis`
/// with extent 1, by ops. divisor: of the sum over the rows, 0 if nothing counts.
template <class T, std::size_t K, class OfRow, class Composed>
Variable<T> row_loss(const Op& op, RowInputs<T, K> inputs, const RowWeights& weights, double divisor,
                     Reduction reduction, OfRow row, Composed composed) {
  const bool each = reduction == Reduction::none;
  const double scale = divisor > 0 ? 1 / divisor : 0;
  std::array<Edge<T>, K> edges;
  std::array<Variable<T>, K> gradients;
  bool recorded = false;
  for (std::size_t k = 0; k < K; ++k)
    if ((edges[k] = edge(inputs.x[k]))) gradients[k] = make_result<T>(inputs.x[k].shape()), recorded = true;

  Variable<T> loss = make_result<T>(each ? inputs.shape : Shape{});
  double total = 0, lost = 0;  // what rounding took from the total
  const auto rows = static_cast<std::ptrdiff_t>(count(inputs.shape));
  for (std::ptrdiff_t i = 0; i < rows; ++i) {
    const double w = weights[static_cast<std::size_t>(i)];
    Row<T, K> r{static_cast<std::size_t>(i), {}, {}, inputs.lines.length, inputs.lines.inner, w * scale};
    for (std::size_t k = 0; k < K; ++k) {
      r.x[k] = inputs.x[k].data() + inputs.offset(i);
      r.gradient[k] = gradients[k] ? out(gradients[k]) + inputs.offset(i) : nullptr;
    }
    double l = 0;
    if (w == 0) {
      for (std::size_t k = 0; k < K; ++k)
        for (kernels::Index j = 0; j < r.length; ++j) r.set(k, j, 0);
    } else {
      l = w * row(r);
    }
    if (each) out(loss)[i] = static_cast<T>(l);
    const double sum = total + l;
    lost += std::abs(total) >= std::abs(l) ? (total - sum) + l : (l - sum) + total;
    total = sum;
  }
  if (!each) *out(loss) = static_cast<T>(scale == 0 ? 0 : (std::isfinite(total) ? total + lost : total) / divisor);
  if (!recorded) return loss;

  Variable<T> factors;  // of the rows, along the axis with extent 1
  const Shape along = with_axis(inputs.shape, inputs.axis);
  if (!weights.weight.empty()) {
    factors = make_result<T>(along);
    std::copy(weights.weight.begin(), weights.weight.end(), out(factors));
  }
  std::array<Saved<T>, K> kept;
  for (std::size_t k = 0; k < K; ++k) kept[k] = saved(std::move(inputs.x[k]));
  record(op, loss, [=, kept = std::move(kept)](Upstream<T>& g) mutable {
    if (recording()) {
      const auto again = [&] {
        std::array<Variable<T>, K> x;
        for (std::size_t k = 0; k < K; ++k) x[k] = factors ? where(factors, *kept[k], Variable<T>(T(0))) : *kept[k];
        Variable<T> l = composed(x);
        if (factors) l = l * factors;
        return each ? reshape(l, Extents(g->shape())) : sum(l) * static_cast<T>(scale);
      };
      return Tape::current()->template walk_again<T>(again, *g);
    }
    const Variable<T> upstream = each ? reshape(*g, Extents(along)) : *g;
    const bool as_is = !each && upstream.item() == 1;
    for (std::size_t k = 0; k < K; ++k) {
      if (!g.wanted(edges[k])) continue;
      Variable<T> term = g.last() ? std::move(gradients[k]) : gradients[k];
      g.add(edges[k], as_is ? std::move(term) : std::move(term) * upstream);
    }
  });
  return loss;
}

}  // namespace wengert::losses
