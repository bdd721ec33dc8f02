// One test for every op there is: an op that is declared is checked.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/random.hpp"

using namespace wengert;

namespace {

std::vector<Array<double>> draw(const Op& op, const Sample& s, std::mt19937_64& random) {
  std::vector<Array<double>> inputs;
  for (const Shape& shape : s.shapes)
    inputs.push_back(test::uniform(shape, inputs.empty() ? op.a : op.b, random, op.kinked ? 0.1 : 0));
  return inputs;
}

template <class T> struct Run {
  Variable<T> y;
  std::vector<Variable<T>> gradients;
};

/// y = f(x), twice over: its gradient reaches the inputs along two ways, the second added to the first.
template <class T> Run<T> run_twice_over(const Function<T>& f, const std::vector<Array<double>>& inputs) {
  std::vector<Variable<T>> xs;
  for (const auto& x : inputs) xs.push_back(parameter(Array<T>(xt::cast<T>(x))));
  Tape tape;
  const Variable<T> once = f(xs), y = once + f(xs);
  Array<T> u(y.shape());
  for (std::size_t i = 0; i < u.size(); ++i) u.storage()[i] = static_cast<T>(0.5 + 0.25 * static_cast<double>(i % 5));
  return {once, tape.gradient(y, xs, {.upstream = u})};
}

double largest(const Variable<double>& x) {
  double m = 0;
  for (const double v : x.value()) m = std::max(m, std::abs(v));
  return m;
}

void check_close(const Variable<float>& got, const Variable<double>& exact, double ulps) {
  REQUIRE(got.shape() == exact.shape());
  const double bound = ulps * 0x1p-24 * std::max(largest(exact), 1e-3);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got.data()[i] - exact.data()[i]) <= bound);
}

template <class T> bool same_bits(const Variable<T>& a, const Variable<T>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE("every op: first and second derivative, both types, accumulation, determinism") {
  for (const Declared& declared : declared_ops()) {
    std::mt19937_64 random(7);
    for (const Sample& s : declared.samples) {
      CAPTURE(s.call);
      const auto inputs = draw(*declared.op, s, random);
      const auto before = inputs;

      const GradcheckReport first = gradcheck(s.call, s.f64, inputs);
      CHECK_MESSAGE(first, first);
      const GradcheckReport second = gradcheck(s.call + ", second order", gradient_of(s.f64), inputs);
      CHECK_MESSAGE(second, second);

      const Run<double> exact = run_twice_over<double>(s.f64, inputs), again = run_twice_over<double>(s.f64, inputs);
      const Run<float> single = run_twice_over<float>(s.f32, inputs);
      check_close(single.y, exact.y, 16);
      CHECK(same_bits(exact.y, again.y));
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        check_close(single.gradients[i], exact.gradients[i], 64);
        CHECK(same_bits(exact.gradients[i], again.gradients[i]));
        CHECK(inputs[i] == before[i]);
      }
    }
  }
}

TEST_CASE("every op: no elements, and NaN in every place, are no reason to crash") {
  for (const Declared& declared : declared_ops()) {
    std::mt19937_64 random(8);
    for (const Sample& s : declared.samples) {
      CAPTURE(s.call);
      auto inputs = draw(*declared.op, s, random);
      for (auto& x : inputs) x.fill(std::numeric_limits<double>::quiet_NaN());
      CHECK_NOTHROW(run_twice_over<double>(s.f64, inputs));
      CHECK_NOTHROW(run_twice_over<float>(s.f32, inputs));
    }
  }
  const Variable<double> none = parameter(Array<double>(Shape{0, 3}));
  const Variable<double> row = parameter(Array<double>{1, 2, 3});
  Tape tape;
  const auto y = sum(tanh(none * row) + none, 0);
  const auto [g, h] = tape.gradient(sum(y), {none, row});
  CHECK(g.shape() == Shape{0, 3});
  CHECK(h.value() == Array<double>{0, 0, 0});
}
