// Elementwise and binary ops: how far values and slopes are from long double, conventions at kinks, ties and ends.
#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "autodiff/autodiff.hpp"
#include "autodiff/registry.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using L = long double;
using V = Variable<double>;
using A = Array<double>;

namespace {

template <class T> using Unary = std::function<Variable<T>(Variable<T>)>;

/// Known formulas, and how far an op may be from them, in either type, for every instruction set.
struct Exact {
  const char* name;
  Unary<float> f32;
  Unary<double> f64;
  L (*value)(L);
  L (*slope)(L);
  std::vector<Domain> domains, domains64;  // the second are for double only: floats would be subnormal on the way
  double value_ulps, slope_ulps;
  Domain cancels = {0, 0};  // here two terms of the slope do: its error is in units in the last place of 1/4
  template <class T> const Unary<T>& op() const {
    if constexpr (sizeof(T) == 4)
      return f32;
    else
      return f64;
  }
};

/// The op O with the numbers p.
template <class O, class... P>
Exact exact(L (*value)(L), L (*slope)(L), std::vector<Domain> domains, std::vector<Domain> domains64, double value_ulps,
            double slope_ulps, Domain cancels = {0, 0}, P... p) {
  return {O::op.name,
          [p...](Variable<float> x) { return apply<O>(std::move(x), static_cast<float>(p)...); },
          [p...](Variable<double> x) { return apply<O>(std::move(x), p...); },
          value,
          slope,
          std::move(domains),
          std::move(domains64),
          value_ulps,
          slope_ulps,
          cancels};
}

// e^(-c x^2), c a power of two: with what rounding takes from the square.
L gauss(L x, L c) {
  const L square = x * x, rest = std::fma(x, x, -square);
  return std::exp(-c * square) * (1 - c * rest);
}
// erfc(-x / sqrt 2) / 2, likewise.
L normal(L x) {
  const L root = std::sqrt(L(2)), z = -x / root, rest = std::fma(-z, root, -x) / root;
  return (std::erfc(z) - 2 / std::sqrt(std::acos(L(-1))) * gauss(z, 1) * rest) / 2;
}
L density(L x) { return gauss(x, 0.5L) / std::sqrt(2 * std::acos(L(-1))); }
L logistic(L x) { return x > 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
L soft(L x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }
constexpr L two_over_root_pi = 1.12837916709551257389615890312154517L;
constexpr L gelu_c = 1.59576912160573071175978423973752747L, gelu_d = gelu_c * 0.044715L;
L gate(L x) { return logistic(x * (gelu_c + gelu_d * x * x)); }
L gate_slope(L x) { return gate(x) * gate(-x) * (gelu_c + 3 * gelu_d * x * x); }

// clang-format off
const std::vector<Exact> table = {
    exact<ops::Neg>([](L x) { return -x; }, [](L) { return -1.L; }, {{-9, 9}}, {}, 0, 0),
    exact<ops::Abs>([](L x) { return std::abs(x); }, [](L x) { return x > 0 ? 1.L : -1.L; }, {{-9, 9}}, {}, 0, 0),
    exact<ops::Reciprocal>([](L x) { return 1 / x; }, [](L x) { return -1 / (x * x); }, {{1e-15, 1e15}, {-9, -1e-3}}, {}, 0.5, 2),
    exact<ops::Square>([](L x) { return x * x; }, [](L x) { return 2 * x; }, {{-9, 9}}, {}, 0.5, 0),
    exact<ops::Sqrt>([](L x) { return std::sqrt(x); }, [](L x) { return 0.5L / std::sqrt(x); }, {{1e-37, 1e37}}, {{1e-320, 1e308}}, 0.51, 1.5),
    exact<ops::Rsqrt>([](L x) { return 1 / std::sqrt(x); }, [](L x) { return -0.5L / (x * std::sqrt(x)); }, {{1e-20, 1e20}}, {}, 1.5, 5),
    exact<ops::Exp>([](L x) { return std::exp(x); }, [](L x) { return std::exp(x); }, {{-104, 89}, {-1, 1}, {-746, 710}}, {}, 1, 1),
    exact<ops::Expm1>([](L x) { return std::expm1(x); }, [](L x) { return std::exp(x); }, {{-104, 89}, {-1, 1}, {-746, 710}}, {}, 2, 1),
    exact<ops::Log>([](L x) { return std::log(x); }, [](L x) { return 1 / x; }, {{1e-44, 1e38}, {0.3, 3}}, {{1e-320, 1e308}}, 1, 0.51),
    exact<ops::Log1p>([](L x) { return std::log1p(x); }, [](L x) { return 1 / (1 + x); }, {{-0.999999, 1}, {1e-30, 1e30}}, {}, 1.5, 1.51),
    exact<ops::Sin>([](L x) { return std::sin(x); }, [](L x) { return std::cos(x); }, {{-4, 4}, {-1e5, 1e5}, {1e6, 1e9}}, {{1e10, 1e100}}, 1.6, 1.6),
    exact<ops::Cos>([](L x) { return std::cos(x); }, [](L x) { return -std::sin(x); }, {{-4, 4}, {-1e5, 1e5}, {1e6, 1e9}}, {{1e10, 1e100}}, 1.6, 1.6),
    exact<ops::Tanh>([](L x) { return std::tanh(x); }, [](L x) { return 1 / std::cosh(x) / std::cosh(x); }, {{-4, 4}, {-50, 50}, {-370, 370}}, {}, 2.5, 4),
    exact<ops::Erf>([](L x) { return std::erf(x); }, [](L x) { return two_over_root_pi * gauss(x, 1); }, {{-4, 4}, {-27, 27}}, {}, 1.5, 3),
    exact<ops::Erfc>([](L x) { return std::erfc(x); }, [](L x) { return -two_over_root_pi * gauss(x, 1); }, {{-6, 3}, {0, 10}, {0, 27}}, {}, 4, 3),
    exact<ops::Ndtr>(normal, density, {{-4, 4}, {-14, 9}, {-38, 38}}, {}, 4, 3),
    exact<ops::Gaussian>([](L x) { return gauss(x, 0.5); }, [](L x) { return -x * gauss(x, 0.5); }, {{-3, 3}, {-13, 13}}, {{-37, 37}}, 1.5, 2.5, {}, 0.5),
    exact<ops::Sigmoid>(logistic, [](L x) { return logistic(x) * logistic(-x); }, {{-4, 4}, {-104, 104}, {-746, 746}}, {}, 2.5, 4),
    exact<ops::LogSigmoid>([](L x) { return -soft(-x); }, [](L x) { return logistic(-x); }, {{-4, 4}, {-800, 104}, {-800, 746}}, {}, 2, 2.5),
    exact<ops::Softplus>(soft, logistic, {{-4, 4}, {-104, 800}, {-746, 800}}, {}, 2, 2.5, {}, 1),
    exact<ops::Softplus>([](L x) { return soft(4 * x) / 4; }, [](L x) { return logistic(4 * x); }, {{-4, 4}, {-25, 800}}, {}, 2, 2.5, {}, 4),
    exact<ops::Relu>([](L x) { return x > 0 ? x : 0; }, [](L x) { return x > 0 ? 1.L : 0.L; }, {{-9, 9}}, {}, 0, 0),
    exact<ops::LeakyRelu>([](L x) { return x > 0 ? x : x / 4; }, [](L x) { return x > 0 ? 1 : 0.25L; }, {{-9, 9}}, {}, 0, 0, {}, 0.25),
    exact<ops::Elu>([](L x) { return x > 0 ? x : std::expm1(x) / 2; }, [](L x) { return x > 0 ? 1 : std::exp(x) / 2; }, {{-104, 9}, {-1, 1}}, {}, 2, 1, {}, 0.5),
    exact<ops::Silu>([](L x) { return x * logistic(x); }, [](L x) { return logistic(x) * (1 + x * logistic(-x)); }, {{-4, 4}, {-86, 86}}, {{-700, 700}}, 3.5, 6, {-3, 0}),
    exact<ops::Gelu>([](L x) { return x * normal(x); }, [](L x) { return normal(x) + x * density(x); }, {{-4, 4}, {-12.5, 12.5}}, {{-37, 37}}, 5, 5, {-2, 0}),
    exact<ops::GeluTanh>([](L x) { return x * gate(x); }, [](L x) { return gate(x) + x * gate_slope(x); }, {{-4, 4}, {-10, 10}}, {}, 4, 6, {-3, 0}),
    exact<ops::Clamp>([](L x) { return std::min(std::max(x, -2.L), 3.L); }, [](L x) { return x >= -2 && x <= 3 ? 1.L : 0.L; }, {{-9, 9}}, {}, 0, 0, {}, -2., 3.),
    exact<ops::PowNumber>([](L x) { return std::pow(x, 2.5L); }, [](L x) { return 2.5L * std::pow(x, 1.5L); }, {{1e-15, 1e15}, {0.1, 9}}, {{1e-120, 1e120}}, 1.5, 2.5, {}, 2.5),
    exact<ops::PowNumber>([](L x) { return std::pow(x, -37.L); }, [](L x) { return -37 * std::pow(x, -38.L); }, {{0.1, 9}, {-9, -0.1}}, {}, 1.5, 2.5, {}, -37.),
};
// clang-format on

/// Half of them evenly over the domain, half over the magnitudes in it.
template <class T> Array<T> spread(Domain d, std::size_t n, std::mt19937_64& random) {
  Array<T> x = test::uniform<T>({n}, d, random);
  const double most = std::max(std::abs(d.low), std::abs(d.high));
  const double least = d.low < 0 && d.high > 0 ? 1e-6 : std::max(std::min(std::abs(d.low), std::abs(d.high)), 1e-320);
  const Array<double> magnitude = test::uniform({n}, {std::log(least), std::log(most)}, random);
  for (std::size_t i = 0; i < n; i += 2) {
    const double m = std::exp(magnitude.storage()[i]) * (d.low < 0 && (d.high <= 0 || i % 4 == 0) ? -1 : 1);
    if (m >= d.low && m <= d.high) x.storage()[i] = static_cast<T>(m);
  }
  return x;
}

/// The largest error, and where it is.
struct Worst {
  double ulps = 0, at = 0;
  void note(double error, double x) {
    if (!(error <= ulps)) ulps = error, at = x;
  }
};

// xtensor takes {{a}, {b}} for a vector as well as for a column, and refuses to choose.
V column(double a, double b) { return reshape(V(A{a, b}), {2, 1}); }

}  // namespace

TEST_CASE_TEMPLATE("elementwise ops hold their bounds against long double, tails included", T, float, double) {
  std::mt19937_64 random(31);
  std::set<std::string> bounded;
  for (const Exact& e : table) {
    CAPTURE(e.name);
    bounded.insert(e.name);
    std::vector<Domain> domains = e.domains;
    if (sizeof(T) == 8) domains.insert(domains.end(), e.domains64.begin(), e.domains64.end());
    for (const Domain& domain : domains) {
      const Variable<T> x = parameter(spread<T>(domain, 4001, random));
      Tape tape;
      const Variable<T> y = e.op<T>()(x);
      const auto [g] = tape.gradient(y, {x}, {.upstream = Array<T>(y.shape(), T(1))});
      Worst value, slope;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const T at = x.data()[i];
        value.note(test::ulps(y.data()[i], e.value(at)), at);
        if (at <= e.cancels.low || at >= e.cancels.high)
          slope.note(test::ulps(g.data()[i], e.slope(at)), at);
        else
          slope.note(std::abs(g.data()[i] - e.slope(at)) / (std::numeric_limits<T>::epsilon() / 4), at);
      }
      CAPTURE(domain.low);
      CAPTURE(domain.high);
      CAPTURE(value.at);
      CAPTURE(slope.at);
      CHECK(value.ulps <= e.value_ulps);
      CHECK(slope.ulps <= e.slope_ulps);
    }
  }
  ops::Elementwise::each([&]<class O>(std::size_t) { CHECK_MESSAGE(bounded.count(O::op.name) == 1, O::op.name); });
}

