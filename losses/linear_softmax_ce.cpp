#include "losses/linear_softmax_ce.hpp"

#include <algorithm>

#include "autodiff/blas.hpp"
#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/softmax_ce_rows.hpp"

namespace wengert::losses {
namespace {

constexpr Op linear_softmax_ce_op{"linear_softmax_ce", "L = softmax_ce(X W^T + b)"};
constexpr std::size_t block_bytes = std::size_t{32} << 20;

/// As many rows as fit a block: whole multiples of what GEMM works on at once, where there are that many.
std::size_t rows_of_block(std::size_t rows, std::size_t bytes_of_row) {
  const std::size_t fit = std::max<std::size_t>(1, block_bytes / std::max<std::size_t>(1, bytes_of_row));
  return std::min(rows, fit > 16 ? fit / 16 * 16 : fit);
}

/// What backward hands on; empty handles where no gradient is wanted.
template <class T> struct Gradients {
  Variable<T> x, w, b;
  explicit operator bool() const { return x || w || b; }
};

template <class T> Variable<T> zeros(const Shape& shape) {
  Variable<T> v = make_result<T>(shape);
  std::fill_n(out(v), v.size(), T(0));
  return v;
}

template <class T> void need_shapes(const Variable<T>& x, const Variable<T>& w, const Variable<T>& b) {
  const auto say = [](const std::string& what) { throw ShapeError("linear_softmax_ce: " + what); };
  if (x.rank() != 2) say("x is " + to_string(x.shape()) + "; it must be a matrix [N,d]");
  if (w.rank() != 2) say("weight is " + to_string(w.shape()) + "; it must be a matrix [C,d]");
  if (x.shape()[1] != w.shape()[1])
    say("x is " + to_string(x.shape()) + " but weight is " + to_string(w.shape()) + "; x.shape[1] = " +
        std::to_string(x.shape()[1]) + " must equal weight.shape[1] = " + std::to_string(w.shape()[1]));
  if (b && b.shape() != Shape{w.shape()[0]})
    say("bias is " + to_string(b.shape()) + " but weight is " + to_string(w.shape()) + "; bias must be [" +
        std::to_string(w.shape()[0]) + "]");
}

/// The loss, block by block; `gradients` are added to.
template <class T>
double walk_blocks(const Variable<T>& x, const Variable<T>& w, const Variable<T>& b, const Rows<T>& rows,
                   kernels::SoftmaxCe<T> call, const Gradients<T>& gradients) {
  const std::size_t n = x.shape()[0], d = x.shape()[1], classes = w.shape()[0];
  const std::size_t block = rows_of_block(n, classes * sizeof(T));
  const Variable<T> scores = make_result<T>({block, classes});
  const Matrix<T> weight{w.data(), classes, d};
  call.scores = out(scores);
  call.gradient = gradients ? out(scores) : nullptr;
  double total = 0;
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t m = std::min(block, n - first);
    const Matrix<T> part{x.data() + first * d, m, d}, g{out(scores), m, classes};
    if (b)
      for (std::size_t i = 0; i < m; ++i) std::copy_n(b.data(), classes, out(scores) + i * classes);
    gemm("linear_softmax_ce", part, {w.data(), classes, d, true}, out(scores), bool(b));
    call.lines = {static_cast<kernels::Index>(m), static_cast<kernels::Index>(classes), 1};
    call.labels = rows.labels.storage().data() + first;
    call.row_weights = rows.weights.data() ? rows.weights.data() + first : nullptr;
    total += kernels::of<T>().softmax_ce(call);
    if (gradients.x) gemm("linear_softmax_ce", g, weight, out(gradients.x) + first * d, false);
    if (gradients.w) gemm("linear_softmax_ce", {g.data, m, classes, true}, part, out(gradients.w), true);
    if (gradients.b) kernels::of<T>().sum(g.data, out(gradients.b), {1, call.lines.outer, call.lines.length}, 1, true);
  }
  return total;
}

/// upstream times what was kept; or, recorded, times the product that it stands for.
template <class T, class Recorded> struct Scaled {
  const Variable<T>&kept, &upstream;
  Recorded recorded;
  Variable<T> value() {
    if (recording()) return upstream * recorded();
    return upstream.item() == 1 ? kept : kept * upstream;
  }
};
template <class T, class Recorded>
Scaled<T, Recorded> scaled(const Variable<T>& kept, const Variable<T>& upstream, Recorded f) {
  return {kept, upstream, std::move(f)};
}

}  // namespace

