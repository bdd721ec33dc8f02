// nll: the negative of the label's score, for scores that are log-probabilities already.
//
//   L = (1/W) sum_i w_i l_i,   l = -s_t,   w_i the weight of row i's class, W = sum_i w_i: as PyTorch's nll_loss
//
//   positive class  k = t :  dl/ds_t = -1
//   negative class  k != t:  dl/ds_k = 0: what pushes them down is the normalisation, which is not part of this loss
//
// nll(log_softmax(s), labels) is softmax_ce(s, labels), in two nodes and with a matrix of zeros between them.
#pragma once

#include "autodiff/variable.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct Nll {
  Reduction reduction = Reduction::mean;  ///< the mean divides by the sum of the weights used
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  std::ptrdiff_t axis = 1;           ///< of the classes
  Variable<T> class_weights = {};    ///< [C], finite and not negative
  std::int64_t ignore_index = -100;  ///< rows with this label are left out
};

/// scores [..,C,..], labels in 0..C-1 in the shape of the scores without the axis of the classes; exact but for the mean.
/// Keeps the scores and the gradient. ShapeError and ValueError as softmax_ce.
template <class T> Variable<T> nll(Variable<T> scores, const Labels& labels, Nll<T> options = {});

}  // namespace wengert::losses
