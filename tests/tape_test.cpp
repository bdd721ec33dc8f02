#include "autodiff/tape.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

TEST_CASE("backward adds into the gradients of the parameters") {
  V w = parameter(A{2, 3}), b = parameter(A{1, 1});
  const V x = A{5, 7};
  Tape tape;
  const V loss = sum(w * x + b);
  CHECK(loss.item() == 10 + 21 + 2);
  tape.backward(loss);
  CHECK(w.grad() == A{5, 7});
  CHECK(b.grad() == A{1, 1});
  CHECK_FALSE(x.has_grad());
  tape.backward(sum(w * w));  // the same tape goes on
  CHECK(w.grad() == A{9, 13});
  w.zero_grad();
  CHECK_FALSE(w.has_grad());
}

TEST_CASE("gradient returns gradients and touches nothing") {
  V w = parameter(A{2, 3}), b = parameter(A{4, 5}), unused = parameter(A{1});
  Tape tape;
  tape.backward(sum(w));
  const V h = w * b, y = sum(square(h));
  const auto [gw, gh, gu] = tape.gradient(y, {w, h, unused}, {.retain = true});
  CHECK(gw.value() == A{2 * 8 * 4, 2 * 15 * 5});
  CHECK(gh.value() == A{16, 30});  // a result on the tape
  CHECK(gu.value() == A{0});       // y does not depend on it
  CHECK(w.grad() == A{1, 1});
  CHECK_FALSE(b.has_grad());
  const auto from_list = tape.gradient(y, std::vector<V>{b, y});
  CHECK(from_list[0].value() == A{2 * 8 * 2, 2 * 15 * 3});
  CHECK(from_list[1].item() == 1);
}

TEST_CASE("an upstream gradient seeds the walk") {
  V w = parameter(A{{1, 2}, {3, 4}});
  Tape tape;
  const V y = square(w);
  tape.backward(y, {.upstream = A{{1, 10}, {0, -1}}});
  CHECK(w.grad() == A{{2, 40}, {0, -8}});
}

TEST_CASE("without a tape the same code only computes") {
  V w = parameter(A{1, 2});
  const V y = sum(w * w);
  CHECK(y.item() == 5);
  Tape tape;
  {
    const NoGrad pause;
    const V z = exp(w);
    CHECK(tape.size() == 0);
  }
  const V z = exp(w);
  CHECK(tape.size() == 2);  // the parameter and the op
  CHECK(exp(V(A{1, 2})).value().size() == 2);
  CHECK(tape.size() == 2);  // constants leave no trace
}

TEST_CASE("tapes nest: what the outer has recorded is constant to the inner") {
  V w = parameter(A{3});
  Tape outer;
  const V y = w * w;
  {
    Tape inner;
    const auto [g] = inner.gradient(sum(y * w), {w});
    CHECK(g.value() == A{9});
  }
  const auto [g] = outer.gradient(sum(y * w), {w});
  CHECK(g.value() == A{27});
}

TEST_CASE("derivatives of derivatives") {
  V x = parameter(A{0.5, -1.5, 2});
  Tape tape;
  const V y = sum(x * x * x * x);
  const auto [g1] = tape.gradient(y, {x}, {.create_graph = true});
  const auto [g2] = tape.gradient(sum(g1), {x}, {.create_graph = true});
  const auto [g3] = tape.gradient(sum(g2), {x}, {.create_graph = true});
  const auto [g4] = tape.gradient(sum(g3), {x});
  for (std::size_t i = 0; i < 3; ++i) {
    const double v = x.value()(i);
    CHECK(g1.value()(i) == doctest::Approx(4 * v * v * v));
    CHECK(g2.value()(i) == doctest::Approx(12 * v * v));
    CHECK(g3.value()(i) == doctest::Approx(24 * v));
    CHECK(g4.value()(i) == doctest::Approx(24));
  }
}

TEST_CASE("a chain of a million ops walks in bounded stack and frees as it goes") {
  V x = parameter(A{1});
  Tape tape;
  V y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y * 0.999999;
  tape.backward(y);
  CHECK(x.grad()(0) == doctest::Approx(std::exp(-1.)).epsilon(1e-5));
  CHECK(tape.size() == 0);
  {
    V z = x;
    for (int i = 0; i < 1'000'000; ++i) z = tanh(z);
  }  // never walked: the tape's end frees it
}

TEST_CASE("an intermediate that nobody holds is overwritten, one that is held or saved is not") {
  const V x = parameter(A{1, 2});
  Tape tape;
  V h = x + 1;
  const double* const memory = h.data();
  h = relu(std::move(h));  // keeps its result, not its input
  CHECK(h.data() == memory);
  const V kept = h;
  h = std::move(h) + 1;
  CHECK(h.data() != memory);
  CHECK(kept.value() == A{2, 3});
  V e = exp(x);  // keeps its result
  const double* const saved_memory = e.data();
  e = std::move(e) + 1;
  CHECK(e.data() != saved_memory);
}

TEST_CASE("a gradient that somebody holds stays as it was") {
  V w = parameter(A{1, 2});
  Tape tape;
  const V y = w + 0;
  const auto [gy, gw] = tape.gradient(sum(y + w), {y, w}, {.retain = true});
  CHECK(gy.value() == A{1, 1});
  CHECK(gw.value() == A{2, 2});
  tape.backward(sum(y + w), {.retain = true});
  const A first = w.grad();
  tape.backward(sum(y + w));
  CHECK(first == A{2, 2});
  CHECK(w.grad() == A{4, 4});
}

