// Losses of two classes, element by element; s are scores, t targets of the same shape. The targets are constants.
//
// bce_with_logits. p = sigmoid(s) is the probability of class 1, c = pos_weight:
//
//   l = -(c t ln p + (1 - t) ln(1 - p)),     -ln p = softplus(-s),   -ln(1 - p) = softplus(s)
//
//   d softplus(s)/ds = p,   d softplus(-s)/ds = -(1 - p)
//
//   positive  t = 1:  dl/ds = -c (1 - p)   <= 0: pushes the score up
//   negative  t = 0:  dl/ds = p            >= 0: pushes it down
//   between:          dl/ds = (1 - t) p - c t (1 - p);   p - t where c = 1
//
// softplus and sigmoid are exact in both tails, so that loss and gradient are: 1 - p is sigmoid(-s), never a difference.
//
// sigmoid_focal. 1 - p_t = p (1 - t) + (1 - p) t is what the wrong class is given, a_t = alpha t + (1 - alpha) (1 - t), or 1
// for alpha < 0; what is right already counts less, the more so the larger gamma is:
//
//   l = a_t (1 - p_t)^gamma bce(s, t);      -a_t (1 - p_t)^gamma ln p_t for t = 0 or 1
//
//   d l/d p_t = a_t (gamma (1 - p_t)^(gamma-1) ln p_t - (1 - p_t)^gamma / p_t),    d p_t/ds = +-p_t (1 - p_t)
//
//   positive:  dl/ds = -a_t (1 - p_t)^gamma (1 - p_t - gamma p_t ln p_t)   <= 0
//   negative:  dl/ds = +a_t (1 - p_t)^gamma (1 - p_t - gamma p_t ln p_t)   >= 0: the sign comes from dp_t/ds alone
//
// 1 - p_t is sigmoid(-s) or sigmoid(s): the power is not one of a difference; finite for any finite score, any gamma >= 0.
// T.-Y. Lin et al., "Focal loss for dense object detection", 2017; for t in between as torchvision has it.
//
// hinge and squared_hinge. t is -1 or 1, h = max(0, margin - t s):
//
//   hinge          l = h,      dl/ds = -t where margin - t s > 0, else 0: also at the kink
//   squared_hinge  l = h^2,    dl/ds = -2 t h: no kink
//
// Each element and its gradient are within 4 ulp (of the larger term where two cancel); of sigmoid_focal within 2 gamma + 5. Saved: scores and targets.
// ShapeError for shapes that are not equal; ValueError for targets that are not finite, or, for a hinge, not -1 or 1.
#pragma once

#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct Bce {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  Variable<T> pos_weight = {};  ///< stretches to the scores: [C] for scores [N,C]; finite and not negative
};
/// 0 for a target that is met by a score of infinity of its sign.
template <class T>
Variable<T> bce_with_logits(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Bce<T> options = {});

template <class T> struct SigmoidFocal {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double gamma = 2;     ///< >= 0
  double alpha = 0.25;  ///< of the positives, in 0..1; below 0 for none
};
template <class T>
Variable<T> sigmoid_focal(Variable<T> scores, std::type_identity_t<Variable<T>> targets, SigmoidFocal<T> options = {});

template <class T> struct Hinge {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double margin = 1;  ///< finite
};
template <class T>
Variable<T> hinge(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Hinge<T> options = {});
template <class T>
Variable<T> squared_hinge(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Hinge<T> options = {});

}  // namespace wengert::losses
