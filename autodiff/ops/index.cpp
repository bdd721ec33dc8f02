#include "autodiff/ops/index.hpp"

#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op select_op{"select", "y = a where mask, else b"};

/// The numbers of a comparison or selection in the shape of the result.
template <class T> Variable<T> stretched(const char* op, const Variable<T>& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (x.size() == 1 && x.rank() <= shape.size()) return broadcast_to(x, shape);
  throw ShapeError(std::string(op) + ": " + to_string(x.shape()) + " against " + to_string(shape) +
                   "; shapes must be equal, or one of them a number");
}

}  // namespace

void check_labels(const char* op, const Labels& labels, const Shape& scores) {
  const std::string who = op;
  if (scores.size() != 2)
    throw ShapeError(who + ": scores are " + to_string(scores) + "; they must be [N,C], a row an example");
  const std::size_t rows = scores[0], classes = scores[1];
  if (labels.dimension() != 1 || labels.shape()[0] != rows)
    throw ShapeError(
        who + ": scores are " + to_string(scores) + " but labels are " + to_string(labels.shape()) +
        "; labels must be [" + std::to_string(rows) + "], one class a row" +
        (labels.shape() == scores ? "; weights of all classes are passed as an Array of the scores' type" : ""));
  const auto in_range = [&](std::int64_t l) { return l >= 0 && static_cast<std::uint64_t>(l) < classes; };
  const auto* const first = labels.storage().data();
  const auto* const bad = std::find_if_not(first, first + rows, in_range);
  if (bad == first + rows) return;
  const auto [least, most] = std::minmax_element(first, first + rows);
  const std::string guess =
      *least == 1 && *most == static_cast<std::int64_t>(classes) ? "; the labels seem to count from 1: subtract 1" : "";
  throw ValueError(who + ": label " + std::to_string(*bad) + " in row " + std::to_string(bad - first) +
                   " is outside 0.." + std::to_string(static_cast<std::int64_t>(classes) - 1) + " for " +
                   std::to_string(classes) + " classes" + guess);
}

template <class T> Variable<T> greater(const Variable<T>& a, const Variable<T>& b, bool or_equal) {
  const NoGrad constant;
  const Shape& shape = a.size() == 1 && a.rank() <= b.rank() ? b.shape() : a.shape();
  const Variable<T> pa = stretched("comparison", a, shape), pb = stretched("comparison", b, shape);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().greater(pa.data(), pb.data(), or_equal, out(y), static_cast<kernels::Index>(y.size()));
  return y;
}

template <class T> Variable<T> select(Variable<T> mask, Variable<T> a, Variable<T> b) {
  const Shape shape = mask.shape();
  a = stretched("select", a, shape), b = stretched("select", b, shape);
  const Edge<T> ga = edge(a), gb = edge(b);
  Variable<T> y = make_result<T>(shape);
  kernels::of<T>().select(mask.data(), a.data(), b.data(), out(y), static_cast<kernels::Index>(y.size()));
  if (ga || gb)
    record(select_op, y, [ga, gb, mask = saved(mask)](Upstream<T>& g) {
      if (ga) g.add(ga, select(*mask, *g, Variable<T>(0)));
      if (gb) g.add(gb, select(*mask, Variable<T>(0), *g));
    });
  return y;
}

#define WENGERT_INSTANTIATE(T)                                                \
  template Variable<T> greater(const Variable<T>&, const Variable<T>&, bool); \
  template Variable<T> select(Variable<T>, Variable<T>, Variable<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_index() {
  return {
      declare(select_op, {{"mask", {0, 1}, Draw::mask}, {"a"}, {"b"}}, {},
              {"mask=[3,4] a=[3,4] b=[3,4]", "mask=[3,4] a=[3,4] b=[]", "mask=[] a=[] b=[]", "mask=[0,2] a=[] b=[0,2]"},
              [](const auto& a) { return select(a["mask"], a["a"], a["b"]); })};
}

}  // namespace wengert
