// Parts of an array, and arrays as parts of larger ones: slice, flip, split and pad.
#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/part.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {

const Op slice_op{"slice", "y = x[start:stop:step, ..]"};

namespace {

constexpr Op pad_op{"pad", "y = x amid a constant"}, flip_op{"flip", "y = x, backwards along the axes"},
    split_op{"split", "y_k = the k-th piece of x along the axis"};

constexpr std::size_t most_axes = 32;

}  // namespace

// --- parts --------------------------------------------------------------------------------------------------------

Part all_of(const char* op, const Shape& shape) {
  if (shape.size() > most_axes)
    throw ShapeError(std::string(op) + ": " + to_string(shape) + " has more than " + std::to_string(most_axes) +
                     " axes");
  Part p{shape, shape, 0, Axes(shape.size())};
  std::ptrdiff_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0; step *= static_cast<std::ptrdiff_t>(shape[i])) p.strides[i] = step;
  return p;
}

Part range_of(const char* op, const Shape& shape, std::size_t axis, std::size_t start, std::size_t length) {
  Part p = all_of(op, shape);
  p.shape[axis] = length;
  p.offset = static_cast<std::ptrdiff_t>(start) * p.strides[axis];
  return p;
}

namespace {
/// f(strides of the contiguous part, its extents), as the kernel takes them.
template <class F> void walk(const Part& part, F f) {
  kernels::Index strides[most_axes], extents[most_axes], step = 1;
  for (std::size_t i = part.shape.size(); i-- > 0; step *= extents[i]) {
    extents[i] = static_cast<kernels::Index>(part.shape[i]);
    strides[i] = step;
  }
  f(strides, extents);
}
}  // namespace

template <class T> void copy_from(const T* x, const Part& part, T* y, bool add) {
  walk(part, [&](const kernels::Index* strides, const kernels::Index* extents) {
    kernels::copy(x + part.offset, part.strides.data(), y, strides, extents, static_cast<int>(part.shape.size()), add);
  });
}

template <class T> void copy_to(const T* x, T* y, const Part& part, bool add) {
  walk(part, [&](const kernels::Index* strides, const kernels::Index* extents) {
    kernels::copy(x, strides, y + part.offset, part.strides.data(), extents, static_cast<int>(part.shape.size()), add);
  });
}

template <class T> Variable<T> take_part(const Op& op, const Variable<T>& x, const Part& part) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(part.shape);
  copy_from(x.data(), part, out(y), false);
  if (gx)
    record(op, y, [gx, &op, part](Upstream<T>& g) {
      const bool all = count(part.shape) == count(part.whole);  // of another order
      const auto run = [&](T* p, bool add) {
        if (!add && !all) std::fill_n(p, count(part.whole), T(0));
        copy_to(g->data(), p, part, add);
      };
      g.add(gx, kernel_term<T>(part.whole, run, [&] { return put_part(all ? op : pad_op, *g, part, T(0)); }));
    });
  return y;
}

template <class T> Variable<T> put_part(const Op& op, const Variable<T>& x, const Part& part, T value) {
  const Edge<T> gx = edge(x);
  Variable<T> y = make_result<T>(part.whole);
  if (x.size() < y.size()) std::fill_n(out(y), y.size(), value);
  copy_to(x.data(), out(y), part, false);
  if (gx) record(op, y, [gx, part](Upstream<T>& g) { g.add(gx, part_term(*g, part)); });
  return y;
}

// --- ops ----------------------------------------------------------------------------------------------------------

namespace {

/// What Python's slice says of an axis: where it starts, its step, and how many elements that gives.
struct Range {
  std::ptrdiff_t start, step, length;
};
Range range(const Slice& s, std::ptrdiff_t extent) {
  const std::ptrdiff_t step = std::max(s.step, -PTRDIFF_MAX);  // so that -step can be said
  const std::ptrdiff_t first = step > 0 ? 0 : -1, last = step > 0 ? extent : extent - 1;
  const auto clipped = [&](const std::optional<std::ptrdiff_t>& at, std::ptrdiff_t fallback) {
    return at ? std::clamp(*at < 0 ? *at + extent : *at, first, last) : fallback;
  };
  const std::ptrdiff_t start = clipped(s.start, step > 0 ? first : last),
                       stop = clipped(s.stop, step > 0 ? last : first);
  if (step > 0) return {start, step, start < stop ? (stop - start - 1) / step + 1 : 0};
  return {start, step, start > stop ? (start - stop - 1) / -step + 1 : 0};
}

}  // namespace

