// Several arrays as one: concat and stack.
#include "autodiff/ops/part.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op concat_op{"concat", "y = a, b, .. one behind the other along the axis"},
    stack_op{"stack", "y = a, b, .. along a new axis"};

/// Where the pieces lie in the whole.
struct Joint {
  Shape whole;
  std::size_t axis;
  bool along_new_axis;

  /// The piece of shape `piece` that begins at `start` along the axis.
  Part part(const char* op, const Shape& piece, std::size_t start) const {
    Part p = range_of(op, whole, axis, start, along_new_axis ? 1 : piece[axis]);
    if (along_new_axis) p.strides.erase(p.strides.begin() + static_cast<std::ptrdiff_t>(axis));
    p.shape = piece;
    return p;
  }
  std::size_t length(const Shape& piece) const { return along_new_axis ? 1 : piece[axis]; }
};

template <class T> Variable<T> join(const Op& op, const Variable<T>* xs, std::size_t n, const Joint& joint) {
  struct Piece {
    Edge<T> edge;
    Shape shape;
  };
  std::vector<Piece, Allocator<Piece>> pieces;
  pieces.reserve(n);
  bool wanted = false;
  for (std::size_t k = 0; k < n; ++k) {
    pieces.push_back({edge(xs[k]), xs[k].shape()});
    wanted |= bool(pieces[k].edge);
  }
  Variable<T> y = make_result<T>(joint.whole);
  std::size_t start = 0;
  for (std::size_t k = 0; k < n; start += joint.length(pieces[k++].shape))
    copy_to(xs[k].data(), out(y), joint.part(op.name, pieces[k].shape, start), false);
  if (wanted)
    record(op, y, [joint, &op, pieces = std::move(pieces)](Upstream<T>& g) {
      std::size_t at = 0;
      for (const Piece& piece : pieces) {
        if (piece.edge) {
          const Part part = joint.part(op.name, piece.shape, at);
          g.add(piece.edge, part_term(*g, part));
        }
        at += joint.length(piece.shape);
      }
    });
  return y;
}

/// "xs[1]"
std::string name(std::size_t k) { return "xs[" + std::to_string(k) + "]"; }

}  // namespace

namespace joins {

template <class T> Variable<T> concat(const Variable<T>* xs, std::size_t n, std::ptrdiff_t axis) {
  if (n == 0) throw ValueError("concat: there is nothing to join; give at least one value");
  const Shape& first = xs[0].shape();
  const std::size_t a = normal_axis("concat", axis, first);
  Shape whole = first;
  for (std::size_t k = 1; k < n; ++k) {
    const Shape& next = xs[k].shape();
    if (next.size() != first.size())
      throw ShapeError("concat: xs[0] is " + to_string(first) + " but " + name(k) + " is " + to_string(next) +
                       "; they must have the same rank");
    for (std::size_t i = 0; i < first.size(); ++i)
      if (i != a && next[i] != first[i])
        throw ShapeError("concat: xs[0] is " + to_string(first) + " but " + name(k) + " is " + to_string(next) +
                         "; along axis " + std::to_string(i) + " they must be equal, they are joined along axis " +
                         std::to_string(a));
    whole[a] += next[a];
  }
  return join(concat_op, xs, n, {whole, a, false});
}

template <class T> Variable<T> stack(const Variable<T>* xs, std::size_t n, std::ptrdiff_t axis) {
  if (n == 0) throw ValueError("stack: there is nothing to join; give at least one value");
  const Shape& first = xs[0].shape();
  const std::size_t a = new_axis("stack", axis, first);
  const Shape whole = with_axis(first, a, n);
  for (std::size_t k = 1; k < n; ++k)
    if (xs[k].shape() != first)
      throw ShapeError("stack: xs[0] is " + to_string(first) + " but " + name(k) + " is " + to_string(xs[k].shape()) +
                       "; they must be equal");
  return join(stack_op, xs, n, {whole, a, true});
}

template Variable<float> concat(const Variable<float>*, std::size_t, std::ptrdiff_t);
template Variable<double> concat(const Variable<double>*, std::size_t, std::ptrdiff_t);
template Variable<float> stack(const Variable<float>*, std::size_t, std::ptrdiff_t);
template Variable<double> stack(const Variable<double>*, std::size_t, std::ptrdiff_t);

}  // namespace joins

std::vector<Declared> declared_join() {
  const auto inputs = [] { return std::vector<Input>{{"a"}, {"b"}, {.name = "c", .optional = true}}; };
  const auto given = [](const auto& a) {
    std::vector xs{a["a"], a["b"]};
    if (a.has("c")) xs.push_back(a["c"]);
    return xs;
  };
  return {declare(concat_op, inputs(), {{"axis", "int", "0"}},
                  {"a=[2] b=[3]", "a=[2,3] b=[1,3] c=[2,3]", "a=[2,3] b=[2,1] axis=-1",
                   "a=[2,1,2] b=[2,3,2] c=[2,2,2] axis=1", "a=[2,2] b=[0,2]"},
                  [given](const auto& a) { return concat(given(a), a.integer("axis")); }),
          declare(stack_op, inputs(), {{"axis", "int", "0"}},
                  {"a=[3] b=[3]", "a=[2,3] b=[2,3] c=[2,3] axis=1", "a=[2,3] b=[2,3] axis=-1", "a=[] b=[] c=[]",
                   "a=[0,2] b=[0,2]"},
                  [given](const auto& a) { return stack(given(a), a.integer("axis")); })};
}

}  // namespace wengert
