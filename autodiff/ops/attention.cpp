#include "autodiff/ops/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/broadcast.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/softmax.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;

constexpr Op attention_op{"scaled_dot_product_attention", "O = softmax(scale Q K^T + mask) V"};

/// Throws unless all shapes fit.
template <class T>
void check(const Variable<T>& q, const Variable<T>& k, const Variable<T>& v, const Variable<T>& mask) {
  const auto fail = [&](const char* rule) {
    throw ShapeError(std::string(attention_op.name) + ": q is " + to_string(q.shape()) + ", k is " +
                     to_string(k.shape()) + " and v is " + to_string(v.shape()) + "; " + rule);
  };
  if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2) fail("they must be [...,L,E], [...,S,E] and [...,S,D]");
  const auto from_end = [](const Variable<T>& x, std::size_t i) { return x.shape()[x.rank() - i]; };
  if (from_end(q, 1) != from_end(k, 1)) fail("q and k must have the same last extent");
  if (from_end(k, 2) != from_end(v, 2)) fail("k and v must have as many rows");
  const auto batch = [](const Variable<T>& x) { return Shape(x.shape().begin(), x.shape().end() - 2); };
  Shape scores = broadcast_shape(attention_op.name, batch(q), batch(k));
  broadcast_shape(attention_op.name, scores, batch(v));
  if (!mask) return;
  scores.push_back(from_end(q, 2));
  scores.push_back(from_end(k, 2));
  if (mask.rank() > scores.size() || broadcast_shape(attention_op.name, mask.shape(), scores) != scores)
    throw ShapeError(std::string(attention_op.name) + ": the mask is " + to_string(mask.shape()) +
                     ", which does not stretch to the scores " + to_string(scores));
}

/// The softmax of every row of the scores [...,L,S], in place if nobody else holds them; of its first i + 1 elements in row
/// i if causal. A row of nothing but -inf becomes 0. The gradient is softmax's: what is 0 gets none.
template <class T> Variable<T> weights_of(Variable<T> scores, bool causal, bool masked) {
  const Shape& shape = scores.shape();
  const std::size_t axis = shape.size() - 1, queries = shape[axis - 1], keys = shape[axis];
  const Edge<T> to = edge(scores);
  Variable<T> y = is_free(scores) ? make_result_in(scores) : make_result<T>(shape);
  const auto& kernel = kernels::of<T>();
  for (std::size_t row = 0; keys > 0 && row < scores.size() / keys; ++row) {
    const T* const s = scores.data() + row * keys;
    T* const p = out(y) + row * keys;
    std::size_t seen = causal ? std::min(row % queries + 1, keys) : keys;
    const kernels::Lines line{1, static_cast<Index>(seen), 1};
    if (masked) {
      T most;
      kernel.max(s, &most, line, false);
      if (most == -std::numeric_limits<T>::infinity()) seen = 0;
    }
    if (seen > 0) kernel.softmax(s, p, line);
    std::fill(p + seen, p + keys, T(0));
  }
  if (to) record_softmax(y, to, axis);
  return y;
}

}  // namespace

template <class T>
Variable<T> scaled_dot_product_attention(Variable<T> q, Variable<T> k, Variable<T> v, Attention<T> options) {
  check(q, k, v, options.mask);
  const double scale = options.scale ? *options.scale : 1 / std::sqrt(static_cast<double>(q.shape().back()));
  Variable<T> scores = matmul(std::move(q) * static_cast<T>(scale), std::move(k), {.b = true});
  const bool masked = bool(options.mask);
  if (masked) scores = std::move(scores) + std::move(options.mask);
  return matmul(weights_of(std::move(scores), options.causal, masked), std::move(v));
}

template Variable<float> scaled_dot_product_attention(Variable<float>, Variable<float>, Variable<float>,
                                                      Attention<float>);
template Variable<double> scaled_dot_product_attention(Variable<double>, Variable<double>, Variable<double>,
                                                       Attention<double>);

std::vector<Declared> declared_attention() {
  return {declare(
      attention_op, {{"q"}, {"k"}, {"v"}, {"mask", {-2, 2}, Draw::uniform, true}},
      {{"causal", "flag", "false", "query i sees the keys 0..i"}, {"scale", "number", "", "1/sqrt(E) if not given"}},
      {"q=[3,4] k=[5,4] v=[5,2]", "q=[3,2] k=[3,2] v=[3,2] causal=true",
       "q=[4,2] k=[2,2] v=[2,3] causal=true scale=0.3", "q=[2,2,3] k=[2,4,3] v=[2,4,2] mask=[2,4]",
       "q=[2,2,3] k=[4,3] v=[2,4,1] mask=[2,1,4] scale=-1", "q=[2,3] k=[3,3] v=[3,2] mask=[2,3] causal=true",
       "q=[0,3] k=[2,3] v=[2,2]", "q=[2,3] k=[0,3] v=[0,2]"},
      [](const auto& a) {
        std::optional<double> scale;
        if (!a.word("scale").empty()) scale = a.number("scale");
        return scaled_dot_product_attention(a["q"], a["k"], a["v"], {a["mask"], a.flag("causal"), scale});
      })};
}

}  // namespace wengert
