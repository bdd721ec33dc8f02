#include "autodiff/print.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>

#include "autodiff/autodiff.hpp"
#include "autodiff/checkpoint.hpp"
#include "autodiff/custom.hpp"
#include "autodiff/gradient.hpp"
#include "autodiff/sample.hpp"
#include "losses/losses.hpp"
#include "nn/nn.hpp"

using namespace wengert;
using V = Variable<double>;
using A = Array<double>;

namespace {

std::string printed(const Tape& tape, const PrintOptions& options = {}) {
  std::ostringstream text;
  tape.print(text, options);
  return "\n" + text.str();
}
std::string dot(const Tape& tape, const PrintOptions& options = {}) {
  std::ostringstream text;
  tape.to_dot(text, options);
  return "\n" + text.str();
}

/// Whether graphviz draws it, without a word of complaint; true where there is no graphviz.
bool drawable(const std::string& graph) {
  static const bool there = std::system("command -v dot > /dev/null") == 0;
  if (!there) {
    MESSAGE("graphviz is missing: not drawn");
    return true;
  }
  const char* const directory = std::getenv("TMPDIR");
  const std::string base = std::string(directory ? directory : "/tmp") + "/print_test";
  std::ofstream(base + ".dot") << graph;
  const int status = std::system(("dot -Tsvg -o " + base + ".svg " + base + ".dot > " + base + ".log 2>&1").c_str());
  std::stringstream complaints;
  complaints << std::ifstream(base + ".log").rdbuf();
  CHECK(complaints.str().empty());
  for (const char* end : {".dot", ".svg", ".log"}) std::remove((base + end).c_str());
  return status == 0;
}

Variable<float> ones(const Shape& shape) { return Array<float>(shape, 1); }

}  // namespace

TEST_CASE("a traced tape prints op, inputs, shapes, what is saved") {
  const nn::Sequential net{nn::Linear(64, 128), nn::ReLU(), nn::Linear(128, 10)};
  const Variable<float> x = ones({32, 64});
  Tape tape({.trace = true});
  const auto y = net(x);
  const auto loss = losses::softmax_ce(y, Labels({32}, 3)) + 0.5f * mean(square(y));
  CHECK(printed(tape) == R"(
%0  = parameter                   f32[128,64]
%1  = parameter                   f32[128]
%2  = linear(f32[32,64], %0, %1)  f32[32,128]  saves f32[32,64]
%3  = relu(%2)                    f32[32,128]  saves y
%4  = parameter                   f32[10,128]
%5  = parameter                   f32[10]
%6  = linear(%3, %4, %5)          f32[32,10]   saves %3, %4
%7  = square(%6)                  f32[32,10]   saves %6
%8  = mean(%7)                    f32[]
%9  = mul(0.5, %8)                f32[]        saves 0.5
%10 = softmax_ce(%6)              f32[]
%11 = add(%10, %9)                f32[]
)");
  CHECK(drawable(dot(tape, {.values = true, .adjoints = true, .names = net.parameters()})));
}

TEST_CASE("a tape that is not traced tells what its nodes know") {
  const V w = parameter(A{1, 2}), x = A{3, 4};
  Tape tape({.trace = false});
  const V y = sum(2 * exp(w * x) + x);
  CHECK(printed(tape) == R"(
%0 = parameter          f64[2]
%1 = mul(%0, constant)  f64[?]  saves f64[2]
%2 = exp(%1)            f64[2]  saves y
%3 = mul(constant, %2)  f64[?]  saves 2
%4 = add(%3, constant)  f64[?]
%5 = sum(%4)            f64[?]
(not traced, so not all of it is known: see more with Tape tape({.trace = true}), or with WENGERT_TRACE=1 in the environment)
)");
  CHECK(drawable(dot(tape, {.values = true, .adjoints = true})));
}

TEST_CASE("nothing is missing where no trace is needed") {
  const V w = parameter(A{1, 2});
  Tape tape({.trace = false});
  const V y = exp(exp(w));
  CHECK(printed(tape, {.values = true}) == R"(
%0 = parameter  f64[2]
    value    [1, 2]
%1 = exp(%0)    f64[2]  saves y
    value    [2.718, 7.389]
%2 = exp(%1)    f64[2]  saves y
    value    [15.15, 1618]
)");
}

