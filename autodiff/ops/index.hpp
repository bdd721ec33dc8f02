// Picking elements by index, and by condition.
#pragma once

#include <type_traits>

#include "autodiff/variable.hpp"

namespace wengert {

/// y_i = x[i, labels_i],   x [N,C]   labels [N]   y [N]: one class a row.
///   gx[i, labels_i] += gy_i
/// A ValueError names row, label and range; a ShapeError for other shapes. Saves the labels.
template <class T> Variable<T> gather(Variable<T> x, const Labels& labels);

/// y[i, labels_i] = x_i, 0 elsewhere,   x [N]   labels [N]   y [N,classes]: what gather undoes.
template <class T> Variable<T> scatter(Variable<T> x, const Labels& labels, std::size_t classes);

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
