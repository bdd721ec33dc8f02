// Picking by index, and by condition.
#pragma once

#include <type_traits>

#include "autodiff/variable.hpp"

namespace wengert {

// An index that is out of range is a ValueError with its position, its value and the range, before anything is computed.
// Indices may be repeated: their gradients add up, in the order of the indices. The rules save the indices.

/// y[i,j,k] = x[i,index[i,j,k],k] for axis 1, likewise for the others: y has the shape of index, which has the rank of x
/// and is nowhere longer but along the axis (PyTorch's gather).   gx[i,index[i,j,k],k] += gy[i,j,k]
template <class T> Variable<T> gather(Variable<T> x, std::ptrdiff_t axis, const Labels& index);

/// y = x, and then y[i,index[i,j,k],k] += src[i,j,k] for axis 1, likewise for the others; src has the shape of index.
/// gx += gy;   gsrc += gather(gy).
template <class T> Variable<T> scatter_add(Variable<T> x, std::ptrdiff_t axis, const Labels& index, Variable<T> src);

/// y[i,k,j] = x[i,index[k],j] for axis 1, likewise for the others; index [K].   gx[i,index[k],j] += gy[i,k,j]
template <class T> Variable<T> index_select(Variable<T> x, std::ptrdiff_t axis, const Labels& index);

/// y = x, and then y[i,index[k],j] += src[i,k,j] for axis 1, likewise for the others; index [K], src with K along the axis.
/// gx += gy;   gsrc += index_select(gy).
template <class T> Variable<T> index_add(Variable<T> x, std::ptrdiff_t axis, const Labels& index, Variable<T> src);

/// The rows of a table: y[..,:] = weight[index[..],:],   weight [V,D]   index of any shape   y [..,D].
///   gweight[index[..],:] += gy[..,:]: added to a gradient that is there, it touches the rows named and no others.
template <class T> Variable<T> embedding(Variable<T> weight, const Labels& index);

/// a where mask is not 0, else b; all of mask's shape, or a and b numbers. No gradient reaches the mask:
/// ga += gy where the mask is set, gb += gy elsewhere.
template <class T> Variable<T> select(Variable<T> mask, Variable<T> a, Variable<T> b);

/// Comparisons of equal shapes or with a number: 1 where they hold, else 0. They have no gradient.
template <class T> Variable<T> greater(const Variable<T>& a, const Variable<T>& b, bool or_equal = false);

template <class T> Variable<T> operator>(const Variable<T>& a, const Variable<T>& b) { return greater(a, b); }
template <class T> Variable<T> operator<(const Variable<T>& a, const Variable<T>& b) { return greater(b, a); }
template <class T> Variable<T> operator>=(const Variable<T>& a, const Variable<T>& b) { return greater(a, b, true); }
template <class T> Variable<T> operator<=(const Variable<T>& a, const Variable<T>& b) { return greater(b, a, true); }
template <class T> Variable<T> operator>(const Variable<T>& a, std::type_identity_t<T> b) {
  return greater(a, Variable<T>(b));
}
template <class T> Variable<T> operator<(const Variable<T>& a, std::type_identity_t<T> b) {
  return greater(Variable<T>(b), a);
}
template <class T> Variable<T> operator>=(const Variable<T>& a, std::type_identity_t<T> b) {
  return greater(a, Variable<T>(b), true);
}
template <class T> Variable<T> operator<=(const Variable<T>& a, std::type_identity_t<T> b) {
  return greater(Variable<T>(b), a, true);
}

/// Checks labels [N] against scores [N,C] before anything is computed; errors start with `op`.
void check_labels(const char* op, const Labels& labels, const Shape& scores);

}  // namespace wengert
