#include "losses/softmax_ce.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using losses::Reduction;
using losses::softmax_ce;
using losses::softmax_ce_unfused;
using test::message;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Loss and gradient of one row in long double, by the definition: every other class stands against the largest.
struct Reference {
  long double loss = 0;
  std::vector<long double> gradient;

  template <class T> Reference(const T* s, const T* w, std::size_t classes) : gradient(classes) {
    const std::size_t top = std::max_element(s, s + classes) - s;
    std::vector<long double> e(classes);
    long double tail = 0, weight = 0, others = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      e[j] = std::exp(static_cast<long double>(s[j]) - s[top]);
      weight += w[j];
      if (j != top) tail += e[j], others += w[j];
    }
    for (std::size_t j = 0; j < classes; ++j) {
      if (w[j] != 0) loss += w[j] * ((static_cast<long double>(s[top]) - s[j]) + std::log1p(tail));
      gradient[j] = j == top ? others - weight * tail / (1 + tail) : weight * e[j] / (1 + tail) - w[j];
    }
  }
};

template <class T> struct Worst { double loss = 0, gradient = 0; };

/// The worst error in ulp over confident, correct rows: the label's score leads the others by about `margin`.
template <class T> Worst<T> worst_of_margin(double margin, std::size_t classes, double offset = 0) {
  std::mt19937_64 random(11);
  Worst<T> worst;
  const std::size_t rows = 200;
  Array<T> scores = test::uniform<T>({rows, classes}, {-1, 1}, random);
  Labels labels(Shape{rows});
  for (std::size_t i = 0; i < rows; ++i) {
    labels(i) = static_cast<std::int64_t>(random() % classes);
    scores(i, static_cast<std::size_t>(labels(i))) += static_cast<T>(margin);
    for (std::size_t j = 0; j < classes; ++j) scores(i, j) += static_cast<T>(offset);
  }
  const Variable<T> s = parameter(scores);
  Tape tape;
  const Variable<T> loss = softmax_ce(s, labels, {Reduction::none});
  const auto [g] = tape.gradient(loss, {s}, {.upstream = Array<T>(Shape{rows}, T(1))});
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<T> w(classes);
    w[static_cast<std::size_t>(labels(i))] = 1;
    const Reference exact(&scores(i, 0), w.data(), classes);
    worst.loss = std::max(worst.loss, test::ulps(loss.value()(i), exact.loss));
    for (std::size_t j = 0; j < classes; ++j)
      worst.gradient = std::max(worst.gradient, test::ulps(g.value()(i, j), exact.gradient[j]));
  }
  return worst;
}

template <class T>
Array<T> gradient_of_loss(const Array<T>& scores, const auto& targets, Reduction reduction = Reduction::sum) {
  const Variable<T> s = parameter(scores);
  Tape tape;
  const Variable<T> loss = sum(softmax_ce(s, targets, {reduction}));
  return tape.gradient(loss, {s})[0].value();
}

}  // namespace

TEST_CASE("softmax_ce: a row worked by hand") {
  // s = (ln 1, ln 2, ln 5): p = (1, 2, 5) / 8
  const Array<double> s{{std::log(1.), std::log(2.), std::log(5.)}};
  CHECK(softmax_ce<double>(s, Labels{1}).item() == doctest::Approx(std::log(4.)));
  const auto g = gradient_of_loss(s, Labels{1});
  CHECK(g(0, 0) == doctest::Approx(1. / 8));      // negative class: p
  CHECK(g(0, 1) == doctest::Approx(2. / 8 - 1));  // positive class: p - 1
  CHECK(g(0, 2) == doctest::Approx(5. / 8));
}

TEST_CASE("softmax_ce: several positives and real-number targets") {
  const Array<double> s{{std::log(1.), std::log(2.), std::log(5.)}};
  const auto half = gradient_of_loss(s, Array<double>{{0.5, 0, 0.5}});
  CHECK(half(0, 0) == doctest::Approx(1. / 8 - 1. / 2));  // p - 1/M
  CHECK(half(0, 1) == doctest::Approx(2. / 8));           // p
  CHECK(half(0, 2) == doctest::Approx(5. / 8 - 1. / 2));
  const auto real = gradient_of_loss(s, Array<double>{{2, -0.5, 0}});  // W = 1.5
  CHECK(real(0, 0) == doctest::Approx(1.5 / 8 - 2));
  CHECK(real(0, 1) == doctest::Approx(1.5 * 2 / 8 + 0.5));
  CHECK(real(0, 2) == doctest::Approx(1.5 * 5 / 8));
}

