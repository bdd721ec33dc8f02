// gradcheck() on single functions: kinks, jumps, noise, what changes from call to call, and how it is told. Mistakes planted
// into the library's ops are in battery_test.cpp.
#include "autodiff/gradcheck.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradient.hpp"

using namespace wengert;

namespace {

using V = Variable<double>;
using Inputs = std::vector<V>;

constexpr Op planted{"planted", "y = f(x), with a wrong rule"};

/// f, but with the rule given: the gradients of the inputs from the upstream gradient.
Function<double> with_rule(Function<double> f, std::function<Inputs(const V& g, const Inputs& x)> rule) {
  return [=](const Inputs& x) {
    V y;
    {
      const NoGrad computed_only;
      y = f(x).detach();
    }
    if (!Tape::current()) return y;
    std::vector<Edge<double>> edges;
    for (const V& v : x) edges.push_back(edge(v));
    V result = V::adopt(Block<double>::make(y.shape()));
    result.block()->value = y.value();
    record(planted, result, [edges, x, rule](Upstream<double>& g) {
      const Inputs terms = rule(*g, x);
      for (std::size_t i = 0; i < terms.size(); ++i) g.add(edges[i], terms[i]);
    });
    return result;
  };
}

/// f, number by number, with the slope given.
Function<double> plain(double (*f)(double), double (*slope)(double)) {
  const auto each = [](const V& x, double (*g)(double)) {
    Array<double> y = x.value();
    for (double& v : y.storage()) v = g(v);
    return V(y);
  };
  return with_rule([=](const Inputs& x) { return each(x[0], f); },
                   [=](const V& g, const Inputs& x) { return Inputs{g * each(x[0], slope)}; });
}
double zero(double) { return 0; }
double one(double) { return 1; }

GradcheckReport at(double x, double (*f)(double), double (*slope)(double)) {
  return gradcheck(plain(f, slope), {Array<double>{x}});
}

}  // namespace

TEST_CASE("gradcheck: at a kink any slope between both sides is accepted") {
  const auto abs = [](double x) { return std::abs(x); };
  const auto report = at(0, abs, zero);
  CHECK(report.verdict == Verdict::kink);
  CHECK(report);
  CHECK(report.worst.below == doctest::Approx(-report.worst.above));
  CHECK(at(0, abs, one).verdict == Verdict::kink);
  CHECK(at(0, abs, [](double) { return -1.; }).verdict == Verdict::kink);
  CHECK(at(0, abs, [](double) { return 1.001; }).verdict == Verdict::wrong);
  CHECK(at(
            0, [](double x) { return std::abs(std::sin(5 * x)) + x * x; }, zero)
            .verdict == Verdict::kink);
  CHECK(gradcheck([](const V& x) { return max(x); }, Array<double>{1, 2, 2}).verdict == Verdict::kink);
  CHECK(gradcheck([](const V& x) { return relu(x); }, Array<double>{-1, 0, 1}).kinks == 1);
}

TEST_CASE("gradcheck: a kink close by is no kink here") {
  for (const double x : {0.1, 1e-3, 1e-5, 1e-6, 1e-7, 1e-9, -1e-6}) {
    const auto report = at(
        x, [](double v) { return std::abs(v); }, [](double v) { return v < 0 ? -1. : 1.; });
    CHECK_MESSAGE(report.verdict == Verdict::right, report);
    CHECK(!at(
        x, [](double v) { return std::abs(v); }, zero));
  }
  const auto sharp = at(
      0, [](double x) { return std::max(x, 0.) + std::log1p(std::exp(-1e4 * std::abs(x))) / 1e4; },
      [](double x) { return 1 / (1 + std::exp(-1e4 * x)); });
  CHECK_MESSAGE(sharp.verdict == Verdict::right, sharp);
}

TEST_CASE("gradcheck: what jumps, or has no slope, is not called right") {
  const auto jump = at(
      0.3, [](double x) { return std::sin(x) + (x >= 0.3); }, [](double x) { return std::cos(x); });
  CHECK(jump.verdict == Verdict::inconclusive);
  CHECK(jump.suspicion == "f jumps at x[0]");
  CHECK(at(
            0.3, [](double x) { return std::sin(x) + (x > 0.3); }, [](double x) { return std::cos(x); })
            .verdict == Verdict::inconclusive);
  CHECK(at(
            0.3, [](double x) { return x >= 0.3 ? 1. : 0.; }, zero)
            .verdict == Verdict::inconclusive);
  CHECK(at(
            0.3, [](double x) { return x == 0.3 ? 1. : 0.; }, zero)
            .verdict == Verdict::inconclusive);
  CHECK(at(
            0, [](double x) { return std::sqrt(std::abs(x)); }, zero)
            .verdict == Verdict::inconclusive);
  CHECK(at(
            0, [](double x) { return std::cbrt(x); }, zero)
            .verdict == Verdict::inconclusive);
  CHECK(at(
            0, [](double x) { return std::sqrt(x); }, [](double) { return 1e9; })
            .verdict == Verdict::inconclusive);
}

TEST_CASE("gradcheck says inconclusive where noise hides the derivative") {
  // Rounded to 1e-4, the function's noise swamps what an entry does.
  const Function<double> rounded = with_rule(
      [](const Inputs& x) {
        Array<double> y = x[0].value();
        for (double& v : y.storage()) v = std::round(std::sin(v) * 1e4) / 1e4;
        return V(y);
      },
      [](const V& g, const Inputs& x) {
        Array<double> slope = x[0].value();
        for (double& v : slope.storage()) v = std::cos(v);
        return Inputs{g * V(slope)};
      });
  const auto report = gradcheck("rounded", rounded, {Array<double>{0.3, 0.7, 1.1}});
  CHECK_MESSAGE(report.verdict == Verdict::inconclusive, report);
}

