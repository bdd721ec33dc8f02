// Lambdas over numbers as fused ops.
#include "autodiff/map.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

template <class T> using Variables = std::vector<Variable<T>>;

/// f, a generic lambda of n arguments, over numbers and over variables.
template <std::size_t n, class F> auto by_map(F f) {
  return [f](const auto& x) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return map(f, x[I]...); }
    (std::make_index_sequence<n>());
  };
}
template <std::size_t n, class F> auto by_ops(F f) {
  return [f](const auto& x) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(x[I]...); }
    (std::make_index_sequence<n>());
  };
}

template <class T>
Variables<T> draw(const std::vector<Shape>& shapes, std::mt19937_64& random, Domain domain = {0.3, 2}) {
  Variables<T> x;
  for (const Shape& s : shapes) x.push_back(parameter(test::uniform<T>(s, domain, random)));
  return x;
}

/// y = f(x), then the gradients of a weighted sum of it.
template <class T, class F> Variables<T> results(F f, const Variables<T>& x) {
  Tape tape;
  const Variable<T> y = f(x);
  Array<T> upstream(y.shape());
  for (std::size_t i = 0; i < upstream.size(); ++i)
    upstream.storage()[i] = static_cast<T>(0.5 + 0.25 * static_cast<double>(i % 5));
  Variables<T> all = tape.gradient(y, x, {.upstream = upstream});
  all.insert(all.begin(), y);
  return all;
}

template <class T> bool same_bits(const Variables<T>& a, const Variables<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Variable<T>& u, const Variable<T>& v) {
    return u.shape() == v.shape() && (u.size() == 0 || std::memcmp(u.data(), v.data(), u.size() * sizeof(T)) == 0);
  });
}

/// Within so many ulps of the largest entry.
template <class T> bool close(const Variable<T>& got, const Variable<T>& want, double ulps) {
  double most = 0, off = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(want.data()[i])));
    off = std::max(off, std::abs(static_cast<double>(got.data()[i]) - static_cast<double>(want.data()[i])));
  }
  return got.shape() == want.shape() && off <= ulps * static_cast<double>(std::numeric_limits<T>::epsilon()) * most;
}

/// Around the lengths of registers and strips; the last is long enough for what is done to large arrays alone.
const std::vector<std::size_t> lengths = {0, 1, 2, 15, 17, 255, 256, 257, 511, 512, 513, 1031, 140'003};

/// Same; numbers, rows that go into a strip and rows that do not, columns, both; axes that are stretched in turns.
const std::vector<std::vector<Shape>> stretched = {{{}, {}},
                                                   {{1}, {1, 1}},
                                                   {{4, 3}, {1, 4, 3}},
                                                   {{700}, {}},
                                                   {{3, 5}, {5}},
                                                   {{3, 5}, {3, 1}},
                                                   {{}, {5, 3}},
                                                   {{5}, {3, 1}},
                                                   {{200, 7}, {7}},
                                                   {{200, 7}, {200, 1}},
                                                   {{3, 700}, {700}},
                                                   {{3, 700}, {3, 1}},
                                                   {{1, 700}, {3, 1}},
                                                   {{40, 3, 5}, {3, 5}},
                                                   {{2, 3, 4, 5}, {3, 1, 5}},
                                                   {{9, 1, 40}, {8, 1}},
                                                   {{300, 700}, {700}},
                                                   {{300, 700}, {300, 1}},
                                                   {{300, 700}, {}},
                                                   {{0, 3}, {3}},
                                                   {{2, 0}, {2, 1}},
                                                   {{0}, {}}};

}  // namespace

TEST_CASE_TEMPLATE("every op of one input in a map: the bits of the op itself", T, float, double) {
  std::mt19937_64 random(41);
  ops::Elementwise::each([&]<class O>(std::size_t) {
    CAPTURE(O::op.name);
    const auto f = [](auto x) { return apply<O>(x, 0.5, 1.5); };
    for (const std::size_t n : lengths) {
      CAPTURE(n);
      const auto x = draw<T>({{n}}, random, O::op.a);
      CHECK(same_bits(results(by_map<1>(f), x), results(by_ops<1>(f), x)));
    }
  });
}