TEST_CASE("names stand for numbers: of parameters, results and constants") {
  const V w = parameter(A{1, 2}), x = A{3, 4}, unused = parameter(A{1});
  Tape tape({.trace = true});
  const V h = w * x, y = sum(h);
  CHECK(printed(tape, {.names = {{"w", w}, {"the input", x}, {"h", h}, {"none", unused}, {"empty", V()}}}) == R"(
w  = parameter          f64[2]
h  = mul(w, the input)  f64[2]  saves the input
%2 = sum(h)             f64[]
)");
  const std::vector<std::pair<std::string, V>> pairs{{"größe", w}, {"a\nb\"\\", h}};
  CHECK(printed(tape, {.names = pairs}) == R"(
größe = parameter           f64[2]
a b"\ = mul(größe, f64[2])  f64[2]  saves f64[2]
%2    = sum(a b"\)          f64[]
)");
}

TEST_CASE("values and adjoints are printed on request") {
  const V w = parameter(A{{1, -2}, {3, 4}}), b = parameter(A{0.5, 0.25});
  Tape tape({.trace = true});
  const V loss = mean(square(w * b));
  CHECK(printed(tape, {.adjoints = true}) == R"(
%0 = parameter    f64[2,2]
%1 = parameter    f64[2]
%2 = mul(%0, %1)  f64[2,2]  saves %0, %1
%3 = square(%2)   f64[2,2]  saves %2
%4 = mean(%3)     f64[]
(no adjoints: none has been computed yet, or not by a backward(y, {.retain = true}))
)");
  tape.backward(loss, {.retain = true});
  const std::string once = R"(
%0 = parameter    f64[2,2]
    value    [[1, -2], [3, 4]]
    adjoint  [[0.125, -0.0625], [0.375, 0.125]]
%1 = parameter    f64[2]
    value    [0.5, 0.25]
    adjoint  [2.5, 2.5]
%2 = mul(%0, %1)  f64[2,2]  saves %0, %1
    value    [[0.5, -0.5], [1.5, 1]]
    adjoint  [[0.25, -0.25], [0.75, 0.5]]
%3 = square(%2)   f64[2,2]  saves %2
    value    [[0.25, 0.25], [2.25, 1]]
    adjoint  [[0.25, 0.25], [0.25, 0.25]]
%4 = mean(%3)     f64[]
    value    0.9375
    adjoint  1
)";
  CHECK(printed(tape, {.values = true, .adjoints = true}) == once);
  // Those of the last walk alone: this one does not reach b, or what comes after w.
  const auto [g] = tape.gradient(sum(w), {w}, {.retain = true});
  CHECK(printed(tape, {.adjoints = true}) == R"(
%0 = parameter    f64[2,2]
    adjoint  [[1, 1], [1, 1]]
%1 = parameter    f64[2]
    adjoint  [2.5, 2.5]
%2 = mul(%0, %1)  f64[2,2]  saves %0, %1
%3 = square(%2)   f64[2,2]  saves %2
%4 = mean(%3)     f64[]
%5 = sum(%0)      f64[]
    adjoint  1
)");
  CHECK(w.grad() == A{{0.125, -0.0625}, {0.375, 0.125}});  // as it was: what is kept is not added to
  tape.backward(loss, {.retain = true});
  CHECK(w.grad() == A{{0.25, -0.125}, {0.75, 0.25}});
  CHECK(g.value() == A{{1, 1}, {1, 1}});
}

TEST_CASE("long arrays are abbreviated, and say how many numbers are not finite") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  V line = xt::arange<double>(0, 20), square = xt::arange<double>(0, 100).reshape({10, 10});
  V cube = xt::arange<double>(0, 500).reshape({5, 10, 10}), odd = A{nan, -inf, inf, -nan}, number = 1e30,
    none = A(Shape{0, 3});
  V all_odd = A(Shape{13}, nan), one = A(Shape{1, 1}, 1. / 3);
  line.mutable_value()(1) = nan, line.mutable_value()(17) = -inf, line.mutable_value()(18) = -inf;
  Tape tape({.trace = true});
  for (V* x : {&line, &square, &cube, &odd, &number, &none, &all_odd, &one}) {
    *x = parameter(x->value());
    tape.node_of(*x);
  }
  CHECK(printed(tape, {.values = true}) == R"(
%0 = parameter  f64[20]
    value    [0, nan, 2, ..., -inf, -inf, 19]  min 0, mean 9.059, max 19, 1 nan, 2 inf
%1 = parameter  f64[10,10]
    value    [[0, 1, ..., 8, 9], [10, 11, ..., 18, 19], ..., [80, 81, ..., 88, 89], [90, 91, ..., 98, 99]]  min 0, mean 49.5, max 99
%2 = parameter  f64[5,10,10]
    value    [[[0, ..., 9], ..., [90, ..., 99]], ..., [[400, ..., 409], ..., [490, ..., 499]]]  min 0, mean 249.5, max 499
%3 = parameter  f64[4]
    value    [nan, -inf, inf, nan]
%4 = parameter  f64[]
    value    1e+30
%5 = parameter  f64[0,3]
    value    []
%6 = parameter  f64[13]
    value    [nan, nan, nan, ..., nan, nan, nan]  13 nan
%7 = parameter  f64[1,1]
    value    [[0.3333]]
)");
  CHECK(printed(tape, {.values = true, .whole = 20})
            .find("[0, nan, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, -inf, -inf, 19]\n") !=
        std::string::npos);
  CHECK(drawable(dot(tape, {.values = true})));
}

