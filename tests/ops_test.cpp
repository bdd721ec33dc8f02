// Values against long double, conventions, and what ops refuse.
#include <doctest/doctest.h>

#include <map>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

struct Exact {
  long double (*value)(long double);
  long double (*slope)(long double);
  Domain domain;
  double value_ulps, slope_ulps;  // what is promised, in either type
};

// Known formulas, and how far an op may be from them.
const std::map<std::string, Exact> exact = {
    {"neg", {[](long double x) { return -x; }, [](long double) { return -1.L; }, {-9, 9}, 0, 0}},
    {"square", {[](long double x) { return x * x; }, [](long double x) { return 2 * x; }, {-9, 9}, 0.5, 0}},
    {"sqrt",
     {[](long double x) { return std::sqrt(x); },
      [](long double x) { return 0.5L / std::sqrt(x); },
      {1e-6, 1e6},
      0.51,
      1.5}},
    {"exp", {[](long double x) { return std::exp(x); }, [](long double x) { return std::exp(x); }, {-103, 88.7}, 1, 1}},
    {"log", {[](long double x) { return std::log(x); }, [](long double x) { return 1 / x; }, {1e-30, 1e6}, 1.5, 0.51}},
    {"tanh",
     {[](long double x) { return std::tanh(x); },
      [](long double x) {
        const long double c = std::cosh(x);
        return 1 / (c * c);
      },
      {-1, 1},
      2.5,
      4}},
    {"sigmoid",
     {[](long double x) { return 1 / (1 + std::exp(-x)); },
      [](long double x) {
        const long double y = 1 / (1 + std::exp(-x));
        return y * (1 - y);
      },
      {-80, 1},
      2.5,
      4}},
    {"relu",
     {[](long double x) { return x > 0 ? x : 0; }, [](long double x) { return x > 0 ? 1.L : 0.L; }, {-9, 9}, 0, 0}},
    {"abs",
     {[](long double x) { return std::abs(x); }, [](long double x) { return x > 0 ? 1.L : -1.L; }, {-9, 9}, 0, 0}},
};

// xtensor takes {{a}, {b}} for a vector as well as for a column, and refuses to choose.
V column(double a, double b) { return reshape(V(A{a, b}), {2, 1}); }

}  // namespace

TEST_CASE_TEMPLATE("elementwise ops hold their bounds against long double", T, float, double) {
  std::mt19937_64 random(31);
  ops::Elementwise::each([&]<class O>(std::size_t) {
    CAPTURE(O::op.name);
    REQUIRE(exact.count(O::op.name) == 1);
    const Exact& e = exact.at(O::op.name);
    const Variable<T> x = parameter(test::uniform<T>({4001}, e.domain, random));
    Tape tape;
    const Variable<T> y = apply<O>(x);
    const auto [g] = tape.gradient(y, {x}, {.upstream = Array<T>(y.shape(), T(1))});
    double value = 0, slope = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      value = std::max(value, test::ulps(y.data()[i], e.value(x.data()[i])));
      slope = std::max(slope, test::ulps(g.data()[i], e.slope(x.data()[i])));
    }
    CHECK(value <= e.value_ulps);
    CHECK(slope <= e.slope_ulps);
  });
}

TEST_CASE_TEMPLATE("a value does not depend on its place in the array", T, float, double) {
  std::mt19937_64 random(32);
  const Array<T> all = test::uniform<T>({67}, {0.1, 3}, random);
  ops::Elementwise::each([&]<class O>(std::size_t) {
    const Variable<T> whole = apply<O>(Variable<T>(all));
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(apply<O>(Variable<T>(all(i))).item() == whole.data()[i]);
  });
}

TEST_CASE_TEMPLATE("kinks, ends and what is not a number", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const Variable<T> x = parameter(Array<T>{T(-0.), 0, -1, nan, inf, -inf});
  Tape tape;
  const Variable<T> y = relu(x);
  CHECK(y.value()(0) == 0);
  CHECK(std::isnan(y.value()(3)));
  CHECK(y.value()(4) == inf);
  CHECK(y.value()(5) == 0);
  const auto [g] = tape.gradient(sum(y), {x});
  CHECK(g.value()(0) == 0);  // at the kink
  CHECK(g.value()(1) == 0);
  CHECK(g.value()(2) == 0);
  CHECK(g.value()(4) == 1);
  CHECK(exp(Variable<T>(-inf)).item() == 0);
  CHECK(exp(Variable<T>(inf)).item() == inf);
  CHECK(std::isnan(exp(Variable<T>(nan)).item()));
  CHECK(log(Variable<T>(0)).item() == -inf);
  CHECK(std::isnan(log(Variable<T>(-1)).item()));
  CHECK(sigmoid(Variable<T>(-inf)).item() == 0);
  CHECK(sigmoid(Variable<T>(inf)).item() == 1);
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

TEST_CASE("broadcasting follows NumPy") {
  const V a = A{{1, 2, 3}, {4, 5, 6}};
  CHECK((a + V(A{10, 20, 30})).value() == A{{11, 22, 33}, {14, 25, 36}});
  CHECK((column(1, 2) * a).value() == A{{1, 2, 3}, {8, 10, 12}});
  CHECK((column(1, 2) - V(A{{1, 2}})).value() == A{{0, -1}, {1, 0}});
  CHECK((2 * a / 4 + 1 - a).value() == A{{0.5, 0, -0.5}, {-1, -1.5, -2}});
  CHECK((1 / V(A{2, 4})).value() == A{0.5, 0.25});
  CHECK((a + V(A(Shape{0, 1, 3}))).shape() == Shape{0, 2, 3});
  CHECK(message<ShapeError>([&] {
          a + V(A{1, 2});
        }) == "add: a is [2,3] but b is [2]; a.shape[1] = 3 and b.shape[0] = 2 must be equal, or one of them 1");
  CHECK(message<ShapeError>([&] {
          a / V(A{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
        }) == "div: a is [2,3] but b is [3,3]; a.shape[0] = 2 and b.shape[0] = 3 must be equal, or one of them 1");
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