template <class T> Variable<T> slice(Variable<T> x, const Slices& slices) {
  Part part = all_of("slice", x.shape());
  if (slices.size() > x.rank())
    throw ShapeError("slice: " + std::to_string(slices.size()) + " slices for x " + to_string(x.shape()) +
                     "; there may be one an axis");
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].step == 0)
      throw ValueError("slice: the step of axis " + std::to_string(i) +
                       " is 0; it must go forwards (1, 2, ..) or backwards (-1, -2, ..)");
    const Range r = range(slices[i], static_cast<std::ptrdiff_t>(x.shape()[i]));
    part.shape[i] = static_cast<std::size_t>(r.length);
    if (r.length > 0) part.offset += r.start * part.strides[i];
    if (r.length > 1) part.strides[i] *= r.step;
  }
  return take_part(slice_op, x, part);
}

template <class T> Variable<T> flip(Variable<T> x, const AxisList& axes) {
  const auto flipped = axes.of("flip", x.shape());
  Part part = all_of("flip", x.shape());
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (!flipped[i] || x.shape()[i] == 0) continue;
    part.offset += (static_cast<std::ptrdiff_t>(x.shape()[i]) - 1) * part.strides[i];
    part.strides[i] *= -1;
  }
  return take_part(flip_op, x, part);
}

template <class T> Variable<T> pad(Variable<T> x, const Paddings& paddings, std::type_identity_t<T> value) {
  Part part = all_of("pad", x.shape());
  if (paddings.size() != x.rank())
    throw ShapeError("pad: " + std::to_string(paddings.size()) + " paddings {before, after} for x " +
                     to_string(x.shape()) + "; there must be one an axis");
  Shape whole = x.shape();
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (__builtin_add_overflow(whole[i], paddings[i].before, &whole[i]) ||
        __builtin_add_overflow(whole[i], paddings[i].after, &whole[i]))
      throw ShapeError("pad: axis " + std::to_string(i) + " of x " + to_string(x.shape()) +
                       " would become too long to be counted; paddings must not be negative");
  count(whole);  // or an error
  part.whole = whole;
  part.strides = all_of("pad", whole).strides;
  for (std::size_t i = 0; i < whole.size(); ++i)
    part.offset += static_cast<std::ptrdiff_t>(paddings[i].before) * part.strides[i];
  return put_part(pad_op, x, part, value);
}

template <class T> std::vector<Variable<T>> split(Variable<T> x, const Axes& sizes, std::ptrdiff_t axis) {
  const std::size_t a = normal_axis("split", axis, x.shape());
  const auto extent = static_cast<std::ptrdiff_t>(x.shape()[a]);
  std::ptrdiff_t rest = extent;
  std::string asked;
  for (const std::ptrdiff_t size : sizes) {
    asked += (asked.empty() ? "{" : ",") + std::to_string(size);
    if (rest >= 0) rest = size < 0 || size > rest ? -1 : rest - size;
  }
  if (rest != 0)
    throw ShapeError("split: the sizes " + (asked.empty() ? "{" : asked) + "} do not add up to axis " +
                     std::to_string(a) + " of x " + to_string(x.shape()));
  std::vector<Variable<T>> pieces;
  pieces.reserve(sizes.size());
  std::size_t start = 0;
  for (const std::ptrdiff_t size : sizes) {
    pieces.push_back(take_part(split_op, x, range_of("split", x.shape(), a, start, static_cast<std::size_t>(size))));
    start += static_cast<std::size_t>(size);
  }
  return pieces;
}

template <class T> std::vector<Variable<T>> split_evenly(Variable<T> x, std::ptrdiff_t parts, std::ptrdiff_t axis) {
  const std::size_t a = normal_axis("split", axis, x.shape());
  const auto extent = static_cast<std::ptrdiff_t>(x.shape()[a]);
  if (parts <= 0 || extent % parts != 0)
    throw ShapeError("split: axis " + std::to_string(a) + " of x " + to_string(x.shape()) + " does not divide into " +
                     std::to_string(parts) + " equal parts; give the sizes {..} of unequal ones");
  return split(std::move(x), Axes(static_cast<std::size_t>(parts), extent / parts), axis);
}