TEST_CASE("the graph: nodes by kind, edges in the order of the inputs, everything quoted") {
  const V w = parameter(A{{1, 2}, {3, 4}}), x = A{5, 6};
  Tape tape({.trace = true});
  const V h = 2 * (w - x), loss = mean(h), other = exp(h);
  tape.backward(loss, {.retain = true});
  const PrintOptions options{.values = true, .adjoints = true, .names = {{"a \"w\" & \\N <b>\n{|}", w}, {"x", x}}};
  CHECK(dot(tape, options) == R"(
digraph tape {
  node [fontname="monospace", fontsize=10];
  n0 [shape=box, style=bold, label="a \"w\" &amp; \\N <b> {|} = parameter\lf64[2,2]\lvalue [[1, 2],\l       [3, 4]]\ladjoint [[0.5, 0.5],\l         [0.5, 0.5]]\l"];
  n1 [shape=box, style=rounded, label="%1 = sub(a \"w\" &amp; \\N <b> {|}, x)\lf64[2,2]\lvalue [[-4, -4],\l       [-2, -2]]\ladjoint [[0.5, 0.5],\l         [0.5, 0.5]]\l"];
  n0 -> n1;
  c0 [shape=plaintext, label="x\lvalue [5, 6]\l"];
  c0 -> n1;
  n2 [shape=box, style=rounded, label="%2 = mul(2, %1)\lf64[2,2]\lsaves 2\lvalue [[-8, -8],\l       [-4, -4]]\ladjoint [[0.25, 0.25],\l         [0.25, 0.25]]\l"];
  c1 [shape=plaintext, label="2"];
  c1 -> n2;
  n1 -> n2;
  n3 [shape=box, style=rounded, peripheries=2, label="%3 = mean(%2)\lf64[]\lvalue -6\ladjoint 1\l"];
  n2 -> n3;
  n4 [shape=box, style=rounded, label="%4 = exp(%2)\lf64[2,2]\lsaves y\lvalue [[0.0003355, 0.0003355],\l       [0.01832, 0.01832]]\l"];
  n2 -> n4;
}
)");
  CHECK(drawable(dot(tape, options)));
}

TEST_CASE("an empty tape, and one that was freed") {
  const V w = parameter(A{1, 2});
  Tape tape({.trace = true});
  CHECK(printed(tape) == "\n(the tape is empty)\n");
  CHECK(tape.bytes() == 0);
  CHECK(drawable(dot(tape)));
  const V h = w * w;
  CHECK(tape.bytes() > 2 * 32);
  tape.backward(sum(h));
  CHECK(printed(tape) ==
        "\n(the tape is empty: what was on it has been freed; backward(y, {.retain = true}) keeps it)\n");
  CHECK(tape.bytes() == 0);
  const V of_h = sum(h), y = of_h + sum(w);
  CHECK(printed(tape) == R"(
%0 = freed        f64[2]
%1 = sum(%0)      f64[]
%2 = parameter    f64[2]
%3 = sum(%2)      f64[]
%4 = add(%1, %3)  f64[]
)");
  CHECK(drawable(dot(tape)));
}

TEST_CASE("nested tapes: what is on the outer one is constant to the inner") {
  const V w = parameter(A{1, 2});
  Tape outer({.trace = true});
  const V h = w * w;
  Tape inner({.trace = true});
  const V y = sum(h * w);
  CHECK(printed(inner) == R"(
%0 = parameter        f64[2]
%1 = mul(f64[2], %0)  f64[2]  saves f64[2]
%2 = sum(%1)          f64[]
)");
  CHECK(printed(outer) == R"(
%0 = parameter    f64[2]
%1 = mul(%0, %0)  f64[2]  saves %0
)");
}

TEST_CASE("a backward that was recorded is on the tape") {
  const V w = parameter(A{1, 2});
  Tape tape({.trace = true});
  const V y = sum(exp(w));
  const auto [g] = tape.gradient(y, {w}, {.create_graph = true});
  CHECK(printed(tape, {.values = true, .names = {{"dy/dw", g}}}) == R"(
%0    = parameter        f64[2]
    value    [1, 2]
%1    = exp(%0)          f64[2]  saves y
    value    [2.718, 7.389]
%2    = sum(%1)          f64[]
    value    10.11
dy/dw = mul(f64[2], %1)  f64[2]  saves f64[2]
    value    [2.718, 7.389]
)");
}