TEST_CASE_TEMPLATE("a value does not depend on its place in the array", T, float, double) {
  std::mt19937_64 random(32);
  const Array<T> all = test::uniform<T>({67}, {0.1, 3}, random);
  for (const Exact& e : table) {
    CAPTURE(e.name);
    const Variable<T> whole = e.op<T>()(all);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(e.op<T>()(Array<T>(all(i))).item() == whole.data()[i]);
  }
}

TEST_CASE_TEMPLATE("a recorded slope is the slope: the gradient with create_graph", T, float, double) {
  std::mt19937_64 random(33);
  for (const Exact& e : table) {
    if (e.name == std::string("gelu")) continue;  // below: over variables, its tail is not that exact
    CAPTURE(e.name);
    const Variable<T> x = parameter(spread<T>(e.domains[0], 401, random));
    Tape tape;
    const Variable<T> y = e.op<T>()(x), one = Array<T>(y.shape(), T(1));
    const auto [plain] = tape.gradient(y, {x}, {.upstream = one, .retain = true});
    const auto [recorded] = tape.gradient(y, {x}, {.upstream = one, .create_graph = true});
    for (std::size_t i = 0; i < x.size(); ++i) {
      const T a = recorded.data()[i], b = plain.data()[i],
              size = e.cancels.low < 0 ? std::max(std::abs(b), T(0.25)) : std::abs(b);
      CHECK((a == b || std::abs(a - b) <= 8 * std::numeric_limits<T>::epsilon() * size));
    }
  }
}

