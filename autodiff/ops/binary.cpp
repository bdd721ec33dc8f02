#include "autodiff/ops/binary.hpp"

#include <algorithm>
#include <array>

#include "autodiff/broadcast.hpp"
#include "autodiff/gradient.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;

constexpr Op where_op{"where", "y = a where mask, else b"};

/// An op as data: one rule serves them all.
template <class T> struct BinaryOp {
  const Op* op;
  unsigned uses[2];  // by the slopes of a and b: bit 0: a, bit 1: b, bit 2: y
  bool passes[2];    // the slope is 1: the gradient goes on as it is
  const kernels::Binary<T>* kernel;
  Variable<T> (*slope[2])(const Variable<T>& a, const Variable<T>& b, const Variable<T>& y);
};

template <class O, class T> const BinaryOp<T>& binary() {
  constexpr auto u0 = ops::Uses::argument(0), u1 = ops::Uses::argument(1), u2 = ops::Uses::argument(2);
  constexpr unsigned by_a = O::slope_a(u0, u1, u2).arguments, by_b = O::slope_b(u0, u1, u2).arguments;
  using V = const Variable<T>&;
  static const BinaryOp<T> op{
      &O::op,
      {by_a, by_b},
      {by_a == 0 && O::slope_a(0., 0., 0.) == 1, by_b == 0 && O::slope_b(0., 0., 0.) == 1},
      &kernels::of<T>().binary[ops::Binary::index<O>()],
      {[](V a, V b, V y) { return O::slope_a(a, b, y); }, [](V a, V b, V y) { return O::slope_b(a, b, y); }}};
  return op;
}

/// What the rule of a binary op keeps; handles are empty where no slope needs them.
template <class T> struct Kept {
  const BinaryOp<T>& op;
  Saved<T> a, b, y;
};

/// The shapes of the operands, where they are not the same.
struct Shapes {
  Shape of[2];
};

/// The term of one operand: g slope(a, b, y), summed to the operand's shape.
template <class T> struct BinaryTerm {
  const Kept<T>& kept;
  const Shapes* shapes;  // null: all the same
  int operand;
  Variable<T> g;

  Variable<T> value() {
    const bool same = !shapes || shapes->of[operand] == g.shape();
    if (kept.op.passes[operand]) return same ? std::move(g) : sum_to(std::move(g), shapes->of[operand]);
    if (recording()) {
      Variable<T> a = value_of(kept.a), b = value_of(kept.b);
      if (shapes && (kept.op.uses[operand] & 3) == 3)  // the formula compares or selects: both in one shape
        a = broadcast_to(std::move(a), g.shape()), b = broadcast_to(std::move(b), g.shape());
      Variable<T> whole = g * kept.op.slope[operand](a, b, value_of(kept.y));
      return same ? whole : sum_to(std::move(whole), shapes->of[operand]);
    }
    Variable<T> term = same && is_free(g) ? make_result_in(g) : make_result<T>(same ? g.shape() : shapes->of[operand]);
    add_or_write(out(term), false);
    return term;
  }
  void add_to(T* to) { add_or_write(to, true); }

 private:
  static const Variable<T>& value_of(const Saved<T>& saved) {
    static const Variable<T> none;
    return saved ? *saved : none;
  }
  static const T* at(const Saved<T>& s, Index offset) { return s ? (*s).data() + offset : nullptr; }

  void add_or_write(T* to, bool add) {
    if (!shapes) {
      const auto n = static_cast<Index>(g.size());
      kept.op.kernel->backward[operand][int(kernels::Columns::both)](
          {g.data(), at(kept.a, 0), at(kept.b, 0), at(kept.y, 0), 0, 0, to, 0, 1, n, add});
      return;
    }
    const Broadcast walk(shapes->of[0], shapes->of[1], g.shape());
    kernels::Summed how;
    if (!walk.summed(operand, how)) {  // blocks would have to be summed: the whole term first
      Variable<T> whole = make_result<T>(g.shape());
      blocks(walk, kernels::Summed::nothing, out(whole), false, true);
      const Variable<T> sum = sum_to(std::move(whole), shapes->of[operand]);
      kernels::of<T>().scale(sum.data(), 1, to, static_cast<Index>(sum.size()), add);
      return;
    }
    if (g.size() == 0 && !add) std::fill_n(to, count(shapes->of[operand]), T(0));
    blocks(walk, how, to, add, false);
  }

  void blocks(const Broadcast& walk, kernels::Summed how, T* to, bool add, bool whole) {
    const auto kernel = kept.op.kernel->backward[operand][int(walk.columns_of())];
    walk.each_block([&](Index a, Index b, Index y) {
      const kernels::BinaryBackward<T> block{g.data() + y,
                                             at(kept.a, a),
                                             at(kept.b, b),
                                             at(kept.y, y),
                                             walk.row(0),
                                             walk.row(1),
                                             to + (whole     ? y
                                                   : operand ? b
                                                             : a),
                                             whole ? walk.columns() : walk.row(operand),
                                             walk.rows(),
                                             walk.columns(),
                                             add};
      if (how == kernels::Summed::nothing)
        kernel(block);
      else
        kernels::of<T>().sum_terms(kernel, walk.columns_of(), how, block);
    });
  }
};

