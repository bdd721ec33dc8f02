// Picking by index: gather, index_select, embedding, and what they undo.
#include <algorithm>

#include "autodiff/ops/index.hpp"
#include "autodiff/ops/lines.hpp"
#include "autodiff/ops/part.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;
using kernels::Lines;

constexpr Op gather_op{"gather", "y[i,j] = x[index[i,j],j], along the axis"},
    scatter_add_op{"scatter_add", "y = x; y[index[i,j],j] += src[i,j], along the axis"},
    index_select_op{"index_select", "y[i,..] = x[index[i],..], along the axis"},
    index_add_op{"index_add", "y = x; y[index[i],..] += src[i,..], along the axis"},
    embedding_op{"embedding", "y[i,j,..] = weight[index[i,j,..]]"};

/// Refuses an index that is outside the axis, before anything is computed.
void check_range(const char* op, const Labels& index, const char* name, const Shape& x, std::size_t axis) {
  const std::int64_t *const first = index.storage().data(), *const last = first + index.storage().size();
  const std::uint64_t extent = x[axis];
  std::uint64_t outside = 0;  // its sign bit: some i < 0 or extent - 1 - i < 0; needs no branch, so that it is SIMD
  for (const std::int64_t* i = first; i != last; ++i)
    outside |= static_cast<std::uint64_t>(*i) | (extent - 1 - static_cast<std::uint64_t>(*i));
  if (!(outside >> 63) || first == last) return;
  const auto where = static_cast<std::size_t>(
      std::find_if(first, last, [&](std::int64_t i) { return static_cast<std::uint64_t>(i) >= extent; }) - first);
  std::string place;
  for (std::size_t a = index.dimension(), rest = where; a-- > 0; rest /= index.shape()[a])
    place = std::to_string(rest % index.shape()[a]) + (place.empty() ? "" : "," + place);
  const auto [least, most] = std::minmax_element(first, last);
  const bool from_one = *least == 1 && static_cast<std::uint64_t>(*most) == extent;
  throw ValueError(std::string(op) + ": index" + (place.empty() ? "" : "[" + place + "]") + " = " +
                   std::to_string(first[where]) + " is outside " +
                   (extent == 0 ? "an axis without elements" : "0.." + std::to_string(extent - 1)) + ", axis " +
                   std::to_string(axis) + " of " + name + " " + to_string(x) +
                   (from_one ? "; the indices seem to count from 1: subtract 1" : ""));
}

template <class T> Variable<T> zeros(const Shape& shape) {
  Variable<T> y = make_result<T>(shape);
  std::fill_n(out(y), y.size(), T(0));
  return y;
}

/// x itself if nobody else holds it, else a copy.
template <class T> Variable<T> own(const Variable<T>& x) {
  if (is_free(x)) return make_result_in(x);
  Variable<T> y = make_result<T>(x.shape());
  std::copy_n(x.data(), x.size(), out(y));
  return y;
}

// --- an index an element ------------------------------------------------------------------------------------------

void check_index(const char* op, const Shape& x, std::size_t axis, const Labels& index) {
  const Shape& i = index.shape();
  const std::string both = std::string(op) + ": x is " + to_string(x) + " but index is " + to_string(i);
  if (i.size() != x.size()) throw ShapeError(both + "; they must have the same rank");
  for (std::size_t a = 0; a < x.size(); ++a)
    if (a != axis && i[a] > x[a])
      throw ShapeError(both + "; index.shape[" + std::to_string(a) + "] = " + std::to_string(i[a]) +
                       " must not exceed x.shape[" + std::to_string(a) + "] = " + std::to_string(x[a]));
  check_range(op, index, "x", x, axis);
}

/// f(place in x, number of the element of index), in order: index[i,j,k] stands in x at [i,index[i,j,k],k].
template <class F> void each_place(const Shape& x, std::size_t axis, const Labels& index, F f) {
  const Shape& shape = index.shape();
  const std::int64_t* const i = index.storage().data();
  const Index size = static_cast<Index>(index.storage().size()), last = static_cast<Index>(shape.size()) - 1;
  if (size == 0) return;
  const Axes stride = all_of("gather", x).strides;
  const Index columns = static_cast<Index>(shape[last]), step = stride[axis],
              along = static_cast<Index>(axis) == last ? 0 : 1;
  Axes counter(shape.size(), 0);
  for (Index row = 0, at = 0;; row += columns) {
    for (Index j = 0; j < columns; ++j) f(at + i[row + j] * step + j * along, row + j);
    Index a = last - 1;
    for (; a >= 0; --a) {
      const Index forward = static_cast<std::size_t>(a) == axis ? 0 : stride[a], extent = static_cast<Index>(shape[a]);
      at += forward;
      if (++counter[a] < extent) break;
      at -= forward * extent;
      counter[a] = 0;
    }
    if (a < 0) return;
  }
}

}  // namespace

