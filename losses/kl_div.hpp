// kl_div: how far log-probabilities x are from the distribution t, element by element.
//
//   l = t (ln t - x), 0 where t = 0;      with log targets t = ln q:  l = e^t (t - x), 0 where t = -inf
//   dl/dx = -t                            dl/dx = -e^t
//
//   The sum over a row is the Kullback-Leibler divergence D(t || e^x) in nats, 0 where x = ln t, if e^x sums to 1: pass
//   log_softmax(scores). Then the scores' gradient is e^x sum t - t: the pull of t, and the push of all others.
//
// `mean` divides by the number of elements, as PyTorch's does; the mean divergence of a row is batchmean.
//
// Each element is within 3 ulp of its larger term, t ln t or t x, which may cancel; the gradient within 1. x and targets
// have the same shape; the targets are constants. Saved: the targets. ShapeError for shapes that are not equal;
// ValueError for targets that are negative or not finite; log targets must not be NaN or inf.
#pragma once

#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct KlDiv {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  bool log_target = false;
  bool batchmean = false;  ///< the sum over x.shape[0], whatever `reduction` says
};
template <class T> Variable<T> kl_div(Variable<T> x, std::type_identity_t<Variable<T>> targets, KlDiv<T> options = {});

}  // namespace wengert::losses
