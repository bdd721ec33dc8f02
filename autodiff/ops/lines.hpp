// Arrays seen as lines along some of their axes, as [outer, length, inner]. Internal to autodiff/.
#pragma once

#include <utility>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/axes.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {

using Flags = xt::svector<bool, 4>;  // one an axis: whether it is reduced

/// The axes [first, last) of x as the middle one.
kernels::Lines lines(const Shape& x, std::size_t first, std::size_t last);

/// The last run of reduced axes, [first, last); empty if there is none.
std::pair<std::size_t, std::size_t> last_run(const Flags& reduced);

/// `shape` without the reduced axes, or with an extent of 1 there.
Shape without(const Shape& shape, const Flags& reduced, bool keepdims);

/// The reduced axes as the middle one, for reductions that must see all of a line at once. If they do not lie side by
/// side, x becomes a copy with them at its end.
template <class T> kernels::Lines join_axes(Variable<T>& x, const Flags& reduced);

/// x and what there is one of for each of its lines, as they meet by broadcasting.
template <class T> Variable<T> along(const Variable<T>& x, kernels::Lines s) {
  return reshape(x, {s.outer, s.length, s.inner});
}
template <class T> Variable<T> one_each(const Variable<T>& x, kernels::Lines s) {
  return reshape(x, {s.outer, 1, s.inner});
}

/// Whether there is nothing to reduce: a reduced axis has no elements.
bool has_empty_lines(const Shape& shape, const Flags& reduced);

/// A ShapeError if so, in the name of an op that has no value then.
void need_elements(const char* op, const Shape& shape, const Flags& reduced);

/// What the declarations of reductions have in common: axes, what is theirs alone, keepdims; and samples.
std::vector<Attribute> reduction_attributes(std::vector<Attribute> own = {});
std::vector<std::string> reduction_samples(std::vector<std::string> own = {});

}  // namespace wengert