template <class T> Variable<T> gather(Variable<T> x, std::ptrdiff_t axis, const Labels& index) {
  const std::size_t a = normal_axis("gather", axis, x.shape());
  check_index("gather", x.shape(), a, index);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(index.shape());
  T* const to = out(y);
  each_place(x.shape(), a, index, [from = x.data(), to](Index at, Index k) { to[k] = from[at]; });
  if (gx)
    record(gather_op, y, [gx, a, index, shape = x.shape()](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        if (!add) std::fill_n(p, count(shape), T(0));
        each_place(shape, a, index, [from = g->data(), p](Index at, Index k) { p[at] += from[k]; });
      };
      g.add(gx, kernel_term<T>(shape, run, [&] {
              return scatter_add(zeros<T>(shape), static_cast<std::ptrdiff_t>(a), index, *g);
            }));
    });
  return y;
}

template <class T> Variable<T> scatter_add(Variable<T> x, std::ptrdiff_t axis, const Labels& index, Variable<T> src) {
  const std::size_t a = normal_axis("scatter_add", axis, x.shape());
  check_index("scatter_add", x.shape(), a, index);
  if (src.shape() != index.shape())
    throw ShapeError("scatter_add: index is " + to_string(index.shape()) + " but src is " + to_string(src.shape()) +
                     "; they must be equal");
  const Edge<T> gx = edge(x), gs = edge(src);
  Variable<T> y = own(x);
  T* const to = out(y);
  each_place(y.shape(), a, index, [from = src.data(), to](Index at, Index k) { to[at] += from[k]; });
  if (gx || gs)
    record(scatter_add_op, y, [gx, gs, a, index](Upstream<T>& g) {
      if (gs) g.add(gs, gather(*g, static_cast<std::ptrdiff_t>(a), index));
      if (gx) g.add(gx, g.take());
    });
  return y;
}

// --- an index a line ----------------------------------------------------------------------------------------------

namespace {

/// y[o,k,:] = x[o,index[k],:]
template <class T> void take_lines(const T* x, Lines s, const Labels& index, T* y) {
  for (Index o = 0; o < s.outer; ++o, x += s.length * s.inner)
    for (const std::int64_t i : index.storage()) {
      if (s.inner == 1)
        *y = x[i];
      else
        std::copy_n(x + i * s.inner, s.inner, y);
      y += s.inner;
    }
}

/// y[o,index[k],:] += x[o,k,:], in the order of k.
template <class T> void add_lines(const T* x, Lines s, const Labels& index, T* y) {
  for (Index o = 0; o < s.outer; ++o, y += s.length * s.inner)
    for (const std::int64_t i : index.storage()) {
      T* const __restrict to = y + i * s.inner;
      for (Index j = 0; j < s.inner; ++j) to[j] += x[j];
      x += s.inner;
    }
}

Labels flat(const Labels& index) {
  Labels f = index;
  f.reshape({f.storage().size()});
  return f;
}

/// y = the lines of x that index names along the axis, as `shape`.
template <class T>
Variable<T> pick_lines(const Op& op, const Variable<T>& x, std::size_t axis, const Labels& index, const Shape& shape) {
  const Lines s = lines(x.shape(), axis, axis + 1);
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(shape);
  take_lines(x.data(), s, index, out(y));
  if (gx)
    record(op, y, [gx, axis, s, index, x_shape = x.shape()](Upstream<T>& g) {
      const auto run = [&](T* p, bool add) {
        if (!add) std::fill_n(p, count(x_shape), T(0));
        add_lines(g->data(), s, index, p);
      };
      g.add(gx, kernel_term<T>(x_shape, run, [&] {
              Shape lines = x_shape;
              lines[axis] = index.size();
              return index_add(zeros<T>(x_shape), static_cast<std::ptrdiff_t>(axis), flat(index),
                               reshape(*g, Extents(lines)));
            }));
    });
  return y;
}

void need_one_axis(const char* op, const Labels& index) {
  if (index.dimension() != 1)
    throw ShapeError(std::string(op) + ": index is " + to_string(index.shape()) + "; it must be [K], one a line");
}

}  // namespace

template <class T> Variable<T> index_select(Variable<T> x, std::ptrdiff_t axis, const Labels& index) {
  const std::size_t a = normal_axis("index_select", axis, x.shape());
  need_one_axis("index_select", index);
  check_range("index_select", index, "x", x.shape(), a);
  Shape shape = x.shape();
  shape[a] = index.size();
  return pick_lines(index_select_op, x, a, index, shape);
}

