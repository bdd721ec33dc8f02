// softmax_ce with everything it takes: against a reference in long double, the unfused composition, finite differences.
#include <doctest/doctest.h>

#include <cmath>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>

#include "autodiff/autodiff.hpp"
#include "autodiff/derivatives.hpp"
#include "autodiff/gradcheck.hpp"
#include "losses/linear_softmax_ce.hpp"
#include "losses/softmax_ce.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using losses::Answers;
using losses::linear_softmax_ce;
using losses::Reduction;
using losses::softmax_ce;
using losses::softmax_ce_unfused;
using losses::SoftmaxCe;
using test::message;
using A = Array<double>;
using V = Variable<double>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T> Array<T> gradient(const Variable<T>& scores, const auto& targets, const SoftmaxCe<T>& options) {
  Tape tape;
  const Variable<T> loss = sum(softmax_ce(scores, targets, options));
  return tape.gradient(loss, {scores})[0].value();
}

long double nll(std::initializer_list<double> s, std::size_t k) {  // -log softmax(s)_k
  long double sum = 0;
  for (const double x : s) sum += std::exp(static_cast<long double>(x));
  return std::log(sum) - *(s.begin() + k);
}

}  // namespace

TEST_CASE("softmax_ce: class weights, smoothing and ignored labels as PyTorch defines them") {
  const V s = A{{1, 2, 0.5}, {0, -1, 3}, {2, 2, 2}};
  const V c = A{0.5, 2, 1};
  const long double first = nll({1, 2, 0.5}, 1), second = nll({0, -1, 3}, 0);
  const SoftmaxCe<double> weighted{.class_weights = c};
  // labels: the sum of c_t l / the sum of c_t, of those that are not ignored
  CHECK(softmax_ce(s, Labels{1, 0, -100}, weighted).item() ==
        doctest::Approx(double((2 * first + 0.5L * second) / 2.5L)).epsilon(1e-15));
  CHECK(softmax_ce(s, Labels{1, 0, 7}, {.class_weights = c, .ignore_index = 7}).item() ==
        doctest::Approx(double((2 * first + 0.5L * second) / 2.5L)).epsilon(1e-15));
  // smoothing: (1 - a) c_t l_t + a/C sum_k c_k l_k, over the same sum
  const double a = 0.3;
  long double all = 0;
  for (std::size_t k = 0; k < 3; ++k) all += c.value()(k) * nll({1, 2, 0.5}, k);
  CHECK(softmax_ce(V(A{{1, 2, 0.5}}), Labels{1}, {.class_weights = c, .label_smoothing = a}).item() ==
        doctest::Approx(double(((1 - a) * 2 * first + a / 3 * all) / 2)).epsilon(1e-15));
  // targets divide by N
  const V t = A{{0, 1, 0}, {1, 0, 0}, {0, 0, 0}};
  CHECK(softmax_ce(s, t, weighted).item() == doctest::Approx(double((2 * first + 0.5L * second) / 3)).epsilon(1e-15));
  CHECK(softmax_ce(s, t, {.class_weights = c, .count_empty_rows = false}).item() ==
        doctest::Approx(double((2 * first + 0.5L * second) / 2)).epsilon(1e-15));
}

TEST_CASE("softmax_ce: rows that do not count") {
  const V s = parameter(A{{1, 2}, {infinity, NAN}, {0, 3}});
  const V mask = A{1, 0, 1}, weights = A{2, 0, 1};
  const auto both = gradient(s, Labels{0, 55, 1}, {.reduction = Reduction::sum, .mask = mask});
  CHECK(both(1, 0) == 0);
  CHECK(both(1, 1) == 0);
  CHECK(softmax_ce(s, Labels{0, -3, 1}, {.mask = mask}).item() ==
        doctest::Approx(double((nll({1, 2}, 0) + nll({0, 3}, 1)) / 2)).epsilon(1e-15));
  CHECK(softmax_ce(s, Labels{0, 0, 1}, {.row_weights = weights}).item() ==
        doctest::Approx(double((2 * nll({1, 2}, 0) + nll({0, 3}, 1)) / 3)).epsilon(1e-15));
  // All left out: 0, where PyTorch says NaN.
  CHECK(softmax_ce(s, Labels{-100, -100, -100}).item() == 0);
  CHECK(gradient(s, Labels{-100, -100, -100}, {}) == A(Shape{3, 2}, 0.));
  // A row without positives: nothing, whatever else is on.
  const auto none = gradient(V(parameter(A{{1, 2}})), A{{0, 0}}, {.label_smoothing = 0.1, .z_loss = 0.5});
  CHECK(none == A{{0, 0}});
}

