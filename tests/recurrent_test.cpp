// Recurrent cells against plain loops, as part of a sequence, and what they refuse.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/dual.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::Dual;
using test::Duals;
using test::message;

namespace {

using V = Variable<double>;
using A = Array<double>;

Dual sigmoid(Dual x) { return Dual(1) / (Dual(1) + exp(Dual(0) - x)); }
Dual tanh(Dual x) { return Dual(1) - Dual(2) / (exp(x + x) + Dual(1)); }

/// Row i of x w^T + b, column k; no bias if b is null.
Dual product(const Duals& x, const Duals& w, const Duals* b, std::size_t i, std::size_t k) {
  Dual sum = b ? (*b)(k) : Dual(0);
  for (std::size_t j = 0; j < w.columns; ++j) sum += x(i, j) * w(k, j);
  return sum;
}

/// h', then c'; in: x, h, c, w_ih, w_hh and the biases, if any.
std::vector<Dual> lstm(const std::vector<Duals>& in) {
  const bool biased = in.size() > 5;
  const std::size_t width = in[1].columns, n = in[1].numbers.size() / width;
  std::vector<Dual> h, c;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < width; ++j) {
      const auto gate = [&](std::size_t k) {
        return product(in[0], in[3], biased ? &in[5] : nullptr, i, k * width + j) +
               product(in[1], in[4], biased ? &in[6] : nullptr, i, k * width + j);
      };
      c.push_back(sigmoid(gate(1)) * in[2](i, j) + sigmoid(gate(0)) * tanh(gate(2)));
      h.push_back(sigmoid(gate(3)) * tanh(c.back()));
    }
  h.insert(h.end(), c.begin(), c.end());
  return h;
}

/// In: x, h, w_ih, w_hh and the biases, if any.
std::vector<Dual> gru(const std::vector<Duals>& in) {
  const bool biased = in.size() > 4;
  const std::size_t width = in[1].columns, n = in[1].numbers.size() / width;
  std::vector<Dual> h;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < width; ++j) {
      const auto a = [&](std::size_t k) { return product(in[0], in[2], biased ? &in[4] : nullptr, i, k * width + j); };
      const auto u = [&](std::size_t k) { return product(in[1], in[3], biased ? &in[5] : nullptr, i, k * width + j); };
      const Dual r = sigmoid(a(0) + u(0)), z = sigmoid(a(1) + u(1)), state = tanh(a(2) + r * u(2));
      h.push_back((Dual(1) - z) * state + z * in[1](i, j));
    }
  return h;
}

