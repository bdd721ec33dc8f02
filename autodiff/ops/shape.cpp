#include "autodiff/ops/shape.hpp"

#include <algorithm>
#include <numeric>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {
constexpr Op reshape_op{"reshape", "y = x in another shape"},
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

template <class T> Variable<T> reshape(Variable<T> x, const Extents& extents) {
  const Shape shape = extents.of(x.shape());
  if (shape == x.shape()) return x;
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
  if (gx) record(reshape_op, y, [gx, before](Upstream<T>& g) { g.add(gx, reshape(g.take(), Extents(before))); });
  return y;
}

template <class T> Variable<T> transpose(Variable<T> x, Axes axes) {
  const std::size_t rank = x.rank();
  if (rank > 32) throw ShapeError("transpose: x " + to_string(x.shape()) + " has more than 32 axes");
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
  const Edge<T> gx = edge(x);
  Axes strides(rank), ordered(rank), extents(rank);
  Shape shape(rank);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(rank) - 1, step = 1; i >= 0;
       step *= static_cast<std::ptrdiff_t>(x.shape()[i]), --i)
    strides[i] = step;
  for (std::size_t i = 0; i < rank; ++i) {
    ordered[i] = strides[axes[i]];
    shape[i] = x.shape()[axes[i]];
    extents[i] = static_cast<std::ptrdiff_t>(shape[i]);
  }
  Variable<T> y = make_result<T>(shape);
  kernels::permute(x.data(), ordered.data(), extents.data(), static_cast<int>(rank), out(y));
  if (gx) record(transpose_op, y, [gx, inverse](Upstream<T>& g) { g.add(gx, transpose(*g, inverse)); });
  return y;
}

#define WENGERT_INSTANTIATE(T)                               \
  template Variable<T> reshape(Variable<T>, const Extents&); \
  template Variable<T> transpose(Variable<T>, Axes);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_shape() {
  return {declare(reshape_op, {{"x"}}, {{"shape", "ints", "", "one extent may be -1"}},
                  {"x=[2,3,4] shape=4,-1", "x=[1,1]", "x=[0,3] shape=3,-1", "x=[] shape=1,1"},
                  [](const auto& a) { return reshape(a["x"], Extents(a.integers("shape"))); }),
          declare(transpose_op, {{"x"}}, {{"axes", "ints", "", "reversed if none is given"}},
                  {"x=[3,4]", "x=[2,3,4] axes=2,0,1", "x=[2,3,2,3] axes=0,2,1,3", "x=[]", "x=[0,3]"},
                  [](const auto& a) { return transpose(a["x"], a.integers("axes")); })};
}

}  // namespace wengert
