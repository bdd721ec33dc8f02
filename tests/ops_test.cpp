// Values, conventions, and what ops refuse.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

TEST_CASE_TEMPLATE("reductions of what is not finite", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(std::isnan(max(Variable<T>(Array<T>{1, nan, 3})).item()));
  CHECK(logsumexp(Variable<T>(Array<T>{-inf, -inf, -inf})).item() == -inf);
  CHECK(logsumexp(Variable<T>(Array<T>{inf, 1, 1})).item() == inf);
  CHECK(logsumexp(Variable<T>(Array<T>{T(1e30), T(1e30), 0})).item() == T(1e30));
}

TEST_CASE("ties share the gradient of a maximum evenly") {
  const V x = parameter(A{{1, 3, 3}, {5, 2, 1}});
  Tape tape;
  const auto [g] = tape.gradient(sum(max(x, 1)), {x});
  CHECK(g.value() == A{{0, 0.5, 0.5}, {1, 0, 0}});
}

TEST_CASE("sums do not drift") {
  const Array<float> ones(Shape{20'000'000}, 1.f);
  CHECK(sum(Variable<float>(ones)).item() == 2e7f);
  CHECK(sum(reshape(Variable<float>(ones), {-1, 2}), 0).value() == Array<float>{1e7f, 1e7f});
  const Array<float> tenths(Shape{1'000'000, 3}, 0.1f);
  for (const float s : sum(Variable<float>(tenths), 0).value()) CHECK(test::ulps(s, 1e6L * 0.1f) <= 1);
  CHECK(test::ulps(mean(Variable<float>(tenths)).item(), 0.1f) <= 1);
  CHECK(test::ulps(sum(V(A{1e16, 1, -1e16, 1})).item(), 2) <= 0.5);
}

TEST_CASE("reductions: axes, keepdims and errors") {
  const V x = reshape(V(A(xt::arange<double>(24))), {2, 3, 4});
  CHECK(sum(x, {0, 2}).value() == A{60, 92, 124});
  CHECK(sum(x, -1, true).shape() == Shape{2, 3, 1});
  CHECK(mean(x).item() == 11.5);
  CHECK(max(x, {0, 1}).value() == A{20, 21, 22, 23});
  CHECK(sum(x, {0, 1, 2}, true).shape() == Shape{1, 1, 1});
  CHECK(sum(V(A(Shape{0, 2})), 0).value() == A{0, 0});
  CHECK(std::isnan(mean(V(A(Shape{0}))).item()));
  CHECK(logsumexp(V(A(Shape{2, 0})), 1).value() == A(Shape{2}, -HUGE_VAL));
  CHECK(message<ShapeError>([&] { sum(x, 3); }) == "sum: axis 3 is out of range for x [2,3,4]; axes go from -3 to 2");
  CHECK(message<ShapeError>([&] { mean(V(1.), 0); }) == "mean: axis 0 is out of range for x []; a number has no axes");
  CHECK(message<ShapeError>([&] { max(x, {1, -2}); }) == "max: axis -2 of x [2,3,4] is given twice");
  CHECK(message<ShapeError>([&] {
          max(V(A(Shape{0, 3})), 0);
        }) == "max: x is [0,3], there is no element along axis 0 to choose");
  CHECK(message<ShapeError>([&] { softmax(x, -4); }) ==
        "softmax: axis -4 is out of range for x [2,3,4]; axes go from -3 to 2");
}

TEST_CASE("softmax of any axis sums to one and does not overflow") {
  std::mt19937_64 random(33);
  const V x = test::uniform({3, 5, 4}, {-300, 300}, random);
  for (const std::ptrdiff_t axis : {0, 1, 2}) {
    const A total = sum(softmax(x, axis), axis).value();
    for (const double t : total) CHECK(t == doctest::Approx(1).epsilon(1e-15));
    CHECK(xt::allclose(exp(log_softmax(x, axis)).value(), softmax(x, axis).value(), 1e-12, 0));
  }
}

TEST_CASE("comparisons of one element; shapes that stretch nowhere or beyond all counting") {
  CHECK((V(A(Shape{1}, 1.)) > 0).value() == A(Shape{1}, 1.));
  CHECK((V(1.) < V(A{0, 2, 1})).value() == A{0, 1, 0});
  CHECK(message<ShapeError>([&] {
          sum_to(V(A(Shape{4, 6}, 1.)), {2, 6});
        }) == "sum_to: a is [4,6] but b is [2,6]; a.shape[0] = 4 and b.shape[0] = 2 must be equal, or one of them 1");
  CHECK(message<ShapeError>([&] { sum_to(V(A{1, 2, 3}), {1, 1, 3}); }) == "sum_to: [1,1,3] does not stretch to x [3]");
  const std::size_t huge = std::size_t{1} << 32;
  CHECK(message<ShapeError>([&] {
          broadcast_to(V(1.), {huge, huge});
        }) == "shape: [4294967296,4294967296] has more elements than can be counted");
}

TEST_CASE("arrays take xtensor expressions and go back into xtensor") {
  const xt::xarray<double> theirs = {{1, 2}, {3, 4}};
  const A ours = theirs * 2 + 1;
  const V v = xt::transpose(theirs);
  CHECK(v.value() == A{{1, 3}, {2, 4}});
  const xt::xarray<double> back = ours;
  CHECK(xt::sum(v.value())() == 10);
  CHECK(back == theirs * 2 + 1);
  CHECK(parameter(theirs).wants_gradient());
}