/// The rule: the last term may take over the memory of the upstream gradient.
template <class T>
void add_terms(Upstream<T>& g, const Edge<T>& ga, const Edge<T>& gb, const Kept<T>& kept, const Shapes* shapes) {
  if (gb) g.add(gb, BinaryTerm<T>{kept, shapes, 1, ga ? *g : g.take()});
  if (ga) g.add(ga, BinaryTerm<T>{kept, shapes, 0, g.take()});
}

template <class T>
void forward(const BinaryOp<T>& op, const Variable<T>& a, const Variable<T>& b, const Variable<T>& y, bool same) {
  if (same) {
    op.kernel->forward[int(kernels::Columns::both)](a.data(), 0, b.data(), 0, out(y), 1, static_cast<Index>(y.size()));
    return;
  }
  const Broadcast walk(a.shape(), b.shape(), y.shape());
  walk.each_block([&](Index i, Index j, Index k) {
    op.kernel->forward[int(walk.columns_of())](a.data() + i, walk.row(0), b.data() + j, walk.row(1), out(y) + k,
                                               walk.rows(), walk.columns());
  });
}

template <class T> Variable<T> elementwise(const BinaryOp<T>& op, Variable<T> a, Variable<T> b) {
  Edge<T> ga = edge(a), gb = edge(b);
  const unsigned uses = (ga ? op.uses[0] : 0) | (gb ? op.uses[1] : 0);
  const bool same = same_shape(a.shape(), b.shape());
  const auto result = [&](const Shape& shape) {
    if (!(uses & 1) && is_free(a) && same_shape(a.shape(), shape)) return make_result_in(a);
    if (!(uses & 2) && is_free(b) && same_shape(b.shape(), shape)) return make_result_in(b);
    return make_result<T>(shape);
  };
  Variable<T> y = same ? result(a.shape()) : result(broadcast_shape(op.op->name, a.shape(), b.shape()));
  forward(op, a, b, y, same);
  if (!ga && !gb) return y;
  const auto keep = [&] {
    return Kept<T>{op, saved_if(uses & 1, std::move(a)), saved_if(uses & 2, std::move(b)), saved_if(uses & 4, y)};
  };
  if (same)
    record(*op.op, y, [ga, gb, kept = keep()](Upstream<T>& g) { add_terms(g, ga, gb, kept, nullptr); });
  else
    record(*op.op, y, [ga, gb, shapes = Shapes{a.shape(), b.shape()}, kept = keep()](Upstream<T>& g) {
      add_terms(g, ga, gb, kept, &shapes);
    });
  return y;
}

}  // namespace

template <class O, class T> Variable<T> apply(Variable<T> a, Variable<T> b) {
  return elementwise(binary<O, T>(), std::move(a), std::move(b));
}

