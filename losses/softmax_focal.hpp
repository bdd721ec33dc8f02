// softmax_focal: the softmax cross entropy of a row, less of it the better the row is known already.
//
//   L = (1/N) sum_i a_t F(l_i),   l = -ln p_t = softmax_ce of the row,   F(l) = (1 - e^-l)^gamma l = -(1 - p_t)^gamma ln p_t
//
//   dF/dl = (1 - p_t)^(gamma-1) (1 - p_t - gamma p_t ln p_t)    >= 0,    dl/ds_k = p_k - [k = t]
//
//   positive class  k = t :  dL/ds_t = a_t (p_t - 1) (1 - p_t)^(gamma-1) (1 - p_t - gamma p_t ln p_t)   <= 0
//   negative class  k != t:  dL/ds_k = a_t    p_k    (1 - p_t)^(gamma-1) (1 - p_t - gamma p_t ln p_t)   >= 0
//
// The gradient is that of the cross entropy times dF/dl, which is one number a row: the classes share it, so that they
// still sum to 0. A text that is widely read gives the negative classes the other sign: then they would not, and the scores
// of wrong classes would be pushed up. 1 - p_t = -expm1(-l) has all its digits as p_t -> 1, and l has them as p_t -> 0.
//
// T.-Y. Lin et al., "Focal loss for dense object detection", 2017, with softmax in place of the sigmoid.
#pragma once

#include "autodiff/variable.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct SoftmaxFocal {
  Reduction reduction = Reduction::mean;  ///< the mean divides by the rows that are not left out
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  std::ptrdiff_t axis = 1;           ///< of the classes
  Variable<T> class_weights = {};    ///< [C]: a_k, alpha; finite and not negative
  std::int64_t ignore_index = -100;  ///< rows with this label are left out
  double gamma = 2;                  ///< >= 0; 0 is softmax_ce
};

/// scores [..,C,..], labels in 0..C-1 in the shape of the scores without the axis of the classes. Two nodes, softmax_ce
/// and a map over the rows, and one pass over the scores each way. Loss and gradient within 2 gamma + 10 ulp; a loss below the
/// smallest normal number is 0, with gradient 0. Keeps the gradient of softmax_ce and its losses. ShapeError and
/// ValueError as softmax_ce.
template <class T> Variable<T> softmax_focal(Variable<T> scores, const Labels& labels, SoftmaxFocal<T> options = {});

}  // namespace wengert::losses