template <class T>
Variable<T> linear_softmax_ce(Variable<T> x, Variable<T> w, Variable<T> b, const Labels& labels, SoftmaxCe<T> o) {
  need_shapes(x, w, b);
  if (o.reduction == Reduction::none)
    throw ValueError(
        "linear_softmax_ce: the reduction is none; the losses of the rows must be summed or averaged here");
  o.axis = 1;
  o.answers = nullptr;
  Rows<T> rows("linear_softmax_ce", {x.shape()[0], w.shape()[0]}, labels, o);
  const Edge<T> gx = edge(x), gw = edge(w), gb = b ? edge(b) : Edge<T>();
  const Gradients<T> kept{gx ? make_result<T>(x.shape()) : Variable<T>(), gw ? zeros<T>(w.shape()) : Variable<T>(),
                          gb ? zeros<T>(b.shape()) : Variable<T>()};
  kernels::SoftmaxCe<T> call = rows.call(o);
  const Variable<double> scratch = make_scratch(call);
  call.scratch = out(scratch);
  Variable<T> loss = make_result<T>({});
  *out(loss) = static_cast<T>(rows.reduced(walk_blocks(x, w, b, rows, call, kept)));
  if (!kept) return loss;
  record(linear_softmax_ce_op, loss,
         [gx, gw, gb, kept, x = saved(std::move(x)), w = saved(std::move(w)), b = b ? saved(std::move(b)) : Saved<T>(),
          rows = std::move(rows), o](Upstream<T>& g) {
           const auto scores = [&] { return score_gradient(linear(*x, *w, b ? *b : Variable<T>()), rows, o); };
           if (gx) g.add(gx, scaled(kept.x, *g, [&] { return matmul(scores(), *w); }));
           if (gw) g.add(gw, scaled(kept.w, *g, [&] { return matmul(scores(), *x, {true, false}); }));
           if (gb) g.add(gb, scaled(kept.b, *g, [&] { return sum(scores(), 0); }));
         });
  return loss;
}

template Variable<float> linear_softmax_ce(Variable<float>, Variable<float>, Variable<float>, const Labels&,
                                           SoftmaxCe<float>);
template Variable<double> linear_softmax_ce(Variable<double>, Variable<double>, Variable<double>, const Labels&,
                                            SoftmaxCe<double>);

Declared declared_linear_softmax_ce() {
  return declare(linear_softmax_ce_op,
                 {{"x"},
                  {"weight"},
                  {.name = "bias", .optional = true},
                  {"labels", {0, 3}, Draw::index},
                  {"weights", {0.5, 2}, Draw::constant, true},
                  {"row_weights", {0, 2}, Draw::constant, true},
                  {"mask", {0, 1}, Draw::mask, true}},
                 {{"reduction", "mean|sum", "mean"},
                  {"ignore_index", "int", "-100"},
                  {"label_smoothing", "number", "0"},
                  {"temperature", "number", "1"},
                  {"soft_cap", "number", "0", "0 for none"},
                  {"z_loss", "number", "0"}},
                 {"x=[3,2] weight=[4,2] bias=[4] labels=[3]", "x=[3,2] weight=[4,2] labels=[3] reduction=sum",
                  "x=[0,2] weight=[4,2] bias=[4] labels=[0] reduction=sum",
                  "x=[5,2] weight=[4,2] bias=[4] labels=[5] weights=[4] row_weights=[5] mask=[5] label_smoothing=0.1",
                  "x=[3,2] weight=[4,2] bias=[4] labels=[3] soft_cap=3 temperature=2 z_loss=0.1"},
                 [](const auto& a) {
                   SoftmaxCe<typename std::decay_t<decltype(a["x"])>::value_type> o{
                       .reduction = reduction_of(a),
                       .row_weights = a["row_weights"],
                       .mask = a["mask"],
                       .class_weights = a["weights"],
                       .ignore_index = a.integer("ignore_index"),
                       .label_smoothing = a.number("label_smoothing"),
                       .temperature = a.number("temperature"),
                       .soft_cap = a.number("soft_cap"),
                       .z_loss = a.number("z_loss")};
                   return linear_softmax_ce(a["x"], a["weight"], a["bias"], a.indices("labels"), std::move(o));
                 });
}

}  // namespace wengert::losses