TEST_CASE("softmax_ce: confident rows keep their digits") {
  // The bounds are the column "tail sum + log1p" of the table the project aims at.
  struct Bound {
    double margin, f32_loss, f32_gradient, f64_loss, f64_gradient;
  };
  for (const Bound b : {Bound{5, 1.4, 3.9, 2, 4},
                        {15, 4.4, 13, 2, 15},
                        {20, 4, 15, 4, 13},
                        {40, 9.6, 28, 12, 26},
                        {0, 2, 4, 2, 4},
                        {80, 3, 4, 3, 4}})
    for (const std::size_t classes : {8, 10, 37, 1000}) {
      CAPTURE(b.margin);
      CAPTURE(classes);
      const auto f32 = worst_of_margin<float>(b.margin, classes);
      const auto f64 = worst_of_margin<double>(b.margin, classes);
      CHECK(f32.loss <= std::min(b.f32_loss, 2.));
      CHECK(f32.gradient <= std::min(b.f32_gradient, 3.));
      CHECK(f64.loss <= std::min(b.f64_loss, 3.));
      CHECK(f64.gradient <= std::min(b.f64_gradient, 4.));
    }
  CHECK(worst_of_margin<double>(700, 10).gradient <= 4);
  CHECK(worst_of_margin<double>(12, 10, 1e6).gradient <= 4);
}

TEST_CASE("softmax_ce: fused, unfused, finite differences and long double agree") {
  std::mt19937_64 random(3);
  for (const std::size_t classes : {1, 2, 7, 16, 33})
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
      CAPTURE(classes);
      const std::size_t rows = 6;
      const Array<double> s = test::uniform({rows, classes}, {-3, 3}, random);
      const Array<double> w = test::uniform({rows, classes}, {-1, 2}, random);
      Labels labels(Shape{rows});
      for (auto& l : labels.storage()) l = static_cast<std::int64_t>(random() % classes);

      const auto compare = [&](const auto& targets) {
        const Function<double> fused = [&](const auto& x) { return softmax_ce(x[0], targets, {reduction}); };
        const Function<double> unfused = [&](const auto& x) { return softmax_ce_unfused(x[0], targets, {reduction}); };
        const auto first = gradcheck("softmax_ce", fused, {s});
        CHECK_MESSAGE(first, first);
        const auto second = gradcheck("softmax_ce, second order", gradient_of(fused), {s});
        CHECK_MESSAGE(second, second);
        const auto third =
            gradcheck("softmax_ce, third order", gradient_of(gradient_of(fused)), {s}, {.directions = 3});
        CHECK_MESSAGE(third, third);
        const auto other = gradcheck("softmax_ce_unfused", unfused, {s});
        CHECK_MESSAGE(other, other);
        const Variable<double> a = fused({s}), b = unfused({s});
        for (std::size_t i = 0; i < a.size(); ++i) CHECK(a.data()[i] == doctest::Approx(b.data()[i]).epsilon(1e-13));
      };
      compare(labels);
      compare(w);

      if (reduction != Reduction::sum) continue;
      const auto g = gradient_of_loss(s, w);
      for (std::size_t i = 0; i < rows; ++i) {
        const Reference exact(&s(i, 0), &w(i, 0), classes);
        for (std::size_t j = 0; j < classes; ++j) CHECK(std::abs(g(i, j) - exact.gradient[j]) <= 1e-15 * 2 * classes);
      }
    }
}

TEST_CASE("softmax_ce: what the formula implies") {
  std::mt19937_64 random(5);
  const Array<double> s = test::uniform({20, 9}, {-20, 20}, random);
  Labels labels(Shape{20});
  for (auto& l : labels.storage()) l = static_cast<std::int64_t>(random() % 9);
  const auto g = gradient_of_loss(s, labels);
  const Array<double> row_sums = xt::sum(g, {1});
  for (const double sum : row_sums) CHECK(std::abs(sum) < 1e-15);
  const auto mean = gradient_of_loss(s, labels, Reduction::mean);
  CHECK(xt::allclose(mean * 20, g, 1e-15, 0));
  // A gradient is the same whether its memory was that of the scores or not.
  const Variable<double> x = parameter(s);
  Tape tape;
  const auto [in_place] = tape.gradient(softmax_ce(x * 1, labels, {Reduction::sum}), {x});
  CHECK(in_place.value() == g);
}

TEST_CASE_TEMPLATE("softmax_ce: extremes behave as the formula says", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  using Row = std::initializer_list<T>;
  const auto loss = [](Row s, std::int64_t l) { return softmax_ce<T>(Array<T>{s}, Labels{l}).item(); };
  const auto gradient = [](Row s, std::int64_t l) { return gradient_of_loss(Array<T>{s}, Labels{l}); };
  CHECK(loss({3}, 0) == 0);  // one class
  CHECK(gradient({3}, 0)(0, 0) == 0);
  CHECK(loss({1, 1, 1, 1}, 2) == static_cast<T>(std::log(4.L)));  // all equal
  CHECK(gradient({1, 1, 1, 1}, 2) == Array<T>{{T(0.25), T(0.25), T(-0.75), T(0.25)}});
  CHECK(loss({T(1e30), T(-1e30)}, 0) == 0);
  CHECK(loss({T(1e30), T(-1e30)}, 1) == T(2e30));
  CHECK(gradient({T(1e30), T(-1e30)}, 1) == Array<T>{{1, -1}});
  CHECK(loss({1, -inf, 1}, 0) == static_cast<T>(std::log(2.L)));  // a mask
  CHECK(gradient({1, -inf, 1}, 0) == Array<T>{{T(-0.5), 0, T(0.5)}});
  CHECK(loss({1, -inf}, 1) == inf);
  CHECK(std::isnan(loss({1, nan, 3}, 0)));
  CHECK(std::isnan(gradient({1, nan, 3}, 0)(0, 2)));
  CHECK(std::isnan(loss({inf, 1}, 0)));
  const Array<T> none(Shape{0, 3});
  CHECK(softmax_ce<T>(none, Labels(Shape{0}), {Reduction::sum}).item() == 0);
  CHECK(softmax_ce<T>(none, Labels(Shape{0}), {Reduction::none}).shape() == Shape{0});
  CHECK(softmax_ce<T>(Array<T>{{1, -inf}}, Array<T>{{1, 0}}).item() == 0);  // 0 times inf counts 0
}

