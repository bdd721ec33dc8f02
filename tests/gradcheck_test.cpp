// The checker is checked: planted mistakes must be caught, correct gradients must raise no alarm.
#include "autodiff/gradcheck.hpp"

#include <doctest/doctest.h>

#include <iostream>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradient.hpp"
#include "losses/softmax_ce.hpp"
#include "tests/random.hpp"

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

struct Mistake {
  std::string what;
  Function<double> right;
  std::function<Inputs(const V& g, const Inputs& x)> wrong_rule;
  std::vector<Shape> shapes;
};

V first_row(const V& g) {
  Array<double> row(Shape{g.shape()[1]});
  for (std::size_t j = 0; j < row.size(); ++j) row(j) = g.value()(0, j);
  return row;
}

std::vector<Mistake> mistakes() {
  const auto real_targets = [](const Shape& s) {
    std::mt19937_64 random(9);
    return test::uniform(s, {0.2, 3}, random);
  };
  const Shape scores{3, 4};
  const Array<double> w = real_targets(scores);
  return {
      {"sign",
       [](const Inputs& x) { return tanh(x[0]); },
       [](const V& g, const Inputs& x) { return Inputs{-(g * (1 - square(tanh(x[0]))))}; },
       {{3, 4}}},
      {"factor",
       [](const Inputs& x) { return square(x[0]); },
       [](const V& g, const Inputs& x) { return Inputs{g * x[0]}; },
       {{5}}},
      {"factor of 1.0001",
       [](const Inputs& x) { return exp(x[0]); },
       [](const V& g, const Inputs& x) { return Inputs{1.0001 * g * exp(x[0])}; },
       {{5}}},
      {"a missing term",
       [](const Inputs& x) { return x[0] * exp(x[0]); },
       [](const V& g, const Inputs& x) { return Inputs{g * exp(x[0])}; },
       {{5}}},
      {"the wrong operand",
       [](const Inputs& x) { return x[0] * x[1]; },
       [](const V& g, const Inputs& x) {
         return Inputs{g * x[0], g * x[1]};
       },
       {{2, 3}, {2, 3}}},
      {"an un-broadcast forgotten",
       [](const Inputs& x) { return x[0] + x[1]; },
       [](const V& g, const Inputs&) {
         return Inputs{g, first_row(g)};
       },
       {{4, 3}, {3}}},
      {"the label's value ignored",
       [w](const Inputs& x) { return losses::softmax_ce(x[0], w, {losses::Reduction::sum}); },
       [w](const V& g, const Inputs& x) {
         const V weight = sum(V(w), 1, true);
         return Inputs{g * (weight * softmax(x[0]) - (V(w) > 0))};
       },
       {scores}},
      {"1/N forgotten",
       [](const Inputs& x) { return mean(square(x[0])); },
       [](const V& g, const Inputs& x) { return Inputs{g * 2 * x[0]}; },
       {{6}}},
      {"the upstream dropped",
       [](const Inputs& x) { return exp(x[0]); },
       [](const V&, const Inputs& x) { return Inputs{exp(x[0])}; },
       {{6}}},
      {"a transpose forgotten",
       [](const Inputs& x) { return matmul(x[0], x[1]); },
       [](const V& g, const Inputs& x) {
         return Inputs{matmul(g, x[1]), matmul(x[0], g, {true, false})};
       },
       {{3, 3}, {3, 3}}},
      {"no gradient at all",
       [](const Inputs& x) { return exp(x[0]); },
       [](const V& g, const Inputs&) { return Inputs{0 * g}; },
       {{3}}},
      {"the gradient of another function",
       [](const Inputs& x) { return log(x[0] * x[0] + 1); },
       [](const V& g, const Inputs& x) { return Inputs{g * tanh(x[0])}; },
       {{3}}},
  };
}