template <class T> Variable<T> where(Variable<T> mask, Variable<T> a, Variable<T> b) {
  const Shape ab = broadcast_shape("where", a.shape(), b.shape());
  const Shape shape = broadcast_shape("where", mask.shape(), ab, "mask", "a with b");
  const auto stretched = [&](Variable<T> x) { return x.shape() == shape ? x : broadcast_to(std::move(x), shape); };
  {
    const NoGrad constant;
    mask = stretched(std::move(mask));
  }
  return select(std::move(mask), stretched(std::move(a)), stretched(std::move(b)));
}
template Variable<float> where(Variable<float>, Variable<float>, Variable<float>);
template Variable<double> where(Variable<double>, Variable<double>, Variable<double>);

namespace {
// Every op of the list is compiled here, for both types.
template <class T, class... O> auto instances(ops::List<O...>) {
  using Function = Variable<T> (*)(Variable<T>, Variable<T>);
  return std::array<Function, sizeof...(O)>{&apply<O, T>...};
}
[[gnu::used]] const auto instances32 = instances<float>(ops::Binary{});
[[gnu::used]] const auto instances64 = instances<double>(ops::Binary{});
}  // namespace

std::vector<Declared> declared_binary() {
  // Equal; a number on either side; a row, a column, both at once; more axes than loops; blocks that would have to be
  // summed; no elements.
  const std::vector<std::string> samples = {
      "a=[3,5] b=[3,5]",     "a=[] b=[3,5]",          "a=[3,5] b=[]",
      "a=[3,5] b=[5]",       "a=[3,1] b=[3,5]",       "a=[3,1] b=[1,5]",
      "a=[2,1,3] b=[1,4,1]", "a=[2,3,4,5] b=[3,1,5]", "a=[2,1,3,1,2] b=[2,2,3,2,1]",
      "a=[] b=[]",           "a=[0,3] b=[3]",         "a=[1] b=[0,1]"};
  const std::vector<std::string> small = {
      "a=[2,3] b=[2,3]", "a=[] b=[2,3]",    "a=[2,3] b=[]",        "a=[2,3] b=[3]",
      "a=[2,1] b=[2,3]", "a=[2,1] b=[1,3]", "a=[2,1,2] b=[1,3,1]", "a=[2,1,2,1,2] b=[1,2,2,2,1]",
      "a=[] b=[]",       "a=[0,3] b=[3]"};
  std::vector<Declared> all;
  ops::Binary::each([&]<class O>(std::size_t) {
    if constexpr (std::is_same_v<O, ops::Pow>) return;
    const Draw draw = O::op.kinked ? Draw::distinct : Draw::uniform;
    all.push_back(declare(O::op, {{"a", O::op.a, draw}, {"b", O::op.b, draw}}, {}, O::op.kinked ? small : samples,
                          [](const auto& x) { return apply<O>(x["a"], x["b"]); }));
  });
  std::vector<std::string> powers = samples;
  for (const char* p : {"0", "1", "2", "0.5", "-0.5", "-1", "3", "-2.5"})
    powers.push_back(std::string("a=[5] exponent=") + p);
  powers.push_back("a=[] exponent=1.5");
  all.push_back(declare(ops::Pow::op, {{"a", ops::Pow::op.a}, {"b", ops::Pow::op.b, Draw::uniform, true}},
                        {{"exponent", "number", "2", "in place of b"}}, powers, [](const auto& x) {
                          return x["b"] ? pow(x["a"], x["b"]) : pow(x["a"], x.number("exponent"));
                        }));
  all.push_back(declare(where_op, {{"mask", {0, 1}, Draw::mask}, {"a"}, {"b"}}, {},
                        {"mask=[3,5] a=[3,5] b=[3,5]", "mask=[3,1] a=[5] b=[]", "mask=[] a=[2,3] b=[2,1]",
                         "mask=[5] a=[3,5] b=[3,1]", "mask=[] a=[] b=[]", "mask=[0,3] a=[0,3] b=[1]"},
                        [](const auto& x) { return where(x["mask"], x["a"], x["b"]); }));
  return all;
}

}  // namespace wengert
