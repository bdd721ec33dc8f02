// Attention: every query takes a mean of the values, weighted by how well it fits their keys.
// A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
#pragma once

#include <optional>

#include "autodiff/variable.hpp"

namespace wengert {

template <class T> struct Attention {
  Variable<T> mask = {};  ///< added to the scores: -inf hides a key. Stretches to [...,L,S]; may be a parameter
  bool causal = false;    ///< query i sees the keys 0..i only
  std::optional<double> scale = {};  ///< of the scores; 1/sqrt(E) if it is not given
};

/// O = softmax(S) V,   S = scale Q K^T + mask,   Q [...,L,E]   K [...,S,E]   V [...,S,D]   O [...,L,D]; batch axes
/// broadcast as in matmul.
///
///   dO = dP V + P dV,   dP = P (dS - <P, dS>) along a row,   dS = scale (dQ K^T + Q dK^T) + dmask
///   so   gV += P^T gO      gP = gO V^T      gS = P (gP - <P, gP>)
///        gQ += scale gS K      gK += scale gS^T Q      gmask += gS, summed to its shape
///
/// A composition: the scale goes with Q, mask and softmax are worked into the scores in place. Saves scale Q, K, V and P.
/// What causal hides is never looked at. A query that may see no key at all, since the mask hides them all, gets 0 and no
/// gradient (as in PyTorch since 2.5; a softmax of nothing but -inf would give NaN).
/// A ShapeError for shapes that do not fit.
template <class T>
Variable<T> scaled_dot_product_attention(Variable<T> q, Variable<T> k, Variable<T> v, Attention<T> options = {});

}  // namespace wengert
