// Attention against plain loops, with what is hidden, and what it refuses.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/dual.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::Dual;
using test::Duals;
using test::message;

namespace {

using V = Variable<double>;
using A = Array<double>;
constexpr double inf = std::numeric_limits<double>::infinity();

struct Extents4 {
  std::size_t batch, queries, keys, width, values;
};

/// In: q, k, v and the mask [L,S], if there is one.
std::vector<Dual> attention(const std::vector<Duals>& in, const Extents4& e, bool causal, long double scale) {
  std::vector<Dual> out;
  for (std::size_t b = 0; b < e.batch; ++b)
    for (std::size_t i = 0; i < e.queries; ++i) {
      std::vector<Dual> weights;
      Dual total = 0;
      for (std::size_t j = 0; j < e.keys; ++j) {
        Dual score = in.size() > 3 ? in[3](i, j) : Dual(0);
        for (std::size_t c = 0; c < e.width; ++c)
          score += Dual(scale) * in[0](b * e.queries + i, c) * in[1](b * e.keys + j, c);
        weights.push_back((causal && j > i) || score.value == -inf ? Dual(0) : exp(score));
        total += weights.back();
      }
      for (std::size_t d = 0; d < e.values; ++d) {
        Dual sum = 0;
        for (std::size_t j = 0; total.value > 0 && j < e.keys; ++j)
          sum += weights[j] / total * in[2](b * e.keys + j, d);
        out.push_back(sum);
      }
    }
  return out;
}

template <class T> Variable<T> drawn(const Shape& shape, std::mt19937_64& random) {
  return parameter(test::uniform<T>(shape, {-2, 2}, random));
}

}  // namespace

TEST_CASE_TEMPLATE("attention against plain loops", T, float, double) {
  std::mt19937_64 random(71);
  for (const Extents4& e : {Extents4{1, 1, 1, 1, 1}, {1, 3, 5, 4, 2}, {2, 5, 3, 2, 4}, {2, 4, 19, 3, 1}})
    for (const bool causal : {true, false})
      for (const bool masked : {true, false}) {
        CAPTURE(causal);
        CAPTURE(masked);
        std::vector<Variable<T>> p = {drawn<T>({e.batch, e.queries, e.width}, random),
                                      drawn<T>({e.batch, e.keys, e.width}, random),
                                      drawn<T>({e.batch, e.keys, e.values}, random)};
        if (masked) p.push_back(drawn<T>({e.queries, e.keys}, random));
        const Array<T> u = test::uniform<T>({e.batch, e.queries, e.values}, {-1, 1}, random);
        Tape tape;
        const Variable<T> y =
            scaled_dot_product_attention(p[0], p[1], p[2], {.mask = masked ? p[3] : Variable<T>(), .causal = causal});
        const auto gradients = tape.gradient(y, p, {.upstream = u});
        const test::Gradients exact(p, u, [&](const std::vector<Duals>& in) {
          return attention(in, e, causal, 1 / std::sqrt(static_cast<long double>(e.width)));
        });
        CHECK(test::ulps(y, exact.y) <= 8);
        for (std::size_t i = 0; i < p.size(); ++i)
          CHECK((e.keys == 1 && i != 2 ? xt::amax(xt::abs(gradients[i].value()))() < 1e-5
                                       : test::ulps(gradients[i], exact.of[i]) <= 32));
      }
}

TEST_CASE("keys that are hidden count for nothing, whatever they hold; a query that sees none gets 0") {
  std::mt19937_64 random(72);
  const Extents4 e{1, 3, 4, 2, 2};
  std::vector<V> p = {drawn<double>({3, 2}, random), drawn<double>({4, 2}, random), drawn<double>({4, 2}, random)};
  A mask(Shape{3, 4}, 0.);
  mask(0, 1) = mask(0, 3) = -inf;
  for (std::size_t j = 0; j < 4; ++j) mask(1, j) = -inf;
  const A u = test::uniform({3, 2}, {-1, 1}, random);
  Tape tape;
  const V y = scaled_dot_product_attention(p[0], p[1], p[2], {.mask = mask, .scale = 0.5});
  CHECK(y.value()(1, 0) == 0);
  const auto gradients = tape.gradient(y, p, {.upstream = u});
  const test::Gradients exact(p, u, [&](std::vector<Duals> in) {
    in.emplace_back(V(mask));
    return attention(in, e, false, 0.5);
  });
  CHECK(test::ulps(y, exact.y) <= 8);
  for (std::size_t i = 0; i < 3; ++i) CHECK(test::ulps(gradients[i], exact.of[i]) <= 32);
  CHECK(gradients[0].value()(1, 0) == 0);
}