TEST_CASE_TEMPLATE("second derivatives are numbers at kinks and in the tails", T, float, double) {
  const Array<T> ends = {T(-800), T(-100), T(-30), T(-9), T(-1), T(-0.), 0, 1, T(9), T(30), T(100), T(800)};
  const std::set<std::string> poles = {"reciprocal", "sqrt", "rsqrt", "log", "log1p", "pow"};
  for (const Exact& e : table) {
    if (poles.count(e.name)) continue;
    CAPTURE(e.name);
    const Variable<T> x = parameter(ends);
    Tape tape;
    const auto [g] = tape.gradient(sum(e.op<T>()(x)), {x}, {.create_graph = true});
    const auto [gg] = tape.gradient(sum(g) + sum(x), {x}, {.create_graph = true});  // + 1: not all slopes depend on x
    const auto [ggg] = tape.gradient(sum(gg) + sum(x), {x});
    for (std::size_t i = 0; i < ends.size(); ++i) {
      CAPTURE(ends(i));
      const bool overflows = (e.name == std::string("exp") || e.name == std::string("expm1")) && ends(i) > 80;
      CHECK((overflows || std::isfinite(g.data()[i])));
      CHECK((overflows || std::isfinite(gg.data()[i])));
      CHECK((overflows || std::isfinite(ggg.data()[i])));
    }
  }
}