template <class T> std::vector<Variable<T>> parameters(const std::vector<Shape>& shapes, std::mt19937_64& random) {
  std::vector<Variable<T>> all;
  for (const Shape& shape : shapes) all.push_back(parameter(test::uniform<T>(shape, {-1, 1}, random)));
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("lstm_cell against plain loops", T, float, double) {
  std::mt19937_64 random(81);
  for (const auto& [n, in, width] : {std::array<std::size_t, 3>{1, 1, 1}, {3, 2, 5}, {2, 4, 17}})
    for (const bool biased : {true, false}) {
      std::vector<Shape> shapes = {{n, in}, {n, width}, {n, width}, {4 * width, in}, {4 * width, width}};
      if (biased) shapes.insert(shapes.end(), {{4 * width}, {4 * width}});
      const auto p = parameters<T>(shapes, random);
      const Array<T> u = test::uniform<T>({2 * n, width}, {-1, 1}, random);
      Tape tape;
      const LstmState<T> s =
          biased ? lstm_cell(p[0], {p[1], p[2]}, p[3], p[4], p[5], p[6]) : lstm_cell(p[0], {p[1], p[2]}, p[3], p[4]);
      const Variable<T> y = concat({s.h, s.c});
      const auto gradients = tape.gradient(y, p, {.upstream = u});
      const test::Gradients exact(p, u, lstm);
      CHECK(test::ulps(y, exact.y) <= 8);
      for (std::size_t i = 0; i < p.size(); ++i) CHECK(test::ulps(gradients[i], exact.of[i]) <= 16);
    }
}

TEST_CASE_TEMPLATE("gru_cell against plain loops", T, float, double) {
  std::mt19937_64 random(82);
  for (const auto& [n, in, width] : {std::array<std::size_t, 3>{1, 1, 1}, {3, 2, 5}, {2, 4, 17}})
    for (const bool biased : {true, false}) {
      std::vector<Shape> shapes = {{n, in}, {n, width}, {3 * width, in}, {3 * width, width}};
      if (biased) shapes.insert(shapes.end(), {{3 * width}, {3 * width}});
      const auto p = parameters<T>(shapes, random);
      const Array<T> u = test::uniform<T>({n, width}, {-1, 1}, random);
      Tape tape;
      const Variable<T> y = biased ? gru_cell(p[0], p[1], p[2], p[3], p[4], p[5]) : gru_cell(p[0], p[1], p[2], p[3]);
      const auto gradients = tape.gradient(y, p, {.upstream = u});
      const test::Gradients exact(p, u, gru);
      CHECK(test::ulps(y, exact.y) <= 8);
      for (std::size_t i = 0; i < p.size(); ++i) CHECK(test::ulps(gradients[i], exact.of[i]) <= 16);
    }
}

TEST_CASE("only one of the two outputs of lstm_cell is used") {
  std::mt19937_64 random(83);
  const auto p = parameters<double>({{2, 3}, {2, 2}, {2, 2}, {8, 3}, {8, 2}, {8}, {8}}, random);
  const A half = test::uniform({2, 2}, {-1, 1}, random);
  for (const bool first : {true, false}) {
    A u(Shape{4, 2}, 0.);
    std::copy_n(half.storage().data(), 4, u.storage().data() + (first ? 0 : 4));
    Tape tape;
    const LstmState<double> s = lstm_cell(p[0], {p[1], p[2]}, p[3], p[4], p[5], p[6]);
    const auto gradients = tape.gradient(first ? s.h : s.c, p, {.upstream = half});
    const test::Gradients exact(p, u, lstm);
    for (std::size_t i = 0; i < p.size(); ++i) CHECK(test::ulps(gradients[i], exact.of[i]) <= 16);
  }
}

TEST_CASE("gates that are wide open or shut saturate and do not overflow") {
  for (const double sign : {1., -1.}) {
    const V x = parameter(A(Shape{1, 1}, sign)), h = A(Shape{1, 1}, 0.5), c = A(Shape{1, 1}, 2.),
            w4 = A(Shape{4, 1}, 1e4), w3 = A(Shape{3, 1}, 1e4), none4 = A(Shape{4, 1}, 0.), none3 = A(Shape{3, 1}, 0.);
    Tape tape;
    const LstmState<double> s = lstm_cell(x, {h, c}, w4, none4);
    CHECK(s.c.item() == (sign > 0 ? 3 : 0));
    CHECK(s.h.item() == doctest::Approx(sign > 0 ? std::tanh(3) : 0));
    const V y = gru_cell(x, h, w3, none3);
    CHECK(y.item() == (sign > 0 ? 0.5 : -1));
    const auto [g] = tape.gradient(s.h + y, {x});
    CHECK(g.item() == 0);
  }
}

TEST_CASE("recurrent cells: errors") {
  const auto zeros = [](const Shape& shape) { return V(A(shape, 0.)); };
  const V x = zeros({2, 3}), h = zeros({2, 4}), w = zeros({16, 3}), u = zeros({16, 4}), b = zeros({16});
  CHECK(message<ShapeError>([&] { lstm_cell(b, {h, h}, w, u); }) == "lstm_cell: x is [16]; it must be [N,in]");
  CHECK(message<ShapeError>([&] {
          lstm_cell(x, {zeros({3, 4}), h}, w, u);
        }) == "lstm_cell: x is [2,3] but h is [3,4]; h must be [2,H]");
  CHECK(message<ShapeError>([&] {
          lstm_cell(x, {h, x}, w, u);
        }) == "lstm_cell: h is [2,4] but c is [2,3]; they must be equal");
  CHECK(message<ShapeError>([&] {
          lstm_cell(x, {h, h}, u, u);
        }) == "lstm_cell: w_ih is [16,4] but x is [2,3] and h is [2,4]; w_ih must be [4H,in] = [16,3]");
  CHECK(message<ShapeError>([&] {
          gru_cell(x, h, zeros({12, 3}), u);
        }) == "gru_cell: w_hh is [16,4] but x is [2,3] and h is [2,4]; w_hh must be [3H,H] = [12,4]");
  CHECK(message<ShapeError>([&] {
          lstm_cell(x, {h, h}, w, u, b, zeros({4}));
        }) == "lstm_cell: b_hh is [4] but x is [2,3] and h is [2,4]; b_hh must be [4H] = [16]");
}