#define WENGERT_INSTANTIATE(T)                                                       \
  template void copy_from(const T*, const Part&, T*, bool);                          \
  template void copy_to(const T*, T*, const Part&, bool);                            \
  template Variable<T> take_part(const Op&, const Variable<T>&, const Part&);        \
  template Variable<T> put_part(const Op&, const Variable<T>&, const Part&, T);      \
  template Variable<T> slice(Variable<T>, const Slices&);                            \
  template Variable<T> flip(Variable<T>, const AxisList&);                           \
  template Variable<T> pad(Variable<T>, const Paddings&, T);                         \
  template std::vector<Variable<T>> split(Variable<T>, const Axes&, std::ptrdiff_t); \
  template std::vector<Variable<T>> split_evenly(Variable<T>, std::ptrdiff_t, std::ptrdiff_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_slice() {
  const auto slices = [](const auto& a) {
    const Axes starts = a.integers("starts"), stops = a.integers("stops"), steps = a.integers("steps");
    Slices s(std::max({starts.size(), stops.size(), steps.size()}));
    for (std::size_t i = 0; i < s.size(); ++i) {
      s[i] = {};
      if (i < starts.size()) s[i].start = starts[i];
      if (i < stops.size()) s[i].stop = stops[i];
      if (i < steps.size()) s[i].step = steps[i];
    }
    return s;
  };
  const auto paddings = [](const auto& a) {
    const Axes before = a.integers("before"), after = a.integers("after");
    Paddings p(a["x"].rank());
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = {i < before.size() ? static_cast<std::size_t>(before[i]) : 0,
              i < after.size() ? static_cast<std::size_t>(after[i]) : 0};
    return p;
  };
  return {
      declare(slice_op, {{"x"}},
              {{"starts", "ints", "", "one an axis, negative: from the end, clipped"},
               {"stops", "ints", "", "likewise, not included"},
               {"steps", "ints", "", "1 each if none is given; negative: backwards"}},
              {"x=[3,4] starts=1,1 stops=3,4", "x=[5] starts=-2", "x=[7] steps=3", "x=[5,3] steps=-2,-1",
               "x=[6] starts=4 stops=-100 steps=-3", "x=[2,3,4] starts=0,2 stops=9,0 steps=1,-1",
               "x=[4] starts=3 stops=1", "x=[3,2]", "x=[]", "x=[0,3]"},
              [slices](const auto& a) { return slice(a["x"], slices(a)); }),
      declare(flip_op, {{"x"}}, {{"axes", "ints", "", "all axes if none is given"}},
              {"x=[5]", "x=[3,4]", "x=[3,4] axes=0", "x=[2,3,4] axes=-1,0", "x=[]", "x=[0,3]"},
              [](const auto& a) { return flip(a["x"], AxisList(a.integers("axes"))); }),
      declare(pad_op, {{"x"}},
              {{"before", "ints", "", "one an axis"}, {"after", "ints", "", "one an axis"}, {"value", "number", "0"}},
              {"x=[3] before=2 after=1", "x=[2,3] before=0,1 after=1,0 value=1.5", "x=[2,2,3] before=1 after=0,2,1",
               "x=[2,3]", "x=[] value=1", "x=[0,2] before=1,1"},
              [paddings](const auto& a) { return pad(a["x"], paddings(a), a.number("value")); }),
      declare(split_op, {{"x"}},
              {{"parts", "int", "2", "equal ones, if no sizes are given"}, {"sizes", "ints", ""}, {"axis", "int", "0"}},
              {"x=[6]", "x=[2,6] parts=3 axis=-1", "x=[2,5,2] sizes=1,4 axis=1", "x=[3,2] parts=1", "x=[0,2]"},
              [](const auto& a) {
                const Axes sizes = a.integers("sizes");
                return sizes.size() ? split(a["x"], sizes, a.integer("axis"))
                                    : split(a["x"], a.integer("parts"), a.integer("axis"));
              })
          .outputs({"y_k"})};
}

}  // namespace wengert
