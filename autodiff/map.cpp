#include "autodiff/map.hpp"

#include "autodiff/broadcast.hpp"
#include "autodiff/list.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert::fused {

constexpr Op map_op{"map", "y = f(x, ...); here tanh(x + b) x"};
constexpr Op map_sum_op{"map_sum", "y = sum of f(x, ...); here tanh(x + b) x"};

namespace {

/// What a map keeps of an input.
template <class T> struct Input {
  Shape shape = {};
  Edge<T> edge = {};
  Saved<T> value = {};  // if the gradients read it
  int gradient = -1;    // its line in the backward list
};

/// What a map keeps. To the backward list y and gy are inputs as well, the last two.
template <class T> struct Kept {
  List forward;  // ends with y
  List backward;
  Scratch<Input<T>> inputs;
  Saved<T> y;
  Shape shape;  // of the elements
  bool sums = false;
  double scale = 1;
};

const Shape* unless_same(const Shape& shape, const Shape& result) {
  return same_shape(shape, result) ? nullptr : &shape;
}

/// Turns a list that ends with y into that of the gradients of its inputs; they are the lines returned. If the elements of
/// y were not stored they are computed again.
Scratch<int> turn(Writer& writer, const Scratch<char>& wanted, bool stored, bool written_out) {
  const auto y = static_cast<int>(writer.list.size()) - 1, g = y + 1;
  const auto number_of_y = static_cast<int>(wanted.size());
  writer.list.push_back({Kind::input, number_of_y + 1});
  Scratch<int> gradients = differentiate(writer, y, g, wanted, written_out);
  if (stored && writer.list[y].kind != Kind::input) writer.list[y] = {Kind::input, number_of_y};
  return gradients;
}

template <class T> void add_terms(Upstream<T>& g, Kept<T>& kept);
template <class T> void record_terms(Upstream<T>& g, Kept<T>& kept);

/// y, the last line of the list, recorded. Inputs that it does not need may be empty handles.
template <class T>
Variable<T> compute(const Form& form, List list, Variable<T>* inputs, std::size_t n, const Shape& shape) {
  Kept<T> kept;
  kept.inputs.resize(n);
  Scratch<Operand<T>> operands(n);
  Scratch<char> wanted(n, false);
  bool recorded = false;
  for (const Line& line : list) {
    if (line.kind != Kind::input) continue;
    const Variable<T>& x = inputs[line.op];
    kept.inputs[line.op].shape = x.shape();
    kept.inputs[line.op].edge = edge(x);
    operands[line.op] = {x.data(), unless_same(kept.inputs[line.op].shape, shape)};
    recorded |= wanted[line.op] = bool(kept.inputs[line.op].edge);
  }

  bool saves_y = false;
  if (recorded) {
    Writer writer(list);
    Scratch<int> gradients = turn(writer, wanted, !form.sums, false);
    prune(writer.list, gradients);
    kept.backward = std::move(writer.list);
    for (std::size_t i = 0; i < n; ++i) kept.inputs[i].gradient = gradients[i];
    for (const Line& line : kept.backward) {
      if (line.kind != Kind::input) continue;
      const auto i = static_cast<std::size_t>(line.op);
      if (i < n) kept.inputs[i].value = saved(inputs[i]);
      saves_y |= i == n;
    }
  }

  Variable<T> y;
  for (std::size_t i = 0; i < n && !y && !form.sums; ++i)
    if (inputs[i] && is_free(inputs[i]) && same_shape(inputs[i].shape(), shape)) y = make_result_in(inputs[i]);
  if (!y) y = make_result<T>(form.sums ? Shape{} : shape);
  const Shape number;
  run(list, operands, shape,
      {{static_cast<int>(list.size()) - 1, out(y), false, form.sums ? &number : nullptr, form.scale}});
  if (!recorded) return y;

  if (saves_y) kept.y = saved(y);
  kept.forward = std::move(list);
  kept.shape = shape;
  kept.sums = form.sums;
  kept.scale = form.scale;
  record(form.op, y, [kept = std::move(kept)](Upstream<T>& g) mutable {
    if (recording())
      record_terms(g, kept);
    else
      add_terms(g, kept);
  });
  return y;
}

/// What the backward list reads: the inputs, y and gy; empty handles where it does not. The last time they are moved.
template <class T> Scratch<Variable<T>> known(Kept<T>& kept, Variable<T> gy, bool last) {
  Scratch<Variable<T>> all;
  all.reserve(kept.inputs.size() + 2);
  const auto take = [&](Saved<T>& saved) {
    all.push_back(saved ? *saved : Variable<T>());
    if (last) saved = {};
  };
  for (Input<T>& i : kept.inputs) take(i.value);
  take(kept.y);
  all.push_back(std::move(gy));
  return all;
}

template <class T> Variable<T> scaled(Variable<T> gy, double scale) {
  return scale == 1 ? gy : std::move(gy) * static_cast<T>(scale);
}

/// All gradients in one run: each is added to what is there, or written, over something that is read for the last time if
/// there is such a thing, since fresh memory costs more.
template <class T> void add_terms(Upstream<T>& g, Kept<T>& kept) {
  const std::size_t n = kept.inputs.size();
  Scratch<int> lines(n, -1);
  bool all = true;
  for (std::size_t i = 0; i < n; ++i) {
    const bool wanted = g.wanted(kept.inputs[i].edge);
    if (wanted) lines[i] = kept.inputs[i].gradient;
    all &= wanted || kept.inputs[i].gradient < 0;
  }
  List fewer;
  if (!all) prune(fewer = kept.backward, lines);
  const List& list = all ? kept.backward : fewer;

  const Shape& shape = kept.shape;
  const Scratch<Variable<T>> inputs = known(kept, scaled(g.take(), kept.scale), g.last());
  Scratch<Operand<T>> operands;
  operands.reserve(inputs.size());
  for (const Variable<T>& v : inputs)
    operands.push_back(v ? Operand<T>{v.data(), unless_same(v.shape(), shape)} : Operand<T>{});

  const auto is_gy = [&](int line) { return list[line].kind == Kind::input; };
  bool passes_gy = false;
  for (std::size_t i = 0; i < n; ++i)
    passes_gy |= lines[i] >= 0 && is_gy(lines[i]) && same_shape(kept.inputs[i].shape, shape);
  const auto make = [&](int line, const Shape& s) {
    if (same_shape(s, shape))
      for (std::size_t i = inputs.size(); i-- > 0;)
        if (inputs[i] && is_free(inputs[i]) && same_shape(inputs[i].shape(), s) &&
            (i <= n || !passes_gy || is_gy(line)))
          return make_result_in(inputs[i]);
    return make_result<T>(s);
  };
  Scratch<Variable<T>> terms(n);
  Scratch<Output<T>> outputs;
  outputs.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (lines[i] < 0) continue;
    const Input<T>& input = kept.inputs[i];
    T* const sum = g.added_up(input.edge);
    if (!sum) terms[i] = make(lines[i], input.shape);
    outputs.push_back({lines[i], sum ? sum : out(terms[i]), sum != nullptr, unless_same(input.shape, shape)});
  }
  run(list, operands, shape, outputs);
  for (std::size_t i = 0; i < n; ++i)
    if (terms[i]) g.add(kept.inputs[i].edge, std::move(terms[i]));
}