TEST_CASE_TEMPLATE("kinks, ends and what is not a number", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const Array<T> ends = {T(-0.), 0, -1, nan, inf, -inf};
  // y and its slope at -0, 0, -1, NaN, inf and -inf
  const auto check = [&](auto op, Array<T> y, Array<T> slope) {
    const Variable<T> x = parameter(ends);
    Tape tape;
    const Variable<T> got = op(x);
    const auto [g] = tape.gradient(sum(got), {x});
    for (std::size_t i = 0; i < ends.size(); ++i) {
      CAPTURE(ends(i));
      CHECK((got.data()[i] == y(i) || (std::isnan(got.data()[i]) && std::isnan(y(i)))));
      if (!std::isnan(slope(i))) CHECK(test::ulps(g.data()[i], slope(i)) <= 2);
    }
  };
  const T e = std::exp(T(-1));
  check([](auto x) { return relu(x); }, {0, 0, 0, nan, inf, 0}, {0, 0, 0, nan, 1, 0});
  check([](auto x) { return abs(x); }, {0, 0, 1, nan, inf, inf}, {0, 0, -1, nan, 1, -1});
  check([](auto x) { return leaky_relu(x, 0.5); }, {0, 0, -0.5, nan, inf, -inf}, {0.5, 0.5, 0.5, nan, 1, 0.5});
  check([](auto x) { return elu(x, 2); }, {0, 0, std::expm1(T(-1)) * 2, nan, inf, -2}, {2, 2, 2 * e, nan, 1, 0});
  check([](auto x) { return clamp(x, -1, 0); }, {0, 0, -1, nan, 0, -1}, {1, 1, 1, 0, 0, 0});
  check([](auto x) { return clamp(x, 2, 1); }, {1, 1, 1, nan, 1, 1}, {0, 0, 0, 0, 0, 0});
  check([](auto x) { return clamp(x, 0); }, {0, 0, 0, nan, inf, 0}, {1, 1, 0, 0, 1, 0});
  check([](auto x) { return neg(x); }, {0, 0, 1, nan, -inf, inf}, {-1, -1, -1, -1, -1, -1});
  check([](auto x) { return exp(x); }, {1, 1, e, nan, inf, 0}, {1, 1, e, nan, inf, 0});
  check([](auto x) { return expm1(x); }, {0, 0, std::expm1(T(-1)), nan, inf, -1}, {1, 1, e, nan, inf, 0});
  check([](auto x) { return log(x); }, {-inf, -inf, nan, nan, inf, nan}, {-inf, inf, -1, nan, 0, 0});
  check([](auto x) { return log1p(x); }, {0, 0, -inf, nan, inf, nan}, {1, 1, inf, nan, 0, 0});
  check([](auto x) { return sqrt(x); }, {0, 0, nan, nan, inf, nan}, {-inf, inf, nan, nan, 0, nan});
  check([](auto x) { return tanh(x); }, {0, 0, std::tanh(T(-1)), nan, 1, -1}, {1, 1, nan, nan, 0, 0});
  check([](auto x) { return erf(x); }, {0, 0, std::erf(T(-1)), nan, 1, -1}, {nan, nan, nan, nan, 0, 0});
  check([](auto x) { return erfc(x); }, {1, 1, std::erfc(T(-1)), nan, 0, 2}, {nan, nan, nan, nan, 0, 0});
  check([](auto x) { return ndtr(x); }, {0.5, 0.5, ndtr(Variable<T>(-1)).item(), nan, 1, 0},
        {nan, nan, nan, nan, 0, 0});
  check([](auto x) { return sigmoid(x); }, {0.5, 0.5, sigmoid(Variable<T>(-1)).item(), nan, 1, 0},
        {0.25, 0.25, nan, nan, 0, 0});
  check([](auto x) { return log_sigmoid(x); },
        {-std::log(T(2)), -std::log(T(2)), log_sigmoid(Variable<T>(-1)).item(), nan, 0, -inf},
        {0.5, 0.5, nan, nan, 0, 1});
  check([](auto x) { return softplus(x); },
        {std::log(T(2)), std::log(T(2)), softplus(Variable<T>(-1)).item(), nan, inf, 0}, {0.5, 0.5, nan, nan, 1, 0});
  check([](auto x) { return sin(x); }, {0, 0, sin(Variable<T>(-1)).item(), nan, nan, nan}, {1, 1, nan, nan, nan, nan});
  check([](auto x) { return pow(x, 0); }, {1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0});
  check([](auto x) { return pow(x, 1); }, {0, 0, -1, nan, inf, -inf}, {1, 1, 1, 1, 1, 1});
  check([](auto x) { return pow(x, 3); }, {0, 0, -1, nan, inf, -inf}, {0, 0, 3, nan, inf, inf});
  check([](auto x) { return pow(x, 1.5); }, {0, 0, nan, nan, inf, inf}, {0, 0, nan, nan, inf, inf});
}

