// Losses of rows that are points of a space, [N,D]: what belongs together is drawn together.
//
// cosine_embedding. A = |a|^2 + e, B = |b|^2 + e with e = 1e-12, so that nothing has a direction of its own;
// u = a / sqrt A, v = b / sqrt B, c = <u, v> the cosine:
//
//   alike    y = 1:   l = 1 - c                   dl/da = -(v - c u) / sqrt A
//   unlike   y = -1:  l = max(0, c - margin)      dl/da =  (v - c u) / sqrt A  where c > margin, else 0
//
//   d c/d a = v / sqrt A - c u / sqrt A: the part of v that is across u; a's length has no say. b likewise.
//
//   1 - c = |u - v|^2/2 + e/(2A) + e/(2B), and v - c u = (v - u) + (1 - c) u: neither cancels as c -> 1.
//
// triplet. An anchor a, a positive p of its kind, a negative n of another; d(x, y) = |x - y + e|, e = 1e-6 in each entry:
//
//   l = max(0, d(a, p) - d(a, n) + margin)
//
//   with  q = (a - p + e)/d(a, p),  r = (a - n + e)/d(a, n)  where l > 0, else 0: also at the kink:
//   dl/dp = -q: drawn to the anchor     dl/dn = r: pushed off     dl/da = q - r
//
//   swap: where p is closer to n than a is, d(p, n) takes the place of d(a, n), with r = (p - n + e)/d(p, n):
//   dl/da = q,   dl/dp = -q - r,   dl/dn = r.     V. Balntas et al., "Learning local feature descriptors", 2016.
//
// Definitions, e included, as in PyTorch, whose 1 - c keeps no digits as c -> 1. Computed in double: for float32 within 1 ulp,
// for float64 within D/4 + 8 ulp of the largest term. Keeps the inputs and their gradients. ShapeError unless the inputs
// have the same shape of rank 2. The squares of the entries must not overflow double.
#pragma once

#include "autodiff/variable.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

template <class T> struct CosineEmbedding {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double margin = 0;  ///< in -1..1
};
/// a and b [N,D], targets [N]: -1 or 1, else a ValueError.
template <class T>
Variable<T> cosine_embedding(Variable<T> a, std::type_identity_t<Variable<T>> b,
                             std::type_identity_t<Variable<T>> targets, CosineEmbedding<T> options = {});

template <class T> struct Triplet {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};
  Variable<T> mask = {};
  double margin = 1;  ///< finite
  bool swap = false;
};
template <class T>
Variable<T> triplet(Variable<T> anchor, std::type_identity_t<Variable<T>> positive,
                    std::type_identity_t<Variable<T>> negative, Triplet<T> options = {});

}  // namespace wengert::losses
