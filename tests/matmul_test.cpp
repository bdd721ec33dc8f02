// Products against naive sums in long double, and what they refuse.
#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

/// x[batch..., row, column] of a stack whose batch axes are `batch` or stretch to it.
template <class T>
long double entry(const Array<T>& x, const std::vector<std::size_t>& batch, std::size_t row, std::size_t column) {
  std::vector<std::size_t> at;
  const std::size_t axes = x.dimension() - 2, extra = batch.size() - axes;
  for (std::size_t i = 0; i < axes; ++i) at.push_back(x.shape()[i] == 1 ? 0 : batch[extra + i]);
  at.push_back(row), at.push_back(column);
  return x.element(at.begin(), at.end());
}

/// f(batch indices) for all of them.
template <class F> void each_batch(const std::vector<std::size_t>& extents, F f) {
  std::vector<std::size_t> at(extents.size(), 0);
  for (;;) {
    f(at);
    std::size_t i = extents.size();
    while (i > 0 && ++at[i - 1] == extents[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

/// Checks C = A B for stacks, and its gradients, for C's batch axes as given.
template <class T>
void check_product(const Shape& a_shape, const Shape& b_shape, const std::vector<std::size_t>& batch, Transposed t) {
  CAPTURE(to_string(a_shape));
  CAPTURE(to_string(b_shape));
  std::mt19937_64 random(5);
  const Variable<T> a = parameter(test::uniform<T>(a_shape, {-1, 1}, random)),
                    b = parameter(test::uniform<T>(b_shape, {-1, 1}, random));
  Tape tape;
  const Variable<T> c = matmul(a, b, t);
  const Array<T> u = test::uniform<T>(c.shape(), {-1, 1}, random);
  const auto [ga, gb] = tape.gradient(c, {a, b}, {.upstream = u});
  const std::size_t m = u.shape()[batch.size()], n = u.shape()[batch.size() + 1];
  const std::size_t k = a_shape[a_shape.size() - (t.a ? 2 : 1)];
  xt::xarray<long double> ea = xt::zeros<long double>(a.value().shape()),
                          eb = xt::zeros<long double>(b.value().shape());
  const auto add = [&](xt::xarray<long double>& to, const std::vector<std::size_t>& at, std::size_t row,
                       std::size_t column, long double x) {
    std::vector<std::size_t> place;
    const std::size_t axes = to.dimension() - 2;
    for (std::size_t i = 0; i < axes; ++i) place.push_back(to.shape()[i] == 1 ? 0 : at[at.size() - axes + i]);
    place.push_back(row), place.push_back(column);
    to.element(place.begin(), place.end()) += x;
  };
  double worst = 0;
  const double eps = std::numeric_limits<T>::epsilon();
  each_batch(batch, [&](const std::vector<std::size_t>& at) {
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        long double sum = 0;
        const long double g = entry(u, at, i, j);
        for (std::size_t l = 0; l < k; ++l) {
          const long double x = t.a ? entry(a.value(), at, l, i) : entry(a.value(), at, i, l);
          const long double y = t.b ? entry(b.value(), at, j, l) : entry(b.value(), at, l, j);
          sum += x * y;
          add(ea, at, t.a ? l : i, t.a ? i : l, g * y);
          add(eb, at, t.b ? j : l, t.b ? l : j, g * x);
        }
        worst = std::max(worst, static_cast<double>(std::abs(entry(c.value(), at, i, j) - sum)));
      }
  });
  // All factors are below 1: a sum of n products is off by n eps at most, in practice by its root.
  CHECK(worst <= 16 * eps * std::sqrt(static_cast<double>(k) + 1));
  const auto off = [](const Variable<T>& got, const xt::xarray<long double>& exact) {
    double most = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      most = std::max(most, static_cast<double>(std::abs(got.data()[i] - exact.data()[i])));
    return most;
  };
  const double terms = static_cast<double>(count(c.shape()));
  CHECK(off(ga, ea) <= 16 * eps * std::sqrt(terms + 1));
  CHECK(off(gb, eb) <= 16 * eps * std::sqrt(terms + 1));
}

}  // namespace

TEST_CASE_TEMPLATE("matmul: values and gradients against long double", T, float, double) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      const auto a = [ta](Shape s) {
        if (ta) std::swap(s[s.size() - 1], s[s.size() - 2]);
        return s;
      };
      const auto b = [tb](Shape s) {
        if (tb) std::swap(s[s.size() - 1], s[s.size() - 2]);
        return s;
      };
      CAPTURE(ta);
      CAPTURE(tb);
      check_product<T>(a({7, 300}), b({300, 5}), {}, {ta, tb});
      check_product<T>(a({1, 300}), b({300, 5}), {}, {ta, tb});  // one row
      check_product<T>(a({33, 70}), b({70, 1}), {}, {ta, tb});   // one column
      check_product<T>(a({1, 700}), b({700, 1}), {}, {ta, tb});  // a number
      check_product<T>(a({9, 1}), b({1, 33}), {}, {ta, tb});     // an outer product
      check_product<T>(a({9, 1}), b({1, 3}), {}, {ta, tb});
      check_product<T>(a({20, 3}), b({3, 1}), {}, {ta, tb});
      check_product<T>(a({3, 7, 5}), b({5, 4}), {3}, {ta, tb});
      check_product<T>(a({7, 5}), b({3, 5, 4}), {3}, {ta, tb});
      check_product<T>(a({3, 7, 5}), b({3, 5, 4}), {3}, {ta, tb});
      check_product<T>(a({2, 1, 3, 4}), b({3, 4, 2}), {2, 3}, {ta, tb});
      check_product<T>(a({2, 1, 3, 4}), b({1, 3, 4, 2}), {2, 3}, {ta, tb});
      check_product<T>(a({2, 3, 2, 3, 4}), b({3, 1, 4, 2}), {2, 3, 2}, {ta, tb});
    }
}

