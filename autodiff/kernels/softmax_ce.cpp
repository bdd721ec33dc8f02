// Softmax and cross entropy of rows, value and gradient in one go. The derivation is in losses/softmax_ce.hpp;
// here m is the maximum of a row, T the sum of e^(s_j - m) over all but one entry that equals m, k = 1/(1 + T).
#include "autodiff/kernels/line.hpp"
#include "autodiff/kernels/math.hpp"

namespace wengert::kernels {
namespace {

/// What is left to do for a row once its exponentials are known: loss = margin + weight log1p(tail).
struct Row {
  double margin, weight, tail;
};

/// The sum of e^(s_j - m) over the entries below m, and 1 for each that equals m but for the first. Where `e` is given,
/// the exponentials stay there; it may be the row itself.
template <class T> double tail_sum(const T* row, Index classes, T m, T* e) {
  const Pack<T> most(m);
  Index ties = 0;
  const double below = sum_over<T>(classes, [&](auto at) {
    const Pack<T> s = at.load(row);
    const Pack<T> x = exp_of_difference(s, most);
    const Mask<T> is_most = s == most;
    ties += count(is_most, at.count);
    if (e) at.store(e, x);
    return select(is_most, Pack<T>(0), x);
  });
  return below + static_cast<double>(ties - 1);
}

/// A row with NaN may give any of its numbers: the sum of its exponentials is NaN in any case.
template <class T> T max_of_row(const T* row, Index classes) {
  constexpr Index lanes = Pack<T>::lanes;
  const Pack<T> least(-__builtin_inf());
  Pack<T> most[4] = {least, least, least, least};
  Index i = 0;
  for (; i + 4 * lanes <= classes; i += 4 * lanes)
    for (Index k = 0; k < 4; ++k) most[k] = larger(most[k], Whole<T>{i + k * lanes}.load(row));
  for (; i + lanes <= classes; i += lanes) most[0] = larger(most[0], Whole<T>{i}.load(row));
  if (i < classes) {
    const Part<T> rest{i, classes - i};
    most[1] = larger(most[1], rest.only(rest.load(row), least));
  }
  return max_lanes(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}

//   negative class   p_k                   = e_k k
//   positive class   p_t - 1               = -T k      where s_t = m: nothing cancels as p_t -> 1
//                                          = e_t k - 1 elsewhere: p_t <= 1/2
template <class T> Row label_row(const SoftmaxCe<T>& c, Index i) {
  const T* const row = c.scores + i * c.classes;
  T* const gradient = c.gradient ? c.gradient + i * c.classes : nullptr;
  const Index t = c.labels[i];
  const T m = max_of_row(row, c.classes), positive = row[t];  // read before the gradient may take its place
  const double tail = tail_sum(row, c.classes, m, gradient);
  if (gradient) {
    const double k = c.scale / (1 + tail);
    const double at_positive = positive == m ? -tail * k : gradient[t] * k - c.scale;
    const Pack<T> factor(k);
    each_pack<T>(c.classes, [&](auto at) { at.store(gradient, at.load(gradient) * factor); });
    gradient[t] = static_cast<T>(at_positive);
  }
  return {static_cast<double>(m) - static_cast<double>(positive), 1, tail};
}

//   W = sum of w_k,   margin = sum of w_k (m - s_k), a class without weight counting 0 even at s_k = -inf
//   W p_k - w_k = (W - w_k) - W T k   where s_k = m (there e_k = 1, and as p_k -> 1 nothing cancels that need not)
//               = W e_k k - w_k       elsewhere
template <class T> Row target_row(const SoftmaxCe<T>& c, Index i) {
  const T* const row = c.scores + i * c.classes;
  const T* const w = c.targets + i * c.classes;
  T* const gradient = c.gradient ? c.gradient + i * c.classes : nullptr;
  const T m = max_of_row(row, c.classes);
  const Pack<T> most(m), zero(0);
  const double weight = sum_over<T>(c.classes, [&](auto at) { return at.load(w); });
  const double margin = sum_over<T>(c.classes, [&](auto at) {
    const Pack<T> pw = at.load(w);
    return select(pw == zero, zero, pw * (most - at.load(row)));
  });
  const double tail = tail_sum(row, c.classes, m, gradient);
  if (gradient) {
    const double k = weight * c.scale / (1 + tail);
    const Pack<T> factor(k), away(tail * k), sum(weight), scale(c.scale);
    each_pack<T>(c.classes, [&](auto at) {
      const Pack<T> e = at.load(gradient), pw = at.load(w);
      at.store(gradient, select(e == Pack<T>(1), (sum - pw) * scale - away, e * factor - pw * scale));
    });
  }
  return {margin, weight, tail};
}

template <class T> double softmax_ce(const SoftmaxCe<T>& c) {
  constexpr Index block = 64;
  double margin[block], weight[block], tail[block], loss[block];
  Carried<double> total;
  for (Index first = 0; first < c.rows; first += block) {
    const Index n = c.rows - first < block ? c.rows - first : block;
    for (Index i = 0; i < n; ++i) {
      const Row row = c.labels ? label_row(c, first + i) : target_row(c, first + i);
      margin[i] = row.margin, weight[i] = row.weight, tail[i] = row.tail;
    }
    each_pack<double>(n, [&](auto at) { at.store(loss, at.load(margin) + at.load(weight) * log1p(at.load(tail))); });
    total.add(sum_over<double>(n, [&](auto at) { return at.load(loss); }));
    if (c.losses)
      for (Index i = 0; i < n; ++i) c.losses[first + i] = static_cast<T>(loss[i]);
  }
  return total.value();
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_softmax_ce(Kernels<T>& k) { k.softmax_ce = softmax_ce<T>; }
template void fill_softmax_ce(Kernels<float>&);
template void fill_softmax_ce(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
