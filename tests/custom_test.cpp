// Ops of one's own.
#include "autodiff/custom.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "autodiff/sample.hpp"
#include "tests/message.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

bool is_listed(const std::string& name) {
  const auto all = declared_ops();
  return std::any_of(all.begin(), all.end(), [&](const Declared& d) { return d.op->name == name; });
}

GradcheckReport check(const std::string& name, bool second_order = false) {
  for (const Declared& d : declared_ops()) {
    if (d.op->name != name) continue;
    const Sample s = draw(d, d.samples.at(0), 1);
    return gradcheck(s.call, second_order ? gradient_of(s.f64) : s.f64, s.inputs, {.names = s.names});
  }
  throw std::runtime_error("no op " + name);
}

}  // namespace

TEST_CASE("an op of one's own: value, gradients of both orders, both types, in the list while it lives") {
  {
    const CustomOp cube(
        "cube", "y = x^3", {{"x"}}, {"x=[3,4]"}, [](const auto& x) { return x[0] * x[0] * x[0]; },
        [](const auto& g, const auto& x, const auto&) { return std::vector{3 * g * square(x[0])}; });
    CHECK(is_listed("cube"));
    CHECK(check("cube"));
    CHECK(check("cube", true));
    const V x = parameter(A{1, 2, -3});
    Tape tape;
    const V y = cube(x);
    CHECK(y.value() == A{1, 8, -27});
    tape.backward(sum(y));
    CHECK(x.grad() == A{3, 12, 27});
    CHECK(cube(Variable<float>(2.f)).item() == 8);
    CHECK(message<ValueError>([] {
            const CustomOp again(
                "cube", "", {{"x"}}, {}, [](const auto& x) { return x[0]; },
                [](const auto& g, const auto&, const auto&) { return std::vector{g}; });
          }) == "cube: there is an op of that name already");
  }
  CHECK(!is_listed("cube"));
}

TEST_CASE("an op of one's own outlives its object on the tape; of one type; with a constant input") {
  const V x = parameter(A{1, 2});
  Tape tape;
  V y;
  {
    const CustomOp scaled(
        "scaled", "y = x w, w constant", {{"x"}, {"w", {1, 2}, Draw::constant}}, {"x=[2] w=[2]"},
        [](const Arrays<double>& x) { return x[0] * x[1]; },
        [](const V& g, const std::vector<V>& x, const V&) {
          return std::vector{g * x[1], V()};
        });
    y = scaled(x, V(A{5, 7}));
    CHECK(check("scaled"));
    CHECK(message<ValueError>([&] { scaled(Variable<float>(1.f), Variable<float>(1.f)); }) ==
          "scaled: it has no form for float32; its functions take one type alone");
    CHECK(message<ValueError>([&] { scaled(x); }) == "scaled: it was given 1 inputs and takes 2");
  }
  tape.backward(sum(y));
  CHECK(x.grad() == A{5, 7});
}

TEST_CASE("a wrong rule of one's own is an error that names the op, or is found by the checker") {
  const auto twice = [](const auto& x) { return x[0] + x[1]; };
  const V x = parameter(A{1, 2});
  const std::vector<Input> inputs{{"a"}, {"b"}};
  Tape tape;
  const auto backward_of = [&](const CustomOp& op) { return message<Error>([&] { tape.backward(sum(op(x, x))); }); };
  const CustomOp missing("lacks_one", "y = a + b", inputs, {}, twice,
                         [](const auto& g, const auto&, const auto&) { return std::vector{g}; });
  CHECK(backward_of(missing) == "lacks_one: its rule returned 1 gradients for 2 inputs; return one for each");
  const CustomOp empty("gives_none", "y = a + b", inputs, {}, twice, [](const auto& g, const auto&, const auto&) {
    return std::vector{g, std::decay_t<decltype(g)>()};
  });
  CHECK(backward_of(empty) == "gives_none: its rule returned no gradient for b");
  const CustomOp misshapen("misshapen", "y = a + b", inputs, {}, twice, [](const auto& g, const auto&, const auto&) {
    return std::vector{g, sum(g)};
  });
  CHECK(backward_of(misshapen) == "misshapen: its rule returned a gradient [] for b, which is [2]");
  CHECK(!x.has_grad());
  const CustomOp wrong("wrong_sign", "y = a + b", inputs, {"a=[3] b=[3]"}, twice,
                       [](const auto& g, const auto&, const auto&) {
                         return std::vector{g, -g};
                       });
  CHECK(check("wrong_sign").verdict == Verdict::wrong);
}