/// A random composition of smooth ops on the inputs, the same for the same seed.
V compose(const Inputs& x, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  V y = x[0];
  for (int depth = 1 + static_cast<int>(random() % 5); depth > 0; --depth) switch (random() % 11) {
      case 0: y = tanh(y); break;
      case 1: y = sigmoid(y) * x[1]; break;
      case 2: y = exp(tanh(y)); break;
      case 3: y = log(square(y) + 0.5); break;
      case 4: y = y / (square(x[1]) + 1); break;
      case 5: y = softmax(y, static_cast<std::ptrdiff_t>(random() % 2)) + y; break;
      case 6: y = y - mean(y, 0, true); break;
      case 7: y = matmul(y, x[2]); break;
      case 8: y = logsumexp(y, 1, true) * x[1]; break;
      case 9: y = sqrt(square(y) + 1) - y; break;
      case 10: y = log_softmax(y + x[1]); break;
    }
  return y;
}

}  // namespace

TEST_CASE("gradcheck catches every planted mistake") {
  std::mt19937_64 random(21);
  std::size_t caught = 0;
  const auto all = mistakes();
  for (const Mistake& m : all) {
    CAPTURE(m.what);
    std::vector<Array<double>> inputs;
    for (const Shape& s : m.shapes) inputs.push_back(test::uniform(s, {0.3, 2}, random));
    const auto right = gradcheck(m.what, m.right, inputs);
    CHECK_MESSAGE(right, right);
    const auto by_entry = gradcheck(m.what, with_rule(m.right, m.wrong_rule), inputs);
    CHECK(by_entry.verdict == Verdict::wrong);
    const auto by_direction = gradcheck(m.what, with_rule(m.right, m.wrong_rule), inputs, {.directions = 4});
    CHECK(by_direction.verdict == Verdict::wrong);
    caught += by_entry.verdict == Verdict::wrong && by_direction.verdict == Verdict::wrong;
  }
  std::cout << "gradcheck: " << caught << " of " << all.size() << " planted mistakes caught\n";
}

TEST_CASE("gradcheck raises no alarm over 1000 random correct functions") {
  std::size_t right = 0;
  const std::size_t cases = 1000;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<Array<double>> inputs = {test::uniform({3, 4}, {-2, 2}, random),
                                               test::uniform({4}, {-2, 2}, random),
                                               test::uniform({4, 4}, {-1, 1}, random)};
    const auto report =
        gradcheck("composition " + std::to_string(seed), [seed](const Inputs& x) { return compose(x, seed); }, inputs,
                  {.directions = 4, .seed = seed});
    CHECK_MESSAGE(report.verdict != Verdict::wrong, report);
    right += report.verdict == Verdict::right;
  }
  std::cout << "gradcheck: " << right << " of " << cases << " random correct functions called right, none wrong\n";
  CHECK(right >= cases * 99 / 100);
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

TEST_CASE("gradcheck's report reads in one line") {
  const Comparison worst{.where = "x[1,2]", .analytic = 0.5, .numeric = -0.5, .bound = 1e-9};
  GradcheckReport r{
      .op = "tanh", .verdict = Verdict::wrong, .comparisons = std::vector<Comparison>(12), .worst = worst, .wrong = 3};
  CHECK(to_string(r) ==
        "tanh: WRONG, 3 of 12 comparisons, worst x[1,2]: analytic 0.5, numeric -0.5, off by 1, bound 1e-09");
  r.verdict = Verdict::right;
  CHECK(to_string(r) ==
        "tanh: right, 12 comparisons, closest to its bound x[1,2]: analytic 0.5, numeric -0.5, off by 1, bound 1e-09");
  const auto named = gradcheck("f", [](const Inputs& x) { return x[0] * x[1]; },
                               {Array<double>{{1, 2}}, Array<double>(Shape{0, 2})}, {.names = {"w", "b"}});
  CHECK(named.comparisons.size() == 2);
  CHECK(named.worst.where.substr(0, 2) == "w[");
}
