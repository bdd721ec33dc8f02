// Derivatives as functions, checkpoints, hooks.
#include "autodiff/derivatives.hpp"

#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "autodiff/checkpoint.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

TEST_CASE("hvp: the Hessian times a vector") {
  // f = x0^2 x1 + x1^3:  H = [2 x1, 2 x0; 2 x0, 6 x1]
  const auto f = [](const V& x) {
    const V first = sum(x * V(A{1, 0})), second = sum(x * V(A{0, 1}));
    return first * first * second + second * second * second;
  };
  const V x = A{2, 3};
  CHECK(hvp(f, x, A{1, 0}).value() == A{6, 4});
  CHECK(hvp(f, x, A{0, 1}).value() == A{4, 18});
  CHECK(hvp([](const V& x) { return sum(3 * x); }, x, A{1, 1}).value() == A{0, 0});  // linear
  CHECK(hvp([](const V&) { return V(1.); }, x, A{1, 1}).value() == A{0, 0});         // constant
  const Function<double> product = [](const std::vector<V>& x) { return sum(x[0] * x[1]); };
  const auto h = hvp<double>(product, {x, x}, {A{1, 2}, A{3, 4}});
  CHECK(h[0].value() == A{3, 4});
  CHECK(h[1].value() == A{1, 2});
  CHECK(message<ShapeError>([&] { hvp(f, x, A{1, 2, 3}); }) == "hvp: x[0] is [2] but v[0] is [3]; they must be equal");
}

TEST_CASE("jacobian: row by row") {
  const V x = A{1, 2, 3};
  const V j = jacobian([](const V& x) { return sum(x) * x; }, x);  // dy_i/dx_j = x_i + sum(x) [i = j]
  CHECK(j.value() == A{{7, 1, 1}, {2, 8, 2}, {3, 3, 9}});
  CHECK(jacobian([](const V& x) { return sum(square(x)); }, x).value() == A{2, 4, 6});
  CHECK(jacobian([](const V&) { return V(A{1, 1}); }, x).value() == A{{0, 0, 0}, {0, 0, 0}});
}

TEST_CASE("a gradient penalty in a loss") {
  const V w = parameter(A{0.5, -1}), x = parameter(A{2, 3});
  Tape tape;
  const V y = sum(w * square(x));
  const auto [gx] = tape.gradient(y, {x}, {.create_graph = true});  // 2 w x
  tape.backward(y + sum(square(gx)));                               // d/dw of (w x^2 + 4 w^2 x^2) = x^2 + 8 w x^2
  CHECK(w.grad() == A{4 + 8 * 0.5 * 4, 9 - 8 * 9});
}

TEST_CASE("checkpoint: the same value and gradients, for parameters inside, too") {
  std::mt19937_64 random(5);
  const V w1 = parameter(test::uniform({4, 4}, {-1, 1}, random)),
          w2 = parameter(test::uniform({4, 4}, {-1, 1}, random));
  const V x = parameter(test::uniform({3, 4}, {-1, 1}, random));
  const auto block = [&](const V& x) { return tanh(matmul(tanh(matmul(x, w1)), w2)); };
  const auto gradients = [&](const auto& f, bool stored) {
    for (V v : {w1, w2, x}) v.zero_grad();
    Tape tape;
    const V y = sum(square(f(f(x)))) + sum(w1);
    if (!stored) {
      const auto g = tape.gradient(y, std::vector{w1, w2, x});
      return std::vector{g[0].value(), g[1].value(), g[2].value()};
    }
    tape.backward(y, {.retain = true});
    tape.backward(y);  // on top of the first
    return std::vector{w1.grad(), w2.grad(), x.grad()};
  };
  const auto checkpointed = [&](const V& x) { return checkpoint(block, x); };
  for (const bool stored : {false, true}) {
    const auto plain = gradients(block, stored), again = gradients(checkpointed, stored);
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK(xt::allclose(plain[i], again[i], 1e-14, 1e-15));
  }
  const Function<double> f = [&](const std::vector<V>& v) { return sum(exp(checkpointed(v[0] * v[0]))); };
  CHECK(gradcheck("checkpoint", f, {x.value()}));
  CHECK(gradcheck("checkpoint, second order", gradient_of(f), {x.value()}));
}

TEST_CASE("checkpoint keeps two nodes for any number inside") {
  const V x = parameter(A{0.1, 0.2});
  const auto deep = [](V x) {
    for (int i = 0; i < 100; ++i) x = tanh(x);
    return x;
  };
  Tape tape;
  const V y = checkpoint(deep, x);
  CHECK(tape.size() == 1);
  tape.backward(sum(y), {.retain = true});
  CHECK(tape.size() == 3);  // the checkpoint, the sum, and the parameter that was met on the way
  const A once = x.grad();
  tape.backward(sum(checkpoint(deep, x)));
  CHECK(x.grad() == 2 * once);
  Tape other;
  CHECK(checkpoint([](const V& x) { return x; }, x).value() == x.value());  // nothing computed inside
  int calls = 0;
  const V moody = checkpoint([&](const V& x) { return ++calls % 2 ? x : sum(x); }, x);
  CHECK(message<ShapeError>([&] { other.backward(sum(moody)); }) ==
        "backward: what is computed again is [] but was [2]; it must be a function of its arguments alone");
  CHECK(x.grad() == 2 * once);
}

TEST_CASE("hook: sees and changes a gradient") {
  const V x = parameter(A{1, 2});
  A seen;
  {
    Tape tape;
    const V h = hook(exp(x), [&](const V& g) {
      seen = g.value();
      return V();
    });
    tape.backward(sum(3 * h));
  }
  CHECK(seen == A{3, 3});
  Tape tape;
  const V doubled = hook(x, [](const V& g) { return 2 * g; });
  CHECK(doubled.value() == x.value());
  const auto [g] = tape.gradient(sum(doubled), {x});
  CHECK(g.value() == A{2, 2});
  const V shrunk = hook(x, [](const V& g) { return sum(g); });
  CHECK(message<ShapeError>([&] { tape.gradient(sum(shrunk), {x}); }) ==
        "hook: it returned [] for a gradient [2]; they must be equal");
}