TEST_CASE("softmax_ce: retained, the kept gradient serves twice; upstream scales it") {
  const Variable<double> s = parameter(Array<double>{{1, 2, 0.5}, {0, -1, 3}});
  Tape tape;
  const Variable<double> loss = softmax_ce(s, Labels{2, 0}) * 3;
  tape.backward(loss, {.retain = true});
  const Array<double> once = s.grad();
  tape.backward(loss);
  CHECK(xt::allclose(s.grad(), 2 * once, 1e-15, 0));
  CHECK(xt::allclose(once, 3 * gradient_of_loss(s.value(), Labels{2, 0}, Reduction::mean), 1e-15, 0));
}

TEST_CASE("softmax_ce: second order of one row, and of targets that have changed") {
  const Variable<double> s = parameter(Array<double>(Shape{1, 3}, 1.));
  const auto one =
      gradcheck("one row", gradient_of([](const auto& x) { return softmax_ce(x[0], Labels{1}); }), {s.value()});
  CHECK_MESSAGE(one, one);
  Variable<double> w = Array<double>(Shape{1, 3}, 0.5);
  Tape tape;
  const Variable<double> loss = softmax_ce(s, w);
  w.mutable_value()(0, 0) = 7;
  CHECK_THROWS_AS(tape.gradient(loss, {s}, {.create_graph = true}), TapeError);
}

TEST_CASE("softmax_ce: bad labels and targets are refused before anything is computed") {
  const Array<float> s{{1, 2, 3}, {4, 5, 6}};
  CHECK(message<ValueError>([&] {
          softmax_ce<float>(s, Labels{1, 7});
        }) == "softmax_ce: label 7 in row 1 is outside 0..2 for 3 classes");
  CHECK(message<ValueError>([&] {
          softmax_ce<float>(s, Labels{-1, 0});
        }) == "softmax_ce: label -1 in row 0 is outside 0..2 for 3 classes");
  CHECK(message<ValueError>([&] {
          softmax_ce<float>(s, Labels{1, 3});
        }) ==
        "softmax_ce: label 3 in row 1 is outside 0..2 for 3 classes; the labels seem to count from 1: subtract 1");
  CHECK(message<ShapeError>([&] {
          softmax_ce<float>(s, Labels{1, 2, 0});
        }) == "softmax_ce: scores are [2,3] but labels are [3]; labels must be [2], one class a row");
  CHECK(message<ShapeError>([&] {
          softmax_ce<float>(s, Labels{{0, 1, 0}, {1, 0, 0}});
        }) ==
        "softmax_ce: scores are [2,3] but labels are [2,3]; labels must be [2], one class a row; weights of all "
        "classes are "
        "passed as an Array of the scores' type");
  CHECK(message<ShapeError>([&] {
          softmax_ce<float>(s, Array<float>{{1, 2}});
        }) ==
        "softmax_ce: scores are [2,3] but targets are [1,2]; targets must have the shape of the scores, or be int64 "
        "labels [2]");
  CHECK(message<ShapeError>([&] {
          softmax_ce(Variable<float>(s), xt::xarray<double>{0.25, 0.75});
        }) ==
        "softmax_ce: scores are [2,3] but targets are [2]; targets must have the shape of the scores, or be int64 "
        "labels [2]");
  CHECK(message<ShapeError>([&] {
          softmax_ce<float>(Array<float>{1, 2}, Labels{0});
        }) == "softmax_ce: scores are [2] but labels are [1]; labels must be [], one class a row; reshape them");
  CHECK(message<ShapeError>([&] {
          softmax_ce<float>(Array<float>(Shape{2, 0}), Labels{0, 0});
        }) == "softmax_ce: scores are [2,0]; there are no classes to choose from");
  CHECK(message<ValueError>([&] {
          softmax_ce<float>(s, Array<float>{{0, 1, 0}, {0, float(infinity), 0}});
        }) == "softmax_ce: the target of class 1 in row 1 is inf; targets must be finite");
}