TEST_CASE_TEMPLATE("every op of two inputs in a map: the bits of the op itself", T, float, double) {
  std::mt19937_64 random(42);
  ops::Binary::each([&]<class O>(std::size_t) {
    CAPTURE(O::op.name);
    const auto f = [](auto a, auto b) { return apply<O>(a, b); };
    for (const std::size_t n : lengths) {
      CAPTURE(n);
      const auto x = draw<T>({{n}, {n}}, random);
      CHECK(same_bits(results(by_map<2>(f), x), results(by_ops<2>(f), x)));
    }
  });
}

TEST_CASE_TEMPLATE("a map is what its lambda is over variables, whatever is stretched", T, float, double) {
  std::mt19937_64 random(43);
  const auto check = [&](auto f, const std::vector<Shape>& shapes) {
    CAPTURE(to_string(shapes[0]));
    CAPTURE(to_string(shapes[1]));
    const auto x = draw<T>(shapes, random);
    const auto got = results(by_map<2>(f), x), want = results(by_ops<2>(f), x);
    CHECK(same_bits(Variables<T>{got[0]}, Variables<T>{want[0]}));
    for (std::size_t i = 1; i < want.size(); ++i) CHECK(close(got[i], want[i], 4));
    CHECK(same_bits(got, results(by_map<2>(f), x)));
  };
  for (const auto& shapes : stretched) {
    check([](auto x, auto b) { return tanh(x + b) * x; }, shapes);
    check([](auto x, auto b) { return 2 * exp(b) - x / (b * b + 1); }, shapes);
    check([](auto x, auto b) { return x + b; }, shapes);
  }
}

TEST_CASE("gradients of maps of either order are right") {
  std::mt19937_64 random(44);
  const auto check = [&](const std::string& name, const Function<double>& f, const std::vector<Shape>& shapes) {
    std::vector<A> x;
    for (const Shape& s : shapes) x.push_back(test::uniform(s, {0.3, 2}, random));
    const auto first = gradcheck(name, f, x, {.directions = 8});
    CHECK_MESSAGE(first, first);
    const auto second = gradcheck(name + ", second order", gradient_of(f), x, {.directions = 8});
    CHECK_MESSAGE(second, second);
  };
  const double captured = 0.7;
  for (const auto& shapes : stretched) {
    if (count(shapes[0]) > 3000) continue;
    check("polynomial", by_map<2>([](auto x, auto y) { return x * x * y - 3 * x + y / (x + 2); }), shapes);
    check("captured", by_map<2>([=](auto x, auto y) { return captured * exp(-x) * sin(y * captured) + 1; }), shapes);
    check("select",
          by_map<2>([](auto x, auto y) { return select(x > -1, x * y, y) + select(y > 9 || x < 0, x, sin(y)); }),
          shapes);
  }
  check("four inputs", by_map<4>([](auto x, auto y, auto z, auto w) { return tanh(x * y + z) * w + log(x); }),
        {{3, 4}, {4}, {3, 1}, {}});
  check("loop", by_map<1>([](auto x) {
          auto sum = x, power = x;
          for (int k = 2; k < 6; ++k) power *= x, sum += power / k;
          return sum;
        }),
        {{7}});
  check("numbers that an op takes", by_map<1>([](auto x) {
          return pow(x, 1.5) + softplus(x, 2) + elu(-x, 0.3) + gelu(x) + gelu(x, Gelu::tanh) + leaky_relu(-x, 0.2) +
                 clamp(x, -10, 10) + log_sigmoid(x) + silu(x);
        }),
        {{9}});
  check("the same twice", [](const auto& x) { return map([](auto a, auto b) { return a * tanh(b); }, x[0], x[0]); },
        {{2, 3}});
  check("a map of a map",
        [](const auto& x) {
          const auto f = [](auto a, auto b) { return tanh(a * b) + b; };
          return map(f, map(f, x[0], x[1]), x[1]);
        },
        {{3, 4}, {4}});
}