/// Each gradient as a map of its own.
template <class T> void record_terms(Upstream<T>& g, Kept<T>& kept) {
  const std::size_t n = kept.inputs.size();
  Scratch<char> wanted(n);
  for (std::size_t i = 0; i < n; ++i) wanted[i] = g.wanted(kept.inputs[i].edge);
  Writer writer(kept.forward);
  const Scratch<int> gradients = turn(writer, wanted, !kept.sums, true);
  Scratch<Variable<T>> inputs = known(kept, scaled(*g, kept.scale), false);
  for (std::size_t i = 0; i < n; ++i) {
    if (gradients[i] < 0) continue;
    List list = writer.list;
    Scratch<int> last{gradients[i]};
    prune(list, last);
    g.add(kept.inputs[i].edge,
          sum_to(compute({map_op}, std::move(list), inputs.data(), inputs.size(), kept.shape), kept.inputs[i].shape));
  }
}

/// The shape of the result; what does not fit is named by its number.
template <class T> Shape common_shape(const char* op, const Variable<T>* inputs, std::size_t n) {
  Shape shape = inputs[0].shape();
  for (std::size_t i = 1; i < n; ++i) {
    if (same_shape(inputs[i].shape(), shape)) continue;
    const auto name = [](std::size_t k) { return "x" + std::to_string(k); };
    for (std::size_t k = 0; k < i; ++k)
      broadcast_shape(op, inputs[k].shape(), inputs[i].shape(), name(k).c_str(), name(i).c_str());
    shape = broadcast_shape(op, shape, inputs[i].shape());
  }
  return shape;
}

}  // namespace

template <class T> Variable<T> run(const Form& form, Writer& writer, Number y, Variable<T>* inputs, std::size_t n) {
  Scratch<int> last{writer.line(y.reference)};
  prune(writer.list, last);
  return compute(form, std::move(writer.list), inputs, n, common_shape(form.op.name, inputs, n));
}

template Variable<float> run(const Form&, Writer&, Number, Variable<float>*, std::size_t);
template Variable<double> run(const Form&, Writer&, Number, Variable<double>*, std::size_t);

}  // namespace wengert::fused

namespace wengert {

std::vector<Declared> declared_map() {
  const auto f = [](auto x, auto b) { return tanh(x + b) * x; };
  const std::vector<std::string> samples{"x=[3,5] b=[3,5]",     "x=[3,5] b=[5]",         "x=[3,1] b=[3,5]",
                                         "x=[3,5] b=[]",        "x=[] b=[3,5]",          "x=[] b=[]",
                                         "x=[2,1,3] b=[1,4,1]", "x=[2,3,4,5] b=[3,1,5]", "x=[0,3] b=[3]"};
  return {declare(fused::map_op, {{"x"}, {"b"}}, {}, samples, [f](const auto& a) { return map(f, a["x"], a["b"]); }),
          declare(fused::map_sum_op, {{"x"}, {"b"}}, {}, samples,
                  [f](const auto& a) { return map_sum(f, a["x"], a["b"]); })};
}

}  // namespace wengert