TEST_CASE_TEMPLATE("pow is the C library's at the ends", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T least = std::numeric_limits<T>::denorm_min(), most = std::numeric_limits<T>::max();
  const std::vector<T> numbers = {T(-0.),
                                  0,
                                  1,
                                  -1,
                                  2,
                                  -2,
                                  3,
                                  -3,
                                  T(0.5),
                                  T(-0.5),
                                  T(1.5),
                                  T(-2.5),
                                  inf,
                                  -inf,
                                  nan,
                                  least,
                                  -least,
                                  most,
                                  -most,
                                  T(8388607),
                                  T(9007199254740993.),
                                  T(1) + std::numeric_limits<T>::epsilon(),
                                  T(1e9)};
  for (const T a : numbers)
    for (const T b : numbers) {
      CAPTURE(a);
      CAPTURE(b);
      const T got = pow(Variable<T>(a), Variable<T>(b)).item(), expected = std::pow(a, b);
      CHECK(test::ulps(got, static_cast<L>(expected)) <= 2);
      if (got == 0) CHECK(std::signbit(got) == std::signbit(expected));
    }
}

TEST_CASE("pow: slopes of both inputs, dispatch of numbers") {
  const V a = parameter(A{0, 0, 0, 2, -2, 3, 1e-200, 2}), b = parameter(A{2, 1, 0, 3, 3, 0, 1.5, -1000});
  Tape tape;
  const V y = pow(a, b);
  const auto [ga, gb] = tape.gradient(sum(y), {a, b});
  CHECK(ga.value() == A{0, 1, 0, 12, 12, 0, 1.5e-100, -1000 * std::pow(2., -1001)});
  for (const std::size_t i : {0, 1, 2}) CHECK(gb.value()(i) == 0);
  CHECK(gb.value()(3) == doctest::Approx(8 * std::log(2.)).epsilon(1e-15));
  CHECK(std::isnan(gb.value()(4)));
  for (const double p : {2., 0.5, -0.5, -1.}) {
    const V x = parameter(A{0.3, 1, 7});
    Tape inner;
    const auto [cheap] = inner.gradient(sum(pow(x, p)), {x});
    const auto [general] = inner.gradient(sum(apply<ops::PowNumber>(x, p)), {x});
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(test::ulps(pow(x, p).data()[i], apply<ops::PowNumber>(x, p).data()[i]) <= 2);
      CHECK(test::ulps(cheap.data()[i], general.data()[i]) <= 5);
    }
  }
}

