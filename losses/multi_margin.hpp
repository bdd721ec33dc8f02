// multi_margin: every other class must stay behind the label's score by a margin.
//
//   L = (1/N) sum_i l_i,   l = (c_t / C) sum_{k != t} max(0, h_k)^p,   h_k = margin - s_t + s_k,   p = 1 or 2
//
//   negative class  k != t:  dl/ds_k = c_t/C p h_k^(p-1) where h_k > 0, else 0: also at the kink of p = 1
//   positive class  k = t :  dl/ds_t = -sum_{k != t} dl/ds_k
//
//   only the classes that come too close are pushed down, each with the same force (p = 1) or by how far (p = 2); the
//   label's is pulled with the sum of these forces. Nothing moves once all keep the margin: softmax_ce never comes to rest.
//
// K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines", 2001 (there with
// the largest h alone); as PyTorch's multi_margin_loss, whose mean divides by N also with class weights c.
#pragma once

#include "autodiff/variable.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct MultiMargin {
  Reduction reduction = Reduction::mean;  ///< the mean divides by the rows that are not left out
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  std::ptrdiff_t axis = 1;           ///< of the classes
  Variable<T> class_weights = {};    ///< [C], finite and not negative
  std::int64_t ignore_index = -100;  ///< rows with this label are left out
  int p = 1;                         ///< or 2
  double margin = 1;                 ///< finite
};

/// scores [..,C,..], labels in 0..C-1 in the shape of the scores without the axis of the classes. Computed in double: for
/// float32 within 1 ulp, for float64 within 2 ulp of the sum of the terms times C/8. Keeps the scores and the gradient. ShapeError and
/// ValueError as softmax_ce.
template <class T> Variable<T> multi_margin(Variable<T> scores, const Labels& labels, MultiMargin<T> options = {});

}  // namespace wengert::losses
