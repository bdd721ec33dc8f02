#include "nn/optimise.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

/// Takes steps on L = sum of c w^3 / 3, so that the gradient is c w^2, and holds them against `expected(w, g, t)`.
template <class T, class Make, class Expected> void check_steps(Make make, Expected expected) {
  const A c{1, -2, 0.5, 3, -1, 0.25, 2, -0.5, 1.5, -3, 1};  // more than a register, and a tail
  Array<T> start(Shape{c.size()});
  for (std::size_t i = 0; i < c.size(); ++i) start(i) = static_cast<T>(0.75 - 0.125 * static_cast<double>(i));
  const Variable<T> w = parameter(start), unused = parameter(start);
  auto optimiser = make({{"w", w}, {"unused", unused}});
  std::vector<long double> reference(start.begin(), start.end());
  for (int t = 1; t <= 6; ++t) {
    Tape tape;
    const Variable<T> factor = Array<T>(xt::cast<T>(c));
    tape.backward(sum(factor * w * w * w) / Variable<T>(3));
    optimiser.step();
    optimiser.zero_grad();
    CHECK_FALSE(w.has_grad());
    const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
    for (std::size_t i = 0; i < c.size(); ++i) {
      long double& r = reference[i];
      r = expected(i, r, c(i) * r * r, t);
      CHECK(std::abs(static_cast<double>(w.value()(i) - r)) <=
            tolerance * std::max(1.0, std::abs(static_cast<double>(r))));
    }
  }
  CHECK(unused.value() == start);
}

template <class T> void check_sgd(const nn::SgdOptions& o) {
  std::vector<long double> velocity(16, 0);
  check_steps<T>([&](std::vector<nn::Parameter<T>> p) { return nn::Sgd(p, o); },
                 [&](std::size_t i, long double w, long double g, int) {
                   const long double d = g + o.weight_decay * w, v = velocity[i] = o.momentum * velocity[i] + d;
                   return w - o.rate * (o.nesterov ? d + o.momentum * v : v);
                 });
}

template <class T> void check_adam(const nn::AdamOptions& o) {
  std::vector<long double> m(16, 0), v(16, 0);
  check_steps<T>([&](std::vector<nn::Parameter<T>> p) { return nn::Adam(p, o); },
                 [&](std::size_t i, long double w, long double g, int t) {
                   const long double d = g + o.weight_decay * w, b1 = o.beta1, b2 = o.beta2;
                   m[i] = b1 * m[i] + (1 - b1) * d;
                   v[i] = b2 * v[i] + (1 - b2) * d * d;
                   const long double mean = m[i] / (1 - std::pow(b1, t)), square = v[i] / (1 - std::pow(b2, t));
                   return w - o.rate * mean / (std::sqrt(square) + o.epsilon);
                 });
}

TEST_CASE_TEMPLATE("Sgd takes the steps of its formula", T, float, double) {
  check_sgd<T>({.rate = 0.1});
  check_sgd<T>({.rate = 0.1, .weight_decay = 0.3});
  check_sgd<T>({.rate = 0.05, .momentum = 0.9});
  check_sgd<T>({.rate = 0.05, .momentum = 0.9, .weight_decay = 0.1});
  check_sgd<T>({.rate = 0.05, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
}

TEST_CASE_TEMPLATE("Adam takes the steps of its formula", T, float, double) {
  check_adam<T>({});
  check_adam<T>({.rate = 0.05, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.2});
}

TEST_CASE("optimisers refuse what makes no sense") {
  const std::vector<nn::Parameter<double>> p{{"w", parameter(A{1})}};
  const auto sgd = [&](nn::SgdOptions o) { return message<ValueError>([&] { nn::Sgd(p, o); }); };
  const auto adam = [&](nn::AdamOptions o) { return message<ValueError>([&] { nn::Adam(p, o); }); };
  CHECK(sgd({.rate = -0.1}) == "Sgd: rate is -0.1; it must be finite and at least 0");
  CHECK(sgd({.rate = NAN}) == "Sgd: rate is nan; it must be finite and at least 0");
  CHECK(sgd({.momentum = 1}) == "Sgd: momentum is 1; it must be in [0, 1)");
  CHECK(sgd({.nesterov = true}) == "Sgd: momentum is 0; it must be above 0 for nesterov");
  CHECK(adam({.beta2 = 1.5}) == "Adam: beta2 is 1.5; it must be in [0, 1)");
  CHECK(adam({.epsilon = -1e-9}) == "Adam: epsilon is -1e-09; it must be finite and at least 0");
  CHECK(adam({.weight_decay = INFINITY}) == "Adam: weight_decay is inf; it must be finite and at least 0");
  using List = std::vector<nn::Parameter<double>>;
  const auto list = [](List l) { return message<ValueError>([&] { nn::Adam<double>{l}; }); };
  CHECK(list({}) == "Adam: there are no parameters; pass net.parameters()");
  CHECK(list({{"x", V(A{1})}}) == "Adam: x is no parameter; make it with parameter(value)");
  CHECK(list({p[0], {"v", p[0].value}}) == "Adam: w and v are the same parameter; it would be updated twice a step");
  V w = p[0].value;
  nn::Sgd optimiser(p, {.rate = 1});
  w.mutable_value() = A{1, 2};
  CHECK(message<ShapeError>([&] { optimiser.step(); }) ==
        "Sgd: w or its gradient is [2] now and was [1]; the shape of a parameter must stay");
}