TEST_CASE("derivatives of maps of higher order") {
  const V x = parameter(A{0.3, -0.7, 1.1});
  Tape tape;
  V d = map([](auto a) { return exp(2 * a) * a; }, x);  // d^k = (2^k x + k 2^(k-1)) e^(2x)
  for (int k = 1; k <= 4; ++k) {
    d = tape.gradient(sum(d), {x}, {.create_graph = true})[0];
    for (std::size_t i = 0; i < 3; ++i) {
      const double v = x.value()(i);
      CHECK(d.value()(i) ==
            doctest::Approx(std::exp(2 * v) * (std::pow(2, k) * v + k * std::pow(2, k - 1))).epsilon(1e-13));
    }
  }
}

TEST_CASE("what a lambda may return and leave") {
  const V x = parameter(A{{1, 2, 3}, {4, 5, 6}}), b = parameter(A{10, 20, 30});
  const auto gradients = [&](auto f) {
    Tape tape;
    return tape.gradient(sum(f(x, b) + 0 * x), {x, b});
  };
  SUBCASE("an input") {
    CHECK(map([](auto a) { return a; }, x).value() == x.value());
    CHECK(map([](auto, auto c) { return c; }, x, b).value() == A{{10, 20, 30}, {10, 20, 30}});
    const auto [gx, gb] = gradients([](const V& a, const V& c) { return map([](auto, auto e) { return e; }, a, c); });
    CHECK(gx.value() == A(Shape{2, 3}, 0.));
    CHECK(gb.value() == A{2, 2, 2});
  }
  SUBCASE("a number") {
    Tape tape;
    const V y = map([](auto) { return 1.5; }, x), z = map([](const auto&) { return 2; }, V(A(Shape{0, 2})));
    CHECK(y.value() == A(Shape{2, 3}, 1.5));
    CHECK(z.shape() == Shape{0, 2});
    CHECK(tape.size() == 0);
    CHECK(map([](auto) { return 3; }, V(7.)).item() == 3);
  }
  SUBCASE("both gradients are the upstream one, in arrays of their own") {
    Tape tape;
    const auto [gx, gb] =
        tape.gradient(sum(map([](auto a, auto c) { return a + c; }, x, parameter(x.value()))), {x, b});
    CHECK(gx.value() == A(Shape{2, 3}, 1.));
  }
}

TEST_CASE("numbers, comparisons and branches") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const V x = A{-2, -1, 0, 1, 2, nan};
  const auto holds = [&](auto mask) {
    const A y = map([&](auto a) { return select(mask(a), 1, 0); }, x).value();
    return std::vector<double>(y.begin(), y.end());
  };
  using Row = std::vector<double>;
  CHECK(holds([](auto a) { return a > 0; }) == Row{0, 0, 0, 1, 1, 0});
  CHECK(holds([](auto a) { return a >= 0; }) == Row{0, 0, 1, 1, 1, 0});
  CHECK(holds([](auto a) { return a < 0; }) == Row{1, 1, 0, 0, 0, 0});
  CHECK(holds([](auto a) { return 0 >= a; }) == Row{1, 1, 1, 0, 0, 0});
  CHECK(holds([](auto a) { return a == 1; }) == Row{0, 0, 0, 1, 0, 0});
  CHECK(holds([](auto a) { return a != 1; }) == Row{1, 1, 1, 0, 1, 1});
  CHECK(holds([](auto a) { return a > -2 && a < 1; }) == Row{0, 1, 1, 0, 0, 0});
  CHECK(holds([](auto a) { return a < -1 || a > 1; }) == Row{1, 0, 0, 0, 1, 0});
  CHECK(holds([](auto a) { return !(a > 0); }) == Row{1, 1, 1, 0, 0, 1});
  CHECK(map([](auto a) { return where(a > 0, a, 0.5 * a); }, V(A{-2, 4})).value() == A{-1, 4});
  CHECK(map([](auto a) { return maximum(a, 0) + minimum(1, a); }, V(A{-2, 4})).value() == A{-2, 5});
  CHECK(map([](auto a) { return pow(2, a) + pow(a, 2) - +a; }, V(A{3})).value() == A{14});
  CHECK(map([](auto a) { return 1 / a - (a -= 1) * (a *= 2) + (a /= 4); }, V(A{2})).shape() == Shape{1});
  CHECK((maximum(V(A{-1, 2}), 0).value()) == A{0, 2});

  const V p = parameter(A{-3, 4});
  Tape tape;  // the branch not taken does not count, even if it is infinite
  const auto [g] = tape.gradient(sum(map([](auto a) { return select(a > 0, sqrt(a), 0); }, p)), {p});
  CHECK(g.value()(1) == 0.25);
}