TEST_CASE("softmax_ce: real-number labels pull with their value in the backward, too") {
  const A s{{0.5, -1, 2, 0}}, t{{2, 0, 0.5, 0}};
  const V x = parameter(s);
  const auto right = gradient(x, A(t / 2.), {.reduction = Reduction::sum});  // w = t/M, M = 2
  const Function<double> f = [&](const std::vector<V>& v) {
    return softmax_ce(v[0], A(t / 2.), {.reduction = Reduction::sum});
  };
  CHECK(gradcheck("t/M", f, {s}));
  // The mistake: p - 1/M on every positive class, as if all labels were 1.
  const A p = softmax(V(s)).value();
  for (std::size_t j = 0; j < 4; ++j) {
    const double mistaken = p(0, j) - (t(0, j) != 0 ? 0.5 : 0.);
    CHECK(std::abs(mistaken - right(0, j)) > 0.005);
  }
  // With labels 1 it is right: multilabel.
  const A ones{{1, 0, 1, 0}};
  const auto shared = gradient(x, ones, {.reduction = Reduction::sum, .multilabel = true});
  for (std::size_t j = 0; j < 4; ++j)
    CHECK(shared(0, j) == doctest::Approx(p(0, j) - (ones(0, j) != 0 ? 0.5 : 0.)).epsilon(1e-14));
}

TEST_CASE("softmax_ce: the classes along any axis") {
  std::mt19937_64 random(4);
  const A rows = test::uniform({2 * 5 * 11, 7}, {-4, 4}, random);
  Labels labels(Shape{2 * 5 * 11});
  for (auto& l : labels.storage()) l = static_cast<std::int64_t>(random() % 7);
  const auto expected = gradient(V(parameter(rows)), labels, {.reduction = Reduction::sum});
  // [2,5,11,7] -> [2,7,5,11]
  const auto moved = [](const A& x) { return transpose(reshape(V(x), {2, 5, 11, 7}), {0, 3, 1, 2}).value(); };
  Labels image = labels;
  image.reshape({2, 5, 11});
  const V scores = parameter(moved(rows));
  CHECK(gradient(scores, image, {.reduction = Reduction::sum}) == moved(expected));
  const V each = softmax_ce(scores, image, {.reduction = Reduction::none});
  CHECK(each.shape() == Shape{2, 5, 11});
  const V flat = softmax_ce(V(rows), labels, {.reduction = Reduction::none});
  for (std::size_t i = 0; i < flat.size(); ++i) CHECK(each.data()[i] == flat.data()[i]);
  const A t = test::uniform({2 * 5 * 11, 7}, {0, 1}, random);
  CHECK(gradient(scores, moved(t), {}) == moved(gradient(V(parameter(rows)), t, {})));
  // [T,N,C], and a single row [C]
  const V last = reshape(V(rows), {10, 11, 7});
  Labels steps = labels;
  steps.reshape({10, 11});
  CHECK(softmax_ce(last, steps, {.axis = -1}).item() == softmax_ce(V(rows), labels).item());
  Labels one(Shape{}, 2);
  CHECK(softmax_ce(V(A{1, 2, 0.5}), one).item() == doctest::Approx(double(nll({1, 2, 0.5}, 2))));
}

TEST_CASE("softmax_ce: every option against the unfused composition and finite differences, in second order") {
  std::mt19937_64 random(6);
  const A s = test::uniform({5, 4}, {-3, 3}, random), t = test::uniform({5, 4}, {-0.5, 1}, random);
  const V c = A{0.5, 2, 1, 0}, r = A{1, 0.5, 2, 0, 1}, mask = A{1, 1, 0, 1, 1};
  const Labels labels{0, 3, 1, -100, 2};
  const std::vector<SoftmaxCe<double>> options = {
      {.class_weights = c},
      {.row_weights = r},
      {.mask = mask},
      {.label_smoothing = 0.2},
      {.label_smoothing = 1},
      {.temperature = 0.5},
      {.soft_cap = 2},
      {.z_loss = 0.3},
      {.reduction = Reduction::none, .row_weights = r, .mask = mask, .class_weights = c, .label_smoothing = 0.1},
      {.row_weights = r,
       .mask = mask,
       .class_weights = c,
       .label_smoothing = 0.1,
       .temperature = 2,
       .soft_cap = 3,
       .z_loss = 0.1},
      {.reduction = Reduction::sum, .class_weights = c, .temperature = 2, .z_loss = 0.1}};
  for (std::size_t i = 0; i < options.size(); ++i) {
    CAPTURE(i);
    const auto compare = [&](const auto& targets, const SoftmaxCe<double>& o) {
      const Function<double> fused = [&](const std::vector<V>& x) { return softmax_ce(x[0], targets, o); };
      const auto first = gradcheck("fused", fused, {s});
      CHECK_MESSAGE(first, first);
      const auto second = gradcheck("fused, second order", gradient_of(fused), {s});
      CHECK_MESSAGE(second, second);
      const V a = fused({s}), b = softmax_ce_unfused(V(s), targets, o);
      CHECK(a.shape() == b.shape());
      for (std::size_t k = 0; k < a.size(); ++k) CHECK(a.data()[k] == doctest::Approx(b.data()[k]).epsilon(1e-13));
    };
    compare(labels, options[i]);
    compare(t, options[i]);
    SoftmaxCe<double> shared = options[i];
    shared.multilabel = true;
    compare(A{{1, 0, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 0, 0, 1}, {0, 1, 0, 1}}, shared);
  }
}

