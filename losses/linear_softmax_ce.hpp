// A linear layer and softmax cross entropy in one node, for so many classes that the scores would not fit.
//
//   S = X W^T + b,   L = softmax_ce(S, labels),   G = dL/dS
//
//   gX = G W       gW = G^T X       gb = the sum of G over the rows
//
// S is computed a block of rows at a time and G written over it; what G is needed for is added up at once: three products
// a block, as many as the layers do one after the other, and no more memory than a block and the gradients themselves.
#pragma once

#include "losses/softmax_ce.hpp"

namespace wengert::losses {

/// x [N,d], weight [C,d], bias [C] or an empty handle, labels [N]. The loss is softmax_ce(linear(x, weight, bias), labels,
/// options), computed with the same rounding of each score. Never holds more than 32 MiB of scores. Options as there, but
/// for `answers`, `reuse_scores` and the axis, which is 1. Keeps the gradients of those of x, weight and bias that want
/// one. Backward scales them; when it is recorded itself, the scores are formed after all. Throws as linear and
/// softmax_ce do; a ValueError for Reduction::none, whose upstream would be needed beforehand.
template <class T>
Variable<T> linear_softmax_ce(Variable<T> x, Variable<T> weight, Variable<T> bias, const Labels& labels,
                              SoftmaxCe<T> options = {});

}  // namespace wengert::losses