TEST_CASE("errors say what happened and what to do") {
  V w = parameter(A{1, 2});
  const V x = A{3, 4};
  Tape tape;
  V loss = sum(w * w);
  CHECK(
      message<ShapeError>([&] { tape.backward(w * x); }) ==
      "backward: y is [2], not one number; reduce it with sum() or mean(), or pass an upstream gradient of its shape");
  CHECK(message<ShapeError>([&] {
          tape.backward(w * x, {.upstream = A{1, 2, 3}});
        }) == "backward: the upstream gradient is [3] but y is [2]; they must be equal");
  CHECK(message<TapeError>([&] { tape.backward(sum(x)); }) ==
        "backward: y was not recorded on this tape; nothing it was computed from is a parameter, or it was computed "
        "outside "
        "the tape's scope");
  CHECK(message<TapeError>([&] { tape.gradient(loss, {x}); }) ==
        "gradient: xs[0] [2] is neither a parameter nor a result on this tape; make it with parameter(value)");
  const V h = w * w;
  tape.backward(loss);
  CHECK(
      message<TapeError>([&] { tape.backward(loss); }) ==
      "backward: this tape was freed by an earlier backward; pass {.retain = true} to the first one to walk it twice");
  CHECK(sum(h).item() == 5);  // of a freed part: good for its value, not for a gradient
  const A untouched = w.grad();
  CHECK(message<TapeError>([&] { tape.backward(sum(h) + sum(w)); }) ==
        "backward: it leads to a result [2] whose part of the tape an earlier backward() has freed; retain that one, "
        "or use "
        "detach()");
  CHECK(w.grad() == untouched);
  CHECK(sum(h.detach()).item() == 5);
  loss = sum(w * w);
  const A before = w.grad();
  w.mutable_value() = A{5, 6};
  CHECK(message<TapeError>([&] { tape.backward(loss); }) ==
        "mul: a value [2] that was saved for backward has been changed since; call backward() before the update");
  CHECK(w.grad() == before);
  loss = sum(w * w);  // the tape is as good as new
  tape.backward(loss);
  CHECK(w.grad() == A{2 + 10, 4 + 12});
  CHECK(message<TapeError>([&] { (void)x.grad(); }) ==
        "grad: only parameters have gradients; make it with parameter(value)");
  CHECK(message<TapeError>([&] { (void)parameter(A{1}).grad(); }) ==
        "grad: this parameter has no gradient yet; call tape.backward(loss) first");
  CHECK(message<TapeError>([&] {
          V y = w + 1;
          y.mutable_value();
        }) == "mutable_value: this is the result of an op; only parameters and constants can be changed, use detach()");
  CHECK(message<ShapeError>([&] { (void)w.item(); }) ==
        "item: the value is [2]; only a value of one element is a number");
}

TEST_CASE("the value of a result that nobody holds outlives it") {
  const V x = A{1, 2, 3};
  double total = 0;
  for (const double v : exp(x * 0).value()) total += v;
  CHECK(total == 3);
  const auto& bound = (x + 1).value();
  CHECK(bound == A{2, 3, 4});
  CHECK(V(x).value() == A{1, 2, 3});  // shared: a copy
  CHECK(x.value() == A{1, 2, 3});
}

TEST_CASE("tapes may end in another order than they began") {
  const V p = parameter(A{1, 2});
  auto tape = std::make_unique<Tape>();
  for (int i = 0; i < 3; ++i) {
    tape = std::make_unique<Tape>();  // the new one begins before the old one ends
    CHECK(tape->gradient(sum(p * p), {p})[0].value() == A{2, 4});
  }
  tape.reset();
  CHECK(Tape::current() == nullptr);
}

TEST_CASE("a stored gradient is the parameter's own") {
  const V p = parameter(A{1, 2});
  V u = A{1, 1};
  Tape tape;
  tape.backward(p + V(A{0, 0}), {.upstream = u});
  u.mutable_value()(0) = 99;
  CHECK(p.grad() == A{1, 1});
}

TEST_CASE("an assignment that throws leaves the variable as it was") {
  V a = A{1, 2, 3};
  CHECK_THROWS_AS(a += V(A{1, 2}), ShapeError);
  CHECK(a.value() == A{1, 2, 3});
  a += 1;
  CHECK(a.value() == A{2, 3, 4});
}

TEST_CASE("an empty handle is an error, with a tape and without") {
  const V empty;
  const std::string text = "Variable: the handle is empty; give it a value before it is used";
  CHECK(message<ValueError>([&] { tanh(empty); }) == text);
  Tape tape;
  CHECK(message<ValueError>([&] { tanh(empty); }) == text);
  CHECK(message<ValueError>([&] { empty + V(1.); }) == text);
  CHECK(message<ValueError>([&] { matmul(empty, empty); }) == text);
  CHECK(message<ValueError>([&] { sum(empty, 0); }) == text);
  CHECK(message<ValueError>([&] { (void)empty.grad(); }) == text);
  CHECK(message<ValueError>([&] { tape.gradient(sum(square(parameter(A{1}))), {empty}); }) == text);
}