TEST_CASE("matmul: vectors, as in NumPy") {
  const V a = A{{1, 2, 3}, {4, 5, 6}}, x = A{1, 10, 100}, y = A{1, -1};
  CHECK(matmul(x, x).item() == 10101);
  CHECK(matmul(x, x).rank() == 0);
  CHECK(matmul(a, x).value() == A{321, 654});
  CHECK(matmul(y, a).value() == A{-3, -3, -3});
  CHECK(matmul(a, y, {.a = true}).value() == A{-3, -3, -3});
  CHECK(matmul(x, a, {.a = true, .b = true}).value() == A{321, 654});  // a vector has no transpose
  const V stack = reshape(V(A(xt::arange<double>(12))), {2, 2, 3});
  CHECK(matmul(stack, x).value() == A{{210, 543}, {876, 1209}});
  CHECK(matmul(y, stack).value() == A{{-3, -3, -3}, {-3, -3, -3}});
  CHECK(outer(y, x).value() == A{{1, 10, 100}, {-1, -10, -100}});
}

TEST_CASE("matmul and linear: small products, and none") {
  const V a = A{{1, 2, 3}, {4, 5, 6}}, b = A{{1, 0}, {0, 1}, {1, 1}};
  CHECK(matmul(a, b).value() == A{{4, 5}, {10, 11}});
  CHECK(matmul(a, a, {.b = true}).value() == A{{14, 32}, {32, 77}});
  CHECK(matmul(a, a, {.a = true}).value() == A{{17, 22, 27}, {22, 29, 36}, {27, 36, 45}});
  CHECK(matmul(b, a, {true, true}).value() == A{{4, 10}, {5, 11}});
  CHECK(linear(a, V(A{{1, 0, 1}}), V(A(Shape{1}, 10))).value() == reshape(V(A{14, 20}), {2, 1}).value());
  CHECK(linear(a, V(A{{1, 0, 1}, {0, 1, 0}})).value() == A{{4, 2}, {10, 5}});
  CHECK(linear(V(A{1, 2, 3}), V(A{{1, 0, 1}, {0, 1, 0}}), V(A{10, 20})).value() == A{14, 22});
  CHECK(linear(reshape(a, {2, 1, 3}), V(A{{1, 0, 1}, {0, 1, 0}}), V(A{10, 20})).value() ==
        reshape(V(A{14, 22, 20, 25}), {2, 1, 2}).value());
  CHECK(matmul(V(A(Shape{2, 0})), V(A(Shape{0, 3}))).value() == A{{0, 0, 0}, {0, 0, 0}});
  CHECK(matmul(V(A(Shape{0})), V(A(Shape{0}))).item() == 0);
  CHECK(matmul(V(A(Shape{2, 3, 0})), V(A(Shape{0}))).value() == A{{0, 0, 0}, {0, 0, 0}});
  CHECK(matmul(V(A(Shape{0, 2, 3})), V(A(Shape{1, 3, 4}))).shape() == Shape{0, 2, 4});
  CHECK(linear(V(A(Shape{2, 0})), V(A(Shape{2, 0})), V(A{1, 2})).value() == A{{1, 2}, {1, 2}});
  const V stretched = parameter(A(Shape{1, 3, 4}, 1.));
  Tape tape;
  const auto [g] = tape.gradient(sum(matmul(V(A(Shape{0, 2, 3})), stretched)), {stretched});
  CHECK(g.value() == A(Shape{1, 3, 4}, 0.));
}

