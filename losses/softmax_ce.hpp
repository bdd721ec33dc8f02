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
// Accuracy. m = max_j s_j, T = the sum of e^(s_j - m) over all but one class that attains m, k = 1/(1 + T):
//
//   l       = (m - s_t) + log1p(T)           no overflow, no log 0, full precision as p_t -> 1
//   p_j     = e^(s_j - m) k                  the difference s_j - m with what rounding took from it
//   p_t - 1 = -T k  where s_t = m,           no cancellation as p_t -> 1;  e^(s_t - m) k - 1 elsewhere, where p_t <= 1/2
//
// Derivatives of derivatives. dp = p (ds - <p, ds>), so the Hessian times v is W p (v - <p, v>): the rule of softmax, from
// which the recorded backward takes it.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert::losses {

enum class Reduction {
  mean,  ///< the sum over the rows / N; 0 rows give NaN, as a mean does
  sum,
  none,  ///< one loss a row, [N]
};

struct SoftmaxCe {
  Reduction reduction = Reduction::mean;
};

/// scores [N,C], float32 or float64; labels [N] in 0..C-1; the loss in nats. -inf masks a negative class; NaN gives
/// NaN. Where a gradient is wanted it is computed along with the loss and kept, N C elements, in the memory of the
/// scores if nobody else holds them; backward scales it by the upstream gradient, and hands it over as it is where that is 1.
/// ShapeError and ValueError name row, value and range before anything is computed.
template <class T> Variable<T> softmax_ce(Variable<T> scores, const Labels& labels, SoftmaxCe options = {});

/// targets [N,C]: the weights w, any real numbers; what is NaN or infinite is a ValueError. A class of weight 0 counts
/// nothing even at a score of -inf. The targets are constants. As a Variable they are shared, as an Array copied.
template <class T> Variable<T> softmax_ce(Variable<T> scores, Variable<T> targets, SoftmaxCe options = {});
template <class T> Variable<T> softmax_ce(Variable<T> scores, const Array<T>& targets, SoftmaxCe options = {});
/// Any other expression of real numbers is a target, too: it is never rounded to labels.
template <class T, class E>
requires std::is_floating_point_v<typename E::value_type> Variable<T> softmax_ce(Variable<T> scores,
                                                                                 const xt::xexpression<E>& targets,
                                                                                 SoftmaxCe options = {}) {
  return softmax_ce(std::move(scores), Array<T>(targets), options);
}

/// The same loss composed of exp, sum, log and gather, a node each, as one would write it down: overflows beyond scores of
/// 88 (float32) or 709 (float64) and loses confident rows. To hold the fused one against.
template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Labels& labels, SoftmaxCe options = {});
template <class T> Variable<T> softmax_ce_unfused(Variable<T> scores, const Array<T>& targets, SoftmaxCe options = {});

}  // namespace wengert::losses