TEST_CASE("gradients are added to what is there, and for the inputs that are asked for") {
  std::mt19937_64 random(45);
  const auto f = [](auto x, auto w, auto b) { return tanh(x * w + b) + b; };
  for (const auto& shapes : std::vector<std::vector<Shape>>{{{3, 4}, {3, 4}, {3, 4}}, {{3, 4}, {4}, {3, 1}}}) {
    const auto x = draw<double>(shapes, random);
    const auto once = results(by_map<3>(f), x);
    const auto twice = results([&](const auto& v) { return by_map<3>(f)(v) + by_map<3>(f)(v); }, x);
    for (std::size_t i = 0; i < once.size(); ++i) CHECK(close(twice[i], 2 * once[i], 4));
    Array<double> u(once[0].shape());
    for (std::size_t i = 0; i < u.size(); ++i) u.storage()[i] = 0.5 + 0.25 * static_cast<double>(i % 5);
    const V upstream = u;
    for (std::size_t i = 0; i < 3; ++i) {
      Tape tape;
      const V y = by_map<3>(f)(x);
      const auto g = tape.gradient(y, {x[i]}, {.upstream = upstream, .retain = true});
      CHECK(same_bits(Variables<double>{g[0]}, Variables<double>{once[i + 1]}));
      const auto recorded = tape.gradient(y, {x[i]}, {.upstream = upstream, .create_graph = true});
      CHECK(close(recorded[0], once[i + 1], 8));
      CHECK(upstream.value() == u);
    }
    Tape tape;
    tape.backward(sum(by_map<3>(f)(x)), {.retain = true});
    const A first = x[0].grad();
    tape.backward(sum(by_map<3>(f)(x)));
    CHECK(close(V(x[0].grad()), V(2 * first), 4));
  }
}

TEST_CASE("a map overwrites only what nobody else holds") {
  const V x = parameter(A{1, 2, 3}), c = A{4, 5, 6};
  const auto f = [](auto a, auto b) { return a * b; };
  const A before = c.value();
  Tape tape;
  const V kept = x + 1;
  const V y = map(f, map(f, kept, c), x * c);
  CHECK(kept.value() == A{2, 3, 4});
  CHECK(c.value() == before);
  CHECK(y.value() == A{32, 150, 432});
  const auto [g] = tape.gradient(sum(y), {x}, {.retain = true});
  CHECK(g.value() == A{48, 125, 252});  // (x^2 + x) c^2
  const auto [again] = tape.gradient(sum(y), {x});
  CHECK(again.value() == g.value());
  CHECK(kept.value() == A{2, 3, 4});
  CHECK(x.value() == A{1, 2, 3});
}

