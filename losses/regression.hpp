// Losses of a difference d = x - t, element by element; x and targets of the same shape, both with a gradient.
//
//               l(d)                                      dl/dx = -dl/dt
//   mse         d^2                                       2 d                        pulls harder the farther it is
//   l1          |d|                                       sign d, 0 at the kink      pulls the same at any distance
//   huber       d^2/2 for |d| <= delta,                   d
//               delta (|d| - delta/2) beyond              delta sign d               no target pulls with more than delta
//   smooth_l1   huber with delta = beta, over beta        d/beta, then sign d        l1 with a round bottom; beta = 0: l1
//
// Huber's two pieces meet with value delta^2/2 and slope delta, so there is no kink; the second derivative jumps there.
// P. J. Huber, "Robust estimation of a location parameter", 1964. Names and definitions as in PyTorch.
//
// Each element is within 2 ulp, its gradient within 1.2; sums do not drift: losses/weighting.hpp says how they are weighted.
// Saved: x and targets. ShapeError for shapes that are not equal; ValueError for targets that are not finite.
#pragma once

#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> Variable<T> mse(Variable<T> x, std::type_identity_t<Variable<T>> targets, Weighting<T> options = {});
template <class T> Variable<T> l1(Variable<T> x, std::type_identity_t<Variable<T>> targets, Weighting<T> options = {});

template <class T> struct Huber {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double delta = 1;  ///< > 0
};
template <class T> Variable<T> huber(Variable<T> x, std::type_identity_t<Variable<T>> targets, Huber<T> options = {});

template <class T> struct SmoothL1 {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double beta = 1;  ///< >= 0
};
template <class T>
Variable<T> smooth_l1(Variable<T> x, std::type_identity_t<Variable<T>> targets, SmoothL1<T> options = {});

}  // namespace wengert::losses
