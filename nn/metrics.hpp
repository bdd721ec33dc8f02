// How good a classifier is.
#pragma once

#include "autodiff/array.hpp"

namespace wengert::nn {

/// The class with the largest score in every row, the first of equals; NaN counts as the largest.
/// scores [N,C], C > 0   result [N].
template <class T> Labels argmax(const Array<T>& scores);

/// The fraction of predictions that are right; NaN for none. Both [N].
double accuracy(const Labels& predicted, const Labels& labels);

/// y[i,j]: how often class i was taken for j, [classes,classes]. Both [N], in 0..classes-1; else a
/// ValueError.
Array<std::int64_t> confusion(const Labels& predicted, const Labels& labels, std::size_t classes);

}  // namespace wengert::nn