TEST_CASE("gradcheck: a function that refuses what is close by") {
  const Function<double> f = [](const Inputs& x) {
    for (const double v : x[0].value())
      if (v > 1) throw ValueError("f: x is above 1");
    return square(x[0]);
  };
  const auto inside = gradcheck("f", f, {Array<double>{0.5, 1 - 1e-6}});
  CHECK_MESSAGE(inside.verdict == Verdict::right, inside);
  CHECK(gradcheck("f", f, {Array<double>{0.5, 1}}).verdict == Verdict::inconclusive);
  CHECK_THROWS_AS(gradcheck("f", f, {Array<double>{0.5, 2}}), ValueError);
}

TEST_CASE("gradcheck: what changes from call to call is unstable, what is changed as well") {
  const auto calls = std::make_shared<int>(0);
  const auto value = gradcheck([calls](const V& x) { return x * (1 + 1e-15 * ++*calls); }, Array<double>{1, 2});
  CHECK(value.verdict == Verdict::unstable);
  CHECK(value.note == "the second forward gave another value");
  const auto gradient = gradcheck(with_rule([](const Inputs& x) { return x[0] * 1.; },
                                            [calls](const V& g, const Inputs&) { return Inputs{g * ++*calls}; }),
                                  {Array<double>{1, 2}});
  CHECK(gradient.verdict == Verdict::unstable);
  CHECK(gradient.note == "the second backward gave another gradient of x");
  const auto input = gradcheck(with_rule([](const Inputs& x) { return x[0] * 1.; },
                                         [](const V& g, const Inputs& x) {
                                           V(x[0]).mutable_value()(0) = 7;
                                           return Inputs{g};
                                         }),
                               {Array<double>{1, 2}});
  CHECK(input.verdict == Verdict::unstable);
  CHECK(input.note == "x was changed");
  CHECK(to_string(input) == "f: unstable, x was changed");
}

TEST_CASE("gradcheck: what random directions miss is as likely as they say") {
  // Noise of 2^-30 makes bounds that an error can be compared with; f itself is linear.
  const Array<double> c{1, -0.5, 2, 0.25}, error{0.5, 0.5, -0.5, 0.5};  // of length 1
  const auto f_with = [&](double length) {
    return with_rule(
        [c](const Inputs& x) {
          double y = 0;
          for (std::size_t i = 0; i < c.size(); ++i) y += c(i) * x[0].value()(i);
          return V(std::ldexp(std::round(std::ldexp(y, 30)), -30));
        },
        [=](const V& g, const Inputs&) { return Inputs{g * V(c) + V(error) * length}; });
  };
  const int runs = 1500;
  for (const double ratio : {0.7, 1.5, 4.}) {  // of the error's length to the bound
    double expected = 0, variance = 0, missed = 0;
    for (std::uint64_t seed = 1; seed <= runs; ++seed) {
      const std::vector<Array<double>> x{Array<double>{0.3, 0.4, 0.5, 0.6}};
      const Gradcheck options{.directions = 2, .seed = seed, .resolution = 1};
      const auto right = gradcheck("f", f_with(0), x, options);
      const double length = ratio * right.worst.bound, p = probability_to_miss(right, length);
      expected += p;
      variance += p * (1 - p);
      missed += gradcheck("f", f_with(length), x, options).verdict == Verdict::right;
    }
    CAPTURE(ratio);
    CAPTURE(expected);
    CHECK(missed == doctest::Approx(expected).epsilon(0.03 + 5 * std::sqrt(variance) / expected));
  }
}

TEST_CASE("gradcheck's report reads in one line, and one more for what it looks like") {
  const Comparison worst{.where = "x[1,2]", .analytic = 0.5, .numeric = -0.5, .bound = 1e-9};
  GradcheckReport r{.op = "tanh",
                    .verdict = Verdict::wrong,
                    .comparisons = std::vector<Comparison>(12),
                    .worst = worst,
                    .wrong = 3,
                    .suspicion = "all derivatives have the wrong sign"};
  CHECK(to_string(r) ==
        "tanh: WRONG, 3 of 12 comparisons, worst x[1,2]: analytic 0.5, numeric -0.5, off by 1, bound 1e-09\n"
        "  all derivatives have the wrong sign");
  CHECK(!r);
  r.verdict = Verdict::right;
  r.suspicion = "";
  CHECK(to_string(r) ==
        "tanh: right, 12 comparisons, closest to its bound x[1,2]: analytic 0.5, numeric -0.5, off by 1, bound 1e-09");
  CHECK(doctest::toString(r) == to_string(r).c_str());  // what CHECK(gradcheck(f, x)) prints
  r.visible = 2e-8;
  r.missed = 1e-6;
  CHECK(to_string(r).ends_with("; an error as long as 2e-08 stays unseen with probability 1e-06"));
  r.worst.exact = 0.25;
  r.worst.ulp = 3;
  CHECK(to_string(r).find(", exact 0.25 (3 ulp)") != std::string::npos);
  const auto named = gradcheck("f", [](const Inputs& x) { return x[0] * x[1]; },
                               {Array<double>{{1, 2}}, Array<double>(Shape{0, 2})}, {.names = {"w", "b"}});
  CHECK(named.comparisons.size() == 2);
  CHECK(named.worst.input == "w");
  CHECK(to_string(gradcheck([](const V& x) { return x; }, Array<double>(Shape{0}))) == "f: right, nothing to compare");
}
