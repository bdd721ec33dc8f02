// Softmax and cross entropy in one node.
//
// L = (1/N) sum_i l(s_i, t_i),   l = -log softmax(s)_t = lse(s) - s_t,   lse(s) = log sum_j e^(s_j),   p = softmax(s)
//
//   d lse/d s_k = p_k,    d s_t/d s_k = [k = t]
//
//   negative class  k != t :  dl/ds_k = p_k        >= 0: pushes the score down. Its loss term is zero, its gradient
//                                                  is not: s_k stands in the denominator of softmax(s)_t.
//   positive class  k = t  :  dl/ds_t = p_t - 1    <= 0: pushes it up
//   they sum to 0, since adding a constant to every score changes nothing.
//
// Several positives, weight w_k on class k (1/M each for M positives; any real numbers), W = sum_k w_k:
//
//   l = sum_k w_k (lse(s) - s_k) = W lse(s) - sum_k w_k s_k
//   dl/ds_k = W p_k - w_k:     W p_k on a negative class (w_k = 0),   W p_k - w_k on a positive one
//
// Labels with class weights c and smoothing a are such weights, too: w_k = c_k ((1 - a) [k = t] + a/C), and targets t_k
// become w_k = c_k ((1 - a) t_k + a/C).
//
// Real-number labels. With t_k any numbers, M of them not 0, and w_k = t_k/M, the same formulas hold: what is not 0 pulls
// with its own weight w_k, all are pushed by W p_k. A layer that is widely read keeps the label's value in the forward
// pass and forgets it in the backward, p_k - 1/M on every positive class: right only if all labels are 1.
// Several positives with 1/M each: D. Mahajan et al., "Exploring the limits of weakly supervised pretraining", 2018.
//
// Temperature and cap. z_k = cap tanh(s_k / cap) / temperature takes the place of s_k, and the gradient is multiplied by
// dz_k/ds_k. The z-loss adds z_loss lse(z)^2 to l, and 2 z_loss lse(z) p_k to dl/dz_k: W p_k - w_k becomes
// (W + 2 z_loss lse) p_k - w_k.
//
// Accuracy. m = max_j s_j, T = the sum of e^(s_j - m) over all but one class that attains m, k = 1/(1 + T):
//
//   l       = (m - s_t) + log1p(T)           no overflow, no log 0, full precision as p_t -> 1
//   p_j     = e^(s_j - m) k                  the difference s_j - m with what rounding took from it
//   p_t - 1 = -T k  where s_t = m,           no cancellation as p_t -> 1;  e^(s_t - m) k - 1 elsewhere, where p_t <= 1/2
//
// Both types are computed in double: loss and gradient are within 1 ulp for float32 and within 3 ulp for float64; where
// W p_k meets a w_k of its own size, within 4 ulp of w_k. With a cap the gradient of float64 is within 6: dz/ds is rounded,
// too. z itself is computed with what rounding takes from it, since e^z sees that.
//
// Derivatives of derivatives. dp = p (dz - <p, dz>), so the Hessian times v is W p (v - <p, v>): the rule of softmax, from
// which the recorded backward takes it.
#pragma once

#include "autodiff/variable.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

/// What the scores of a pass answer, a row each.
struct Answers {
  Labels best;  ///< the class of the largest score, the first of several
  Labels rank;  ///< how many scores stand before the label's: 0 where `best` is right; none without labels

  /// The part of the rows whose label is among the k largest scores; rows that are left out do not count. 0 for none.
  double accuracy(std::size_t k = 1) const;
};

template <class T> struct SoftmaxCe {
  Reduction reduction =
      Reduction::mean;           ///< the mean of labels divides by the sum of the weights used, that of targets by N
  Variable<T> row_weights = {};  ///< see weighting.hpp
  Variable<T> mask = {};
  std::ptrdiff_t axis = 1;           ///< of the classes: [N,C], [N,C,H,W]; -1 for [T,N,C]; that of scores [C] is 0
  Variable<T> class_weights = {};    ///< [C], finite and not negative
  std::int64_t ignore_index = -100;  ///< rows with this label are left out
  double label_smoothing = 0;        ///< in [0,1]: this part of the weight goes to all classes evenly
  bool multilabel = false;           ///< targets that are not 0 count 1/M each, M of them in the row
  bool count_empty_rows = true;      ///< whether the mean of targets counts rows without a positive
  double temperature = 1;            ///< > 0
  double soft_cap = 0;               ///< >= 0; 0 for none
  double z_loss = 0;                 ///< >= 0
  bool reuse_scores = false;         ///< write the gradient over the scores even though the caller still holds them
  Answers* answers = nullptr;        ///< filled in on the way
};

/// scores [..,C,..], float32 or float64; labels in 0..C-1, in the shape of the scores without the axis of the classes; the
/// loss in nats. -inf masks a negative class; NaN, inf and a row of -inf alone give NaN. Where a gradient is wanted it is computed along with the
/// loss and kept, as many elements as the scores have, in the memory of the scores if nobody else holds them: then it
/// costs no memory. Backward scales it by the upstream gradient, and hands it over as it is where that is 1. Cap,
/// temperature and z-loss keep the scores, too, unless they are reused; then there is no derivative of the derivative.
/// ShapeError and ValueError name row, value and range before anything is computed. If all rows are left out, the mean is
/// 0, where PyTorch's is NaN.
template <class T> Variable<T> softmax_ce(Variable<T> scores, const Labels& labels, SoftmaxCe<T> options = {});

/// targets, in the shape of the scores: the weights w, any real numbers; what is NaN or infinite is a ValueError. A class
/// of weight 0 counts nothing even at a score of -inf; a row without positives has loss 0 and gradient 0. The targets
/// are constants. As a Variable they are shared, as an Array copied.
template <class T> Variable<T> softmax_ce(Variable<T> scores, Variable<T> targets, SoftmaxCe<T> options = {});
template <class T> Variable<T> softmax_ce(Variable<T> scores, const Array<T>& targets, SoftmaxCe<T> options = {}) {
  return softmax_ce(std::move(scores), Variable<T>(targets), std::move(options));
}
/// Any other expression of real numbers is a target, too: it is never rounded to labels.
template <class T, class E>
requires std::is_floating_point_v<typename E::value_type> Variable<T> softmax_ce(Variable<T> scores,
                                                                                 const xt::xexpression<E>& targets,
                                                                                 SoftmaxCe<T> options = {}) {
  return softmax_ce(std::move(scores), Variable<T>(Array<T>(targets)), std::move(options));
}

/// Scores that are probabilities already, every row summing to 1, are warned of once on std::cerr: softmax is part of the
/// loss. This silences it.
void expect_probabilities_as_scores();

/// The same loss composed of exp, sum, log and products, a node each, as one would write it down: overflows beyond scores of
/// 88 (float32) or 709 (float64) and loses confident rows. To hold the fused one against. Takes all options but `answers`
/// and `reuse_scores`.
template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Labels& labels, SoftmaxCe<T> options = {});
template <class T>
Variable<T> softmax_ce_unfused(Variable<T> scores, const Array<T>& targets, SoftmaxCe<T> options = {});

}  // namespace wengert::losses
