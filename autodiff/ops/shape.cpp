#include "autodiff/ops/shape.hpp"

#include <algorithm>
#include <numeric>

#include "autodiff/ops/part.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {
constexpr Op reshape_op{"reshape", "y = x in another shape"}, squeeze_op{"squeeze", "y = x without axes of extent 1"},
    unsqueeze_op{"unsqueeze", "y = x with a new axis of extent 1"},
    transpose_op{"transpose", "y = x with its axes in another order"};
}

Shape Extents::of(const Shape& x) const {
  const std::size_t size = count(x);
  Shape shape(extents_.size());
  std::size_t known = 1, open = extents_.size();
  bool overflows = false;
  std::string asked = "[";
  for (std::size_t i = 0; i < extents_.size(); ++i) {
    asked += (i ? "," : "") + std::to_string(extents_[i]);
    if (extents_[i] == -1 && open == extents_.size())
      open = i;
    else
      overflows |= __builtin_mul_overflow(known, shape[i] = static_cast<std::size_t>(extents_[i]), &known);
  }
  asked += "]";
  const bool negative = std::count_if(extents_.begin(), extents_.end(), [](std::ptrdiff_t e) { return e < 0; }) >
                        (open < extents_.size());
  if (negative) throw ShapeError("reshape: " + asked + " has a negative extent; only one may be -1");
  if (open < shape.size() && known > 0 && size % known == 0) shape[open] = size / known, known = size;
  if (overflows || known != size || (open < shape.size() && size == 0 && known == 0 && count(shape) != 0))
    throw ShapeError("reshape: x is " + to_string(x) + ", " + std::to_string(size) + " elements, which do not fill " +
                     asked);
  return shape;
}

namespace {

// Parameters and constants may be changed later on, which must not show in y; results of ops cannot.
template <class T> Variable<T> reshaped(const Op& op, Variable<T> x, const Shape& shape) {
  if (!x.block()->leaf && same_shape(x.shape(), shape)) return x;
  const Edge<T> gx = edge(x);
  const Shape before = x.shape();
  Variable<T> y;
  if (is_free(x)) {
    y = make_result_in(x);
    y.block()->value.reshape(shape);
  } else {
    y = make_result<T>(shape);
    std::copy_n(x.data(), x.size(), out(y));
  }
  if (gx) record(op, y, [gx, before](Upstream<T>& g) { g.add(gx, reshaped(reshape_op, g.take(), before)); });
  return y;
}

}  // namespace

template <class T> Variable<T> reshape(Variable<T> x, const Extents& extents) {
  const Shape shape = extents.of(x.shape());
  return reshaped(reshape_op, std::move(x), shape);
}

template <class T> Variable<T> squeeze(Variable<T> x, const AxisList& axes) {
  const auto named = axes.of("squeeze", x.shape());
  Shape shape;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (named[i] && !axes.all() && x.shape()[i] != 1)
      throw ShapeError("squeeze: axis " + std::to_string(i) + " of x " + to_string(x.shape()) +
                       " has more than one element, or none; only an axis of extent 1 can be left out");
    if (!named[i] || x.shape()[i] != 1) shape.push_back(x.shape()[i]);
  }
  return reshaped(squeeze_op, std::move(x), shape);
}

template <class T> Variable<T> unsqueeze(Variable<T> x, std::ptrdiff_t axis) {
  const Shape shape = with_axis(x.shape(), new_axis("unsqueeze", axis, x.shape()), 1);
  return reshaped(unsqueeze_op, std::move(x), shape);
}

template <class T> Variable<T> transpose(Variable<T> x, Axes axes) {
  const std::size_t rank = x.rank();
  Part part = all_of("transpose", x.shape());
  if (axes.size() == 0) {
    axes.resize(rank);
    std::iota(axes.rbegin(), axes.rend(), 0);
  }
  Axes inverse(rank, -1);
  bool permutation = axes.size() == rank;
  for (std::size_t i = 0; permutation && i < rank; ++i) {
    axes[i] = static_cast<std::ptrdiff_t>(normal_axis("transpose", axes[i], x.shape()));
    permutation = inverse[axes[i]] == -1;
    inverse[axes[i]] = static_cast<std::ptrdiff_t>(i);
  }
  if (!permutation) throw ShapeError("transpose: the axes must name each axis of x " + to_string(x.shape()) + " once");
  const Axes strides = part.strides;
  for (std::size_t i = 0; i < rank; ++i) {
    part.strides[i] = strides[axes[i]];
    part.shape[i] = x.shape()[axes[i]];
  }
  return take_part(transpose_op, x, part);
}

#define WENGERT_INSTANTIATE(T)                                 \
  template Variable<T> reshape(Variable<T>, const Extents&);   \
  template Variable<T> squeeze(Variable<T>, const AxisList&);  \
  template Variable<T> unsqueeze(Variable<T>, std::ptrdiff_t); \
  template Variable<T> transpose(Variable<T>, Axes);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_shape() {
  return {declare(reshape_op, {{"x"}}, {{"shape", "ints", "", "one extent may be -1"}},
                  {"x=[2,3,4] shape=4,-1", "x=[1,1]", "x=[0,3] shape=3,-1", "x=[] shape=1,1"},
                  [](const auto& a) { return reshape(a["x"], Extents(a.integers("shape"))); }),
          declare(squeeze_op, {{"x"}}, {{"axes", "ints", "", "all of extent 1 if none is given"}},
                  {"x=[1,3,1]", "x=[1,3,1] axes=-1", "x=[1,2,1,1] axes=0,2", "x=[]", "x=[0,1]"},
                  [](const auto& a) { return squeeze(a["x"], AxisList(a.integers("axes"))); }),
          declare(unsqueeze_op, {{"x"}}, {{"axis", "int", "0"}},
                  {"x=[3]", "x=[2,3] axis=-1", "x=[2,3] axis=1", "x=[]", "x=[0,3]"},
                  [](const auto& a) { return unsqueeze(a["x"], a.integer("axis")); }),
          declare(transpose_op, {{"x"}}, {{"axes", "ints", "", "reversed if none is given"}},
                  {"x=[3,4]", "x=[2,3,4] axes=2,0,1", "x=[2,3,2,3] axes=0,2,1,3", "x=[]", "x=[0,3]"},
                  [](const auto& a) { return transpose(a["x"], a.integers("axes")); })};
}

}  // namespace wengert