TEST_CASE_TEMPLATE("softmax_ce: exact over margins, classes and offsets", T, float, double) {
  // Within 1 ulp for float32, 3 for float64; where p meets a soft target, 4 ulp of the target.
  const double bound = sizeof(T) == 4 ? 1 : 3;
  std::mt19937_64 random(8);
  for (const double offset : {0., -1e4, 1e30})
    for (const std::size_t classes : {2, 10, 1000, 50'000})
      for (const double margin : {0., 1., 20., 88., 103., 300., 700., 740.}) {
        if (offset == 1e30 && margin != 0) continue;       // no scores lie between
        if (margin == 740 && classes == 50'000) continue;  // a sum of numbers that have lost their digits
        CAPTURE(offset);
        CAPTURE(classes);
        CAPTURE(margin);
        Array<T> s = test::uniform<T>({1, classes}, {-1, 1}, random);
        const std::size_t t = random() % classes;
        s(0, t) = static_cast<T>(1 + margin);
        for (T& x : s.storage()) x += static_cast<T>(offset);
        const Variable<T> scores = parameter(s);
        Tape tape;
        const Variable<T> loss = softmax_ce(scores, Labels{static_cast<std::int64_t>(t)});
        const Array<T> g = tape.gradient(loss, {scores})[0].value();
        const std::size_t top = std::max_element(s.begin(), s.end()) - s.begin();
        long double tail = 0;
        for (std::size_t j = 0; j < classes; ++j)
          if (j != top) tail += std::exp(static_cast<long double>(s(0, j)) - s(0, top));
        CHECK(test::ulps(loss.item(), static_cast<long double>(s(0, top)) - s(0, t) + std::log1p(tail)) <= bound);
        double worst = 0;
        for (std::size_t j = 0; j < classes; ++j) {
          const long double p = std::exp(static_cast<long double>(s(0, j)) - s(0, top)) / (1 + tail);
          const long double exact = j != t ? p : t == top ? -tail / (1 + tail) : p - 1;
          worst = std::max(worst, test::ulps(g(0, j), exact));
        }
        CHECK(worst <= bound);
      }
}

TEST_CASE_TEMPLATE("softmax_ce: exact with a temperature and a cap", T, float, double) {
  // z is kept with what rounding took from it. The slope of the cap adds 2 ulp to the gradient.
  std::mt19937_64 random(13);
  for (const auto& [temperature, cap] : {std::pair{0.3, 0.}, {7., 0.}, {1., 30.}, {0.3, 2.}, {1., 500.}})
    for (const double margin : {0., 3., 40., 90.}) {
      CAPTURE(temperature);
      CAPTURE(cap);
      CAPTURE(margin);
      Array<T> s = test::uniform<T>({1, 20}, {-2, 2}, random);
      s(0, 7) += static_cast<T>(margin);
      const Variable<T> scores = parameter(s);
      Tape tape;
      const Variable<T> loss = softmax_ce(scores, Labels{7}, {.temperature = temperature, .soft_cap = cap});
      const Array<T> g = tape.gradient(loss, {scores})[0].value();
      std::vector<long double> z, slope;
      for (const T x : s) {
        const long double u = cap > 0 ? x / static_cast<long double>(cap) : 0, q = std::exp(-2 * std::abs(u));
        z.push_back((cap > 0 ? cap * std::tanh(u) : x) / temperature);
        slope.push_back((cap > 0 ? 4 * q / ((1 + q) * (1 + q)) : 1) / temperature);
      }
      const std::size_t top = std::max_element(z.begin(), z.end()) - z.begin();
      long double tail = 0;
      for (std::size_t j = 0; j < 20; ++j)
        if (j != top) tail += std::exp(z[j] - z[top]);
      CHECK(test::ulps(loss.item(), z[top] - z[7] + std::log1p(tail)) <= (sizeof(T) == 4 ? 1 : 3));
      for (std::size_t j = 0; j < 20; ++j) {
        const long double p = std::exp(z[j] - z[top]) / (1 + tail);
        const long double exact = j != 7 ? p : top == 7 ? -tail / (1 + tail) : p - 1;
        CHECK(test::ulps(g(0, j), exact * slope[j]) <= (sizeof(T) == 4 ? 1 : cap > 0 ? 6 : 3));
      }
    }
}

TEST_CASE("softmax_ce: the Hessian is symmetric, and its rows sum to 0") {
  std::mt19937_64 random(9);
  const A s = test::uniform({1, 6}, {-3, 3}, random), w = test::uniform({1, 6}, {-1, 2}, random);
  const auto f = [&](const V& x) { return softmax_ce(x, w); };
  A h(Shape{6, 6});
  for (std::size_t i = 0; i < 6; ++i) {
    A e(Shape{1, 6}, 0.);
    e(0, i) = 1;
    const V row = hvp(f, V(s), V(e));
    for (std::size_t j = 0; j < 6; ++j) h(i, j) = row.value()(0, j);
  }
  for (std::size_t i = 0; i < 6; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 6; ++j) {
      CHECK(std::abs(h(i, j) - h(j, i)) < 1e-15);
      sum += h(i, j);
    }
    CHECK(std::abs(sum) < 1e-15);
  }
}

TEST_CASE("softmax_ce: the gradient sums to 0, a shift of all scores changes nothing, a permutation permutes") {
  std::mt19937_64 random(12);
  const A s = test::uniform({4, 9}, {-3, 3}, random), t = test::uniform({4, 9}, {-0.5, 1}, random);
  const A g = gradient(V(parameter(s)), t, {.row_weights = A{1, 2, 0.5, 3}});
  for (std::size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 9; ++j) sum += g(i, j);
    CHECK(std::abs(sum) < 1e-15);
  }
  // Multiples of 2^-20 are shifted without rounding.
  A coarse = s;
  for (double& x : coarse) x = std::round(x * 0x1p20) * 0x1p-20;
  for (const double shift : {1., -1024., 0x1p30})
    CHECK(gradient(V(parameter(A(coarse + shift))), t, {}) == gradient(V(parameter(coarse)), t, {}));
  const auto reversed = [](const A& x) { return A(xt::flip(x, 1)); };
  const A permuted = gradient(V(parameter(reversed(s))), reversed(t), {});
  CHECK(xt::allclose(permuted, reversed(gradient(V(parameter(s)), t, {})), 0, 1e-15));
}

TEST_CASE("softmax_ce: in place, and what it answers on the way") {
  const V w = parameter(A{{1, 0, 0.5}, {0, 2, 0}, {3, 3, 1}});
  const Labels labels{2, 1, 1};
  Answers answers;
  {
    Tape tape;
    const V scores = w * 1;  // held
    const double* const memory = scores.data();
    const V loss = softmax_ce(scores, labels, {.reduction = Reduction::sum, .reuse_scores = true, .answers = &answers});
    CHECK(scores.data() == memory);
    CHECK(scores.value() == gradient(w, labels, {.reduction = Reduction::sum}));  // overwritten
    tape.backward(loss);
    CHECK(w.grad() == scores.value());
  }
  CHECK(answers.best == Labels{0, 1, 0});  // the first of several
  CHECK(answers.rank == Labels{1, 0, 1});
  CHECK(answers.accuracy() == doctest::Approx(1. / 3));
  CHECK(answers.accuracy(2) == 1);
  softmax_ce(w, Labels{-100, 1, 1}, {.answers = &answers});
  CHECK(answers.accuracy() == 0.5);
  Tape tape;
  const V e = exp(w);  // saves its result
  const V loss = softmax_ce(e, labels, {.reuse_scores = true});
  CHECK(message<TapeError>([&] { tape.backward(loss); }) ==
        "exp: a value [3,3] that was saved for backward has been changed since; call backward() before the update");
}

TEST_CASE_TEMPLATE("linear_softmax_ce: the same as one after the other", T, float, double) {
  std::mt19937_64 random(10);
  const std::size_t n = 70, classes = 65'536 / sizeof(T) * 5, d = 3;  // 50 rows of scores in a block
  const Variable<T> x = parameter(test::uniform<T>({n, d}, {-1, 1}, random)),
                    w = parameter(test::uniform<T>({classes, d}, {-2, 2}, random)),
                    b = parameter(test::uniform<T>({classes}, {-1, 1}, random));
  Labels labels(Shape{n});
  for (auto& l : labels.storage()) l = static_cast<std::int64_t>(random() % classes);
  labels(3) = -100;
  Tape tape;
  const Variable<T> loss = linear_softmax_ce(x, w, b, labels) * T(2);
  const auto blocks = tape.gradient(loss, std::vector{x, w, b}, {.retain = true});
  const Variable<T> whole_loss = softmax_ce(linear(x, w, b), labels) * T(2);
  const auto whole = tape.gradient(whole_loss, std::vector{x, w, b});
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  CHECK(loss.item() == doctest::Approx(whole_loss.item()).epsilon(tolerance));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(xt::allclose(blocks[i].value(), whole[i].value(), tolerance, tolerance * 1e-3));
}

TEST_CASE("linear_softmax_ce: second order, without a bias, and errors") {
  std::mt19937_64 random(12);
  const A x = test::uniform({4, 3}, {-1, 1}, random), w = test::uniform({5, 3}, {-1, 1}, random);
  const Labels labels{0, 4, -100, 2};
  const SoftmaxCe<double> options{.label_smoothing = 0.1, .z_loss = 0.2};
  const Function<double> f = [&](const std::vector<V>& v) {
    return linear_softmax_ce(v[0], v[1], V(), labels, options);
  };
  CHECK(gradcheck("linear_softmax_ce", f, {x, w}));
  CHECK(gradcheck("linear_softmax_ce, second order", gradient_of(f), {x, w}));
  CHECK(message<ShapeError>([&] {
          linear_softmax_ce(V(x), V(A(Shape{5, 4})), V(), labels);
        }) == "linear_softmax_ce: x is [4,3] but weight is [5,4]; x.shape[1] = 3 must equal weight.shape[1] = 4");
  CHECK(
      message<ValueError>([&] {
        linear_softmax_ce(V(x), V(w), V(), Labels{1, 5, 1, 1});
      }) ==
      "linear_softmax_ce: label 5 in row 1 is outside 0..4 for 5 classes; the labels seem to count from 1: subtract 1");
}

TEST_CASE("softmax_ce: options that make no sense are refused") {
  const V s = A{{1, 2, 3}, {4, 5, 6}};
  const Labels labels{0, 1};
  const auto refused = [&](const SoftmaxCe<double>& o) { return message<Error>([&] { softmax_ce(s, labels, o); }); };
  CHECK(refused({.class_weights = A{1, 2}}) ==
        "softmax_ce: class_weights are [2] but scores [2,3] have 3 classes along axis 1; there must be one weight a "
        "class");
  CHECK(refused({.class_weights = A{1, -2, 1}}) ==
        "softmax_ce: the weight of class 1 is -2; it must be finite and not negative");
  CHECK(refused({.row_weights = A{1, 2, 3}}) ==
        "softmax_ce: row_weights is [3] but the rows are [2]; there must be one a row");
  CHECK(refused({.row_weights = A{1, NAN}}) ==
        "softmax_ce: the weight of row 1 is nan; weights must be finite and not negative");
  CHECK(refused({.label_smoothing = 1.5}) == "softmax_ce: label_smoothing is 1.5; it must be in 0..1");
  CHECK(refused({.temperature = 0}) == "softmax_ce: temperature is 0; it must be finite and above 0");
  CHECK(refused({.axis = 2}) == "softmax_ce: axis 2 is out of range for x [2,3]; axes go from -2 to 1");
  CHECK(refused({.multilabel = true}) == "softmax_ce: multilabel is for targets [N,C]; a label is one class");
  CHECK(message<ShapeError>([&] {
          softmax_ce(s, Labels(Shape{2, 1}, 0));
        }) == "softmax_ce: scores are [2,3] but labels are [2,1]; labels must be [2], one class a row; reshape them");
  CHECK(message<ValueError>([] {
          softmax_ce(V(A(Shape{0, 3})), Labels(Shape{0}));
        }) == "softmax_ce: there are no rows, [0], to take the mean of; reduce by sum, or skip the batch");
}