TEST_CASE("what causal hides is not looked at: NaN in the future stays there") {
  V q = A(Shape{3, 1}, 1.), k = parameter(A(Shape{3, 1}, 1.)), v = parameter(A(Shape{3, 1}, 1.));
  k.mutable_value()(2, 0) = v.mutable_value()(1, 0) = std::numeric_limits<double>::quiet_NaN();
  const V y = scaled_dot_product_attention(q, k, V(A(Shape{3, 1}, 1.)), {.causal = true});
  CHECK(y.value()(0, 0) == 1);
  CHECK(y.value()(1, 0) == 1);
  CHECK(std::isnan(y.value()(2, 0)));
  // More queries than keys, more keys than queries, none of either.
  const V two = A(Shape{2, 1}, 1.), none = A(Shape{0, 1});
  CHECK(scaled_dot_product_attention(q, two, two, {.causal = true}).value() == A(Shape{3, 1}, 1.));
  CHECK(scaled_dot_product_attention(two, q, q, {.causal = true}).value() == A(Shape{2, 1}, 1.));
  CHECK(scaled_dot_product_attention(two, none, none).value() == A(Shape{2, 1}, 0.));
  CHECK(scaled_dot_product_attention(none, two, two, {.causal = true}).shape() == Shape{0, 1});
}

TEST_CASE("large scores do not overflow") {
  const Variable<float> q = Array<float>(Shape{1, 1}, 1e4f);
  const Variable<float> keys = reshape(Variable<float>(Array<float>{1e4f, -1e4f}), {2, 1});
  const Variable<float> values = reshape(Variable<float>(Array<float>{3, 5}), {2, 1});
  CHECK(scaled_dot_product_attention(q, keys, values).item() == 3);
}

TEST_CASE("attention: errors") {
  const auto zeros = [](const Shape& shape) { return V(A(shape, 0.)); };
  const V q = zeros({2, 3, 4}), k = zeros({2, 5, 4}), v = zeros({2, 5, 6});
  CHECK(message<ShapeError>([&] { scaled_dot_product_attention(zeros({4}), k, v); }) ==
        "scaled_dot_product_attention: q is [4], k is [2,5,4] and v is [2,5,6]; they must be [...,L,E], [...,S,E] and "
        "[...,S,D]");
  CHECK(message<ShapeError>([&] { scaled_dot_product_attention(q, v, v); }) ==
        "scaled_dot_product_attention: q is [2,3,4], k is [2,5,6] and v is [2,5,6]; q and k must have the same last "
        "extent");
  CHECK(message<ShapeError>([&] { scaled_dot_product_attention(q, k, q); }) ==
        "scaled_dot_product_attention: q is [2,3,4], k is [2,5,4] and v is [2,3,4]; k and v must have as many rows");
  CHECK(message<ShapeError>([&] {
          scaled_dot_product_attention(q, zeros({3, 5, 4}), zeros({3, 5, 4}));
        }) ==
        "scaled_dot_product_attention: a is [2] but b is [3]; a.shape[0] = 2 and b.shape[0] = 3 must be equal, or one "
        "of them 1");
  CHECK(message<ShapeError>([&] {
          scaled_dot_product_attention(q, k, v, {.mask = zeros({4, 2, 3, 5})});
        }) == "scaled_dot_product_attention: the mask is [4,2,3,5], which does not stretch to the scores [2,3,5]");
}
