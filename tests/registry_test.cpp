// One test for every op there is: an op that is declared is checked.
#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/autodiff.hpp"
#include "autodiff/derivatives.hpp"
#include "autodiff/sample.hpp"
#include "losses/losses.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;

namespace {

/// y = f(x), twice over: its gradient reaches the inputs along two ways, the second added to the first.
template <class T>
std::vector<Variable<T>> gradient_twice_over(const Function<T>& f, const std::vector<Array<double>>& inputs) {
  std::vector<Variable<T>> xs;
  for (const auto& x : inputs) xs.push_back(parameter(Array<T>(xt::cast<T>(x))));
  Tape tape;
  const Variable<T> once = f(xs), y = once + f(xs);
  return tape.gradient(y, xs, {.upstream = Array<T>(y.shape(), T(0.5))});
}

/// Those of all floors.
std::vector<Declared> all_declared() {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  return all;
}

/// f(op, sample) for every sample of every op.
template <class F> void each_sample(F f) {
  for (const Declared& declared : all_declared()) {
    std::uint64_t seed = 7;
    for (const std::string& text : declared.samples) {
      const Sample s = draw(declared, text, ++seed);
      CAPTURE(s.call);
      f(declared, s);
    }
  }
}

}  // namespace

// That it is right, in both orders and types: op_check_test.cpp.

TEST_CASE("every op: a gradient that arrives in two parts is their sum") {
  each_sample([](const Declared&, const Sample& s) {
    const auto twice = gradient_twice_over<double>(s.f64, s.inputs);
    std::vector<Variable<double>> xs;
    for (const auto& x : s.inputs) xs.push_back(parameter(x));
    Tape tape;
    const Variable<double> y = s.f64(xs);
    const auto once = tape.gradient(y, xs, {.upstream = Array<double>(y.shape(), 1.)});
    for (std::size_t k = 0; k < xs.size(); ++k) {
      double largest = 0;
      for (const double g : once[k].value()) largest = std::max(largest, std::abs(g));
      for (std::size_t i = 0; i < xs[k].size(); ++i)
        CHECK(std::abs(twice[k].data()[i] - once[k].data()[i]) <= 1e-14 * (1 + largest));
    }
  });
}

TEST_CASE("every op: the Hessian is symmetric") {
  each_sample([](const Declared&, const Sample& s) {
    std::mt19937_64 random(11);
    const auto numbers = [&] {
      std::vector<Variable<double>> all;
      for (const auto& x : s.inputs) all.push_back(test::uniform(x.shape(), {-1, 1}, random));
      return all;
    };
    const auto product = [](const auto& a, const auto& b) {
      double sum = 0;
      for (std::size_t k = 0; k < a.size(); ++k)
        for (std::size_t i = 0; i < a[k].size(); ++i) sum += a[k].data()[i] * b[k].data()[i];
      return sum;
    };
    const std::vector<Variable<double>> x(s.inputs.begin(), s.inputs.end()), v = numbers(), w = numbers();
    const Array<double> u = test::uniform(s.f64(x).shape(), {0.5, 1.5}, random);
    const Function<double> f = [&](const auto& at) { return sum(s.f64(at) * Variable<double>(u)); };
    const auto hv = hvp(f, x, v), hw = hvp(f, x, w);
    const double a = product(w, hv), b = product(v, hw);
    CHECK(std::abs(a - b) <= 1e-11 * (1 + std::sqrt(product(hv, hv) * product(w, w))));
  });
}

TEST_CASE("every op: NaN and infinity in every place are no reason to crash") {
  each_sample([](const Declared&, const Sample& s) {
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      auto inputs = s.inputs;
      for (auto& x : inputs) x.fill(bad);
      try {
        gradient_twice_over<double>(s.f64, inputs);
        gradient_twice_over<float>(s.f32, inputs);
      } catch (const ValueError&) {}  // an op may refuse them
    }
  });
}

TEST_CASE("every op says what it takes, and has a sample without elements") {
  for (const Declared& d : all_declared()) {
    CAPTURE(std::string(d.op->name));
    CHECK(std::string(d.op->formula).size() > 0);
    CHECK(std::any_of(d.samples.begin(), d.samples.end(), [&](const std::string& text) {
      const Sample s = draw(d, text, 1);
      return std::any_of(s.inputs.begin(), s.inputs.end(), [](const auto& x) { return x.size() == 0; });
    }));
  }
}

TEST_CASE("no elements against a row") {
  const Variable<double> none = parameter(Array<double>(Shape{0, 3}));
  const Variable<double> row = parameter(Array<double>{1, 2, 3});
  Tape tape;
  const auto y = sum(tanh(none * row) + none, 0);
  const auto [g, h] = tape.gradient(sum(y), {none, row});
  CHECK(g.shape() == Shape{0, 3});
  CHECK(h.value() == Array<double>{0, 0, 0});
}

TEST_CASE("arguments by name: what does not fit is refused") {
  const auto all = declared_ops();
  const Declared& softmax =
      *std::find_if(all.begin(), all.end(), [](const Declared& d) { return d.op->name == std::string("softmax"); });
  Arguments<double> a(softmax);
  CHECK(message<ValueError>([&] { a.check_complete(); }) == "softmax: input x is missing");
  CHECK(message<ValueError>([&] { a.set("y", Variable<double>(1.)); }) == "softmax: there is no input y; there are: x");
  CHECK(message<ValueError>([&] { a.set("x", Labels{1}); }) == "softmax: x takes real numbers");
  CHECK(message<ValueError>([&] { a.set_attribute("dim", "1"); }) ==
        "softmax: there is no attribute dim; there are: axis");
  CHECK(message<ValueError>([&] { a.set_attribute("axis", "1.5"); }) == "softmax: axis=1.5 is not a whole number");
  CHECK(message<ValueError>([&] { draw(softmax, "x=[3,]", 1); }) ==
        "sample: [3,] in \"softmax x=[3,]\" is not a shape");
  CHECK(message<ValueError>([&] { draw(softmax, "axis=0", 1); }) == "sample: \"softmax axis=0\" does not give x");
}