TEST_CASE("matmul: a product within a stack has the bits of the product alone") {
  std::mt19937_64 random(9);
  const Array<float> a = test::uniform<float>({3, 2, 40, 30}, {-1, 1}, random),
                     b = test::uniform<float>({3, 2, 30, 20}, {-1, 1}, random);
  const Variable<float> c = matmul(Variable<float>(a), Variable<float>(b));
  for (std::size_t i = 0; i < 6; ++i) {
    Array<float> ai(Shape{40, 30}), bi(Shape{30, 20});
    std::copy_n(a.data() + i * 1200, 1200, ai.data());
    std::copy_n(b.data() + i * 600, 600, bi.data());
    const Variable<float> alone = matmul(Variable<float>(ai), Variable<float>(bi));
    CHECK(std::equal(alone.data(), alone.data() + 800, c.data() + i * 800));
  }
}

TEST_CASE("matmul, linear, outer: what does not fit is refused") {
  const V a = A{{1, 2, 3}, {4, 5, 6}}, b = A{{1, 0}, {0, 1}, {1, 1}};
  const auto zeros = [](const Shape& shape) { return V(A(shape, 0.)); };
  CHECK(message<ShapeError>([&] {
          matmul(zeros({64, 120}), zeros({84, 10}));
        }) == "matmul: a is [64,120] but b is [84,10]; a.shape[1] = 120 must equal b.shape[0] = 84");
  CHECK(message<ShapeError>([&] { matmul(a, b, {.b = true}); }) ==
        "matmul: a is [2,3] but b is [3,2]; a.shape[1] = 3 must equal b.shape[1] = 2");
  CHECK(message<ShapeError>([&] {
          matmul(a, V(A{1, 2}));
        }) == "matmul: a is [2,3] but b is [2]; a.shape[1] = 3 must equal b.shape[0] = 2");
  CHECK(message<ShapeError>([&] {
          matmul(zeros({5}), zeros({2, 3, 4}));
        }) == "matmul: a is [5] but b is [2,3,4]; a.shape[0] = 5 must equal b.shape[1] = 3");
  CHECK(message<ShapeError>([&] {
          matmul(zeros({7, 2, 3, 4}), zeros({3, 5, 4}), {.b = true});
        }) ==
        "matmul: a is [7,2,3,4] but b is [3,5,4]; the batch axes a.shape[1] = 2 and b.shape[0] = 3 must be equal, or "
        "one of them 1");
  CHECK(message<ShapeError>([&] { matmul(V(2.), a); }) ==
        "matmul: a is a number; it must be a vector or matrices; * multiplies by numbers");
  CHECK(message<ShapeError>([&] { outer(a, V(A{1, 2})); }) == "outer: a is [2,3]; it must be a vector");
  CHECK(message<ShapeError>([&] {
          linear(a, b, V(A{1, 2}));
        }) == "linear: x is [2,3] but weight is [3,2]; x.shape[1] = 3 must equal weight.shape[1] = 2");
  CHECK(message<ShapeError>([&] { linear(a, a, V(A(Shape{1}, 1))); }) ==
        "linear: bias is [1] but weight is [2,3]; bias must be [2]");
  CHECK(message<ShapeError>([&] { linear(V(1.), a); }) == "linear: x is []; it must be [...,in]");
  CHECK(message<ShapeError>([&] { linear(a, zeros({3})); }) == "linear: weight is [3]; it must be a matrix [out,in]");
}