TEST_CASE("sums of stretched inputs' gradients do not drift") {
  const Variable<float> row = parameter(Array<float>{1, 2, 3}), wide = parameter(Array<float>(Shape{700}, 1.f)),
                        number = parameter(Array<float>(Shape{}, 1.f)),
                        column = parameter(Array<float>(Shape{2, 1}, 1.f));
  const auto gradient = [](const Variable<float>& b, const Shape& shape) {
    Tape tape;
    const Variable<float> y = map([](auto x, auto c) { return x + c; }, Variable<float>(Array<float>(shape, 1.f)), b);
    return tape.gradient(y, {b}, {.upstream = Array<float>(shape, 0.1f)})[0];
  };
  for (const float g : gradient(row, {1'000'000, 3}).value()) CHECK(test::ulps(g, 1e6L * 0.1f) <= 0.5);
  for (const float g : gradient(wide, {4000, 700}).value()) CHECK(test::ulps(g, 4e3L * 0.1f) <= 0.5);
  for (const float g : gradient(column, {2, 1'000'001}).value()) CHECK(test::ulps(g, 1000001.L * 0.1f) <= 0.5);
  CHECK(test::ulps(gradient(number, {3'000'000}).item(), 3e6L * 0.1f) <= 0.5);
}

TEST_CASE("map: errors") {
  const V a = A{{1, 2, 3}, {4, 5, 6}}, b = A{1, 2}, c = A{1, 2, 3};
  const auto f = [](auto x, auto y, auto z) { return x + y + z; };
  CHECK(message<ShapeError>([&] { map(f, a, c, b); }) ==
        "map: x0 is [2,3] but x2 is [2]; x0.shape[1] = 3 and x2.shape[0] = 2 must be equal, or one of them 1");
  CHECK(message<ShapeError>([&] { map(f, V(2.), c, b); }) ==
        "map: x1 is [3] but x2 is [2]; x1.shape[0] = 3 and x2.shape[0] = 2 must be equal, or one of them 1");
  CHECK(message<ValueError>([&] { map([](auto x) { return x; }, V()); }) ==
        "Variable: the handle is empty; give it a value before it is used");
  std::vector<Number> leaked;
  map([&](auto x) { return leaked.push_back(x), x; }, a);
  CHECK(message<ValueError>([&] { tanh(leaked[0]); }) ==
        "map: a Number is used outside of the lambda that it was given to");
  CHECK(message<ValueError>([&] { map([&](auto x) { return x * leaked[0]; }, a); }) ==
        "map: the lambda uses a number of another map; pass what it stands for as an input");
  CHECK(message<ValueError>([&] { map([&](auto) { return leaked[0]; }, a); }) ==
        "map: the lambda uses a number of another map; pass what it stands for as an input");
}

TEST_CASE("a lambda that throws leaves everything as it was") {
  const V x = parameter(A{1, 2});
  Tape tape;
  const V y = tanh(x);
  CHECK(message<std::runtime_error>([&] {
          map(
              [](auto a) {
                const auto b = exp(a);
                throw std::runtime_error("no");
                return b;
              },
              y);
        }) == "no");
  CHECK(tape.size() == 2);
  CHECK_THROWS_AS(tanh(Number(1)), ValueError);  // no list is being written
  const auto [g] = tape.gradient(sum(map([](auto a) { return a * a; }, y)), {x});
  CHECK(g.value()(0) == doctest::Approx(2 * std::tanh(1) / (std::cosh(1) * std::cosh(1))));
}

TEST_CASE("a map notices that what it saved has changed") {
  V x = parameter(A{1, 2}), b = parameter(A{3, 4});
  Tape tape;
  const V y = map([](auto a, auto c) { return a * a + c; }, x, b);
  b.mutable_value()(0) = 5;  // not saved
  CHECK_NOTHROW(tape.gradient(sum(y), {x}, {.retain = true}));
  x.mutable_value()(0) = 5;
  CHECK_THROWS_AS(tape.gradient(sum(y), {x}), TapeError);
}