template <class T> Variable<T> index_add(Variable<T> x, std::ptrdiff_t axis, const Labels& index, Variable<T> src) {
  const std::size_t a = normal_axis("index_add", axis, x.shape());
  need_one_axis("index_add", index);
  Shape shape = x.shape();
  shape[a] = index.size();
  if (src.shape() != shape)
    throw ShapeError("index_add: x is " + to_string(x.shape()) + " and index is " + to_string(index.shape()) +
                     " but src is " + to_string(src.shape()) + "; it must be " + to_string(shape));
  check_range("index_add", index, "x", x.shape(), a);
  const Edge<T> gx = edge(x), gs = edge(src);
  Variable<T> y = own(x);
  add_lines(src.data(), lines(y.shape(), a, a + 1), index, out(y));
  if (gx || gs)
    record(index_add_op, y, [gx, gs, a, index](Upstream<T>& g) {
      if (gs) g.add(gs, index_select(*g, static_cast<std::ptrdiff_t>(a), index));
      if (gx) g.add(gx, g.take());
    });
  return y;
}

template <class T> Variable<T> embedding(Variable<T> weight, const Labels& index) {
  if (weight.rank() != 2)
    throw ShapeError("embedding: weight is " + to_string(weight.shape()) + "; it must be [V,D], a row an entry");
  check_range("embedding", index, "weight", weight.shape(), 0);
  Shape shape = index.shape();
  shape.push_back(weight.shape()[1]);
  return pick_lines(embedding_op, weight, 0, index, shape);
}

#define WENGERT_INSTANTIATE(T)                                                               \
  template Variable<T> gather(Variable<T>, std::ptrdiff_t, const Labels&);                   \
  template Variable<T> scatter_add(Variable<T>, std::ptrdiff_t, const Labels&, Variable<T>); \
  template Variable<T> index_select(Variable<T>, std::ptrdiff_t, const Labels&);             \
  template Variable<T> index_add(Variable<T>, std::ptrdiff_t, const Labels&, Variable<T>);   \
  template Variable<T> embedding(Variable<T>, const Labels&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_gather() {
  const Input index{"index", {0, 2}, Draw::index};
  return {declare(gather_op, {{"x"}, index}, {{"axis", "int", "0"}},
                  {"x=[3,4] index=[5,4]", "x=[2,3] index=[2,2] axis=1", "x=[3,2,2] index=[2,1,2]",
                   "x=[2,3,2] index=[1,4,2] axis=1", "x=[2,2,3] index=[2,1,4] axis=-1", "x=[3] index=[6]",
                   "x=[2,3] index=[0,2] axis=1", "x=[0,3] index=[0,1] axis=1"},
                  [](const auto& a) { return gather(a["x"], a.integer("axis"), a.indices("index")); }),
          declare(scatter_add_op, {{"x"}, index, {"src"}}, {{"axis", "int", "0"}},
                  {"x=[3,4] index=[5,4] src=[5,4]", "x=[2,3] index=[2,2] src=[2,2] axis=-1",
                   "x=[2,3,2] index=[1,4,2] src=[1,4,2] axis=1", "x=[3] index=[0] src=[0]"},
                  [](const auto& a) { return scatter_add(a["x"], a.integer("axis"), a.indices("index"), a["src"]); }),
          declare(index_select_op, {{"x"}, index}, {{"axis", "int", "0"}},
                  {"x=[3,4] index=[5]", "x=[2,3] index=[2] axis=1", "x=[2,3,4] index=[4] axis=1", "x=[3] index=[6]",
                   "x=[2,3] index=[0] axis=-1", "x=[0,3] index=[2] axis=1"},
                  [](const auto& a) { return index_select(a["x"], a.integer("axis"), a.indices("index")); }),
          declare(index_add_op, {{"x"}, index, {"src"}}, {{"axis", "int", "0"}},
                  {"x=[3,4] index=[5] src=[5,4]", "x=[2,3,2] index=[4] src=[2,4,2] axis=1", "x=[3] index=[0] src=[0]"},
                  [](const auto& a) { return index_add(a["x"], a.integer("axis"), a.indices("index"), a["src"]); }),
          declare(embedding_op, {{"weight"}, index}, {},
                  {"weight=[3,4] index=[5]", "weight=[3,2] index=[2,3]", "weight=[3,1] index=[4]",
                   "weight=[3,2] index=[]", "weight=[3,0] index=[2]"},
                  [](const auto& a) { return embedding(a["weight"], a.indices("index")); })};
}

}  // namespace wengert