TEST_CASE_TEMPLATE("maximum and minimum: ties share, NaN spreads", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const Variable<T> a = parameter(Array<T>{1, 2, 3, nan, 1, inf}), b = parameter(Array<T>{2, 2, 1, 1, nan, inf});
  Tape tape;
  const Variable<T> high = maximum(a, b), low = minimum(a, b);
  CHECK(high.value()(0) == 2);
  CHECK(low.value()(0) == 1);
  CHECK(high.value()(5) == inf);
  for (const std::size_t i : {3, 4}) {
    CHECK(std::isnan(high.value()(i)));
    CHECK(std::isnan(low.value()(i)));
  }
  const auto [ga, gb] = tape.gradient(sum(high), {a, b}, {.retain = true});
  const auto [ha, hb] = tape.gradient(sum(low), {a, b});
  for (std::size_t i : {0, 1, 2}) {
    CHECK(ga.value()(i) == (i == 0 ? 0 : i == 1 ? 0.5 : 1));
    CHECK(gb.value()(i) == 1 - ga.value()(i));
    CHECK(ha.value()(i) == gb.value()(i));
    CHECK(hb.value()(i) == ga.value()(i));
  }
  CHECK(maximum(Variable<T>(Array<T>{1, 5}), Variable<T>(3)).value() == Array<T>{3, 5});
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

TEST_CASE("where: three shapes in one") {
  const V a = parameter(A{{1, 2, 3}, {4, 5, 6}}), b = parameter(A(Shape{}, 9.));
  Tape tape;
  const V y = where(V(A{1, 0, 1}), a, b);
  CHECK(y.value() == A{{1, 9, 3}, {4, 9, 6}});
  const auto [ga, gb] = tape.gradient(sum(y), {a, b});
  CHECK(ga.value() == A{{1, 0, 1}, {1, 0, 1}});
  CHECK(gb.value()() == 2);
  CHECK(where(column(1, 0), V(A{1, 2}), V(-1.)).value() == A{{1, 2}, {-1, -1}});
  CHECK(where(V(A{1, 0}), V(A{HUGE_VAL, NAN}), V(A{NAN, 2})).value() == A{HUGE_VAL, 2});
  CHECK(
      message<ShapeError>([&] {
        where(V(A{1, 0}), a, b);
      }) ==
      "where: mask is [2] but a with b is [2,3]; mask.shape[0] = 2 and a with b.shape[1] = 3 must be equal, or one of "
      "them 1");
}