TEST_CASE("ops of one's own, rules with hidden ways, and rules that cannot be copied") {
  const V w = parameter(A{1, 2}), x = A{3, 4};
  Tape tape({.trace = true});
  const CustomOp cube(
      "cube", "y = x^3 + b", {{"x"}, {"b"}}, {}, [](const auto& v) { return v[0] * v[0] * v[0] + v[1]; },
      [](const auto& g, const auto& v, const auto&) {
        return std::vector{3 * g * square(v[0]), g};
      });
  V y = cube(w, x);
  y = checkpoint<double>([](const std::vector<V>& v) { return v[0] * v[1]; }, {y, x});
  const Edge<double> gy = edge(y);
  V z = exp(y.detach());
  static constexpr Op shy_op{"shy", "z = e^y"};
  record(shy_op, z, [gy, z = std::make_unique<Saved<double>>(saved(z))](Upstream<double>& g) { g.add(gy, *g * **z); });
  CHECK(printed(tape) == R"(
%0 = parameter               f64[2]
%1 = cube(%0, f64[2])        f64[2]  saves %0, f64[2], y
%2 = checkpoint(%1, f64[2])  f64[2]  saves %1, f64[2]
%3 = shy(?)                  f64[2]
)");
  tape.backward(sum(z));
  CHECK(w.grad()(0) == doctest::Approx(3 * 3 * std::exp(3. * 4)));
}

TEST_CASE("a hook may look at the tape while it is walked") {
  const V w = parameter(A{1, 2});
  Tape tape({.trace = true});
  std::string seen;
  V h = hook<double>(exp(w), [&](const V&) {
    seen = printed(tape);
    return V();
  });
  tape.backward(sum(h));
  CHECK(seen == R"(
%0 = parameter  f64[2]
%1 = exp(%0)    f64[2]  saves y
%2 = hook(%1)   f64[2]
)");
  CHECK(w.grad()(0) == doctest::Approx(std::exp(1.)));
}

TEST_CASE("tracing changes no gradient, and what is kept is let go with the tape") {
  const V w = parameter(A{{1, 2}, {3, 4}});
  A gradients[2];
  for (const bool trace : {false, true}) {
    Tape tape({.trace = trace});
    V x = A{5, 6};
    V h = tanh(w * x + 1);
    for (int i = 0; i < 2000; ++i) exp(x);  // constants alone leave nothing behind
    h = std::move(h) * 2 + h;
    const auto [g] = tape.gradient(sum(h), {w}, {.create_graph = true});
    gradients[trace] = tape.gradient(sum(g * g), {w})[0].value();
    CHECK(tape.size() == 0);
    CHECK(x.block()->unique());
  }
  CHECK(gradients[0] == gradients[1]);
}

namespace {
/// Whether some line has `name` among the inputs of its op.
bool is_input(const std::string& name, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t open = line.find('('), close = line.find(')');
    if (open == std::string::npos) continue;
    const std::string inputs = ", " + line.substr(open + 1, close - open - 1) + ",";
    if (inputs.find(", " + name + ",") != std::string::npos) return true;
  }
  return false;
}
}  // namespace

// Whatever the op: the parameters it was given are seen to be its inputs, and what is constant is known.
TEST_CASE("every op that is declared shows its inputs") {
  for (const auto& list : {declared_ops(), losses::declared_losses()})
    for (const Declared& declared : list) {
      std::uint64_t seed = 7;
      for (const std::string& text : declared.samples) {
        const Sample sample = draw(declared, text, ++seed);
        for (std::size_t constant = 0; constant <= sample.inputs.size(); ++constant) {
          std::vector<V> x;
          for (std::size_t i = 0; i < sample.inputs.size(); ++i)
            x.push_back(i == constant ? V(sample.inputs[i]) : parameter(sample.inputs[i]));
          Tape tape({.trace = true});
          sample.f64(x);
          if (tape.size() == 0 || printed(tape).find('(') == std::string::npos) continue;  // y = x
          for (std::size_t i = 0; i < x.size(); ++i) {
            const std::string all = printed(tape, {.names = {{"<this>", x[i]}}});
            CAPTURE(sample.call);
            CAPTURE(i);
            CAPTURE(constant);
            CAPTURE(all);
            CHECK((i == constant || is_input("<this>", all)));  // constants may have been reshaped
            CHECK(all.find('?') == std::string::npos);
          }
        }
      }
    }
}
