// Pooling against the definition, its conventions, and what it refuses.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using Index = std::ptrdiff_t;
using A = Array<double>;

namespace {

struct Case {
  Index n, channels, h, w;
  Pair kernel, stride, padding, dilation = 1;

  Index out(Index in, Index k, Index s, Index p, Index d) const { return (in + 2 * p - d * (k - 1) - 1) / s + 1; }
  Index oh() const { return out(h, kernel.h, stride.h, padding.h, dilation.h); }
  Index ow() const { return out(w, kernel.w, stride.w, padding.w, dilation.w); }
};

/// f(place in y, places in x of its window in scan order, how many places the window has with its padding).
template <class F> void each_window(const Case& c, F f) {
  Index y = 0;
  for (Index image = 0; image < c.n * c.channels; ++image)
    for (Index i = 0; i < c.oh(); ++i)
      for (Index j = 0; j < c.ow(); ++j) {
        std::vector<Index> window;
        for (Index u = 0; u < c.kernel.h; ++u)
          for (Index v = 0; v < c.kernel.w; ++v) {
            const Index row = i * c.stride.h + u * c.dilation.h - c.padding.h;
            const Index column = j * c.stride.w + v * c.dilation.w - c.padding.w;
            if (row >= 0 && row < c.h && column >= 0 && column < c.w)
              window.push_back((image * c.h + row) * c.w + column);
          }
        f(y++, window, c.kernel.h * c.kernel.w);
      }
}

/// y = pool(x) and its gradient against what each window should give: to y, and to each of its elements.
template <class T, class Pool, class Value, class Share>
void check(const Case& c, std::mt19937_64& random, Pool pool, Value value, Share share) {
  const std::string called = to_string(c.kernel) + ", stride " + to_string(c.stride) + ", padding " +
                             to_string(c.padding) + ", dilation " + to_string(c.dilation) + ", width " +
                             std::to_string(c.w);
  CAPTURE(called);
  // Few different numbers: there are ties.
  Array<T> a = test::uniform<T>({std::size_t(c.n), std::size_t(c.channels), std::size_t(c.h), std::size_t(c.w)},
                                {-9, 9}, random);
  for (T& v : a.storage()) v = std::round(v);
  const Variable x = parameter(a);
  Tape tape;
  const Variable y = pool(x);
  REQUIRE(y.shape() == Shape{a.shape()[0], a.shape()[1], std::size_t(c.oh()), std::size_t(c.ow())});
  const Array<T> g = test::uniform<T>(y.shape(), {-2, 2}, random);
  const auto [fresh] = tape.gradient(y, {x}, {.upstream = g, .retain = true});
  const auto [added] = tape.gradient(y + pool(x), {x}, {.upstream = g});
  std::vector<long double> gx(x.size());
  std::size_t wrong = 0;
  const auto near = [](T got, long double exact) {
    return std::abs(got - exact) <= 32 * std::numeric_limits<T>::epsilon() * (1 + std::abs(exact));
  };
  each_window(c, [&](Index out, const std::vector<Index>& window, Index places) {
    wrong += !near(y.data()[out], value(a.storage(), window, places));
    for (const Index in : window) gx[in] += g.storage()[out] * share(a.storage(), window, in, places);
  });
  CHECK(wrong == 0);
  for (std::size_t i = 0; i < gx.size(); ++i)
    wrong += !near(fresh.data()[i], gx[i]) + !near(added.data()[i], 2 * gx[i]);
  CHECK(wrong == 0);
}

template <class F> void each_case(F f) {
  for (const Pair kernel : {Pair(1), Pair(2), Pair(3), Pair(2, 3), Pair(5, 1)})
    for (const Pair stride : {Pair(1), Pair(2), Pair(3), Pair(1, 4)})
      for (const Pair padding : {Pair(0), Pair(1), Pair(0, 1)})
        for (const Index width : {7, 18, 35})
          if (2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w) f(Case{2, 2, 9, width, kernel, stride, padding});
}

}  // namespace

TEST_CASE_TEMPLATE("max_pool2d: values and gradients", T, float, double) {
  std::mt19937_64 random(51);
  const auto winner = [](const auto& x, const std::vector<Index>& window) {
    Index best = window[0];
    for (const Index i : window)
      if (x[i] > x[best]) best = i;
    return best;
  };
  const auto run = [&](const Case& c) {
    check<T>(
        c, random,
        [&](const Variable<T>& x) {
          return max_pool2d(x, {c.kernel, c.stride, c.padding, c.dilation});
        },
        [&](const auto& x, const auto& window, Index) -> long double { return x[winner(x, window)]; },
        [&](const auto& x, const auto& window, Index i, Index) -> long double { return winner(x, window) == i; });
  };
  each_case([&](Case c) {
    run(c);
    c.dilation = {2, 3};
    if (c.oh() > 0 && c.ow() > 0) run(c);
  });
}

TEST_CASE_TEMPLATE("avg_pool2d: values and gradients", T, float, double) {
  std::mt19937_64 random(52);
  each_case([&](const Case& c) {
    for (const bool include : {true, false}) {
      const auto count = [&](const std::vector<Index>& window, Index places) {
        return static_cast<long double>(include ? places : Index(window.size()));
      };
      check<T>(
          c, random,
          [&](const Variable<T>& x) {
            return avg_pool2d(x, {c.kernel, c.stride, c.padding, include});
          },
          [&](const auto& x, const auto& window, Index places) {
            long double sum = 0;
            for (const Index i : window) sum += x[i];
            return sum / count(window, places);
          },
          [&](const auto&, const auto& window, Index, Index places) { return 1 / count(window, places); });
    }
  });
}

TEST_CASE("pooling: the stride is the kernel's unless it is given") {
  const Variable<double> x(A(Shape{1, 1, 6, 7}, 1.));
  CHECK(max_pool2d(x, {.kernel = {2, 3}}).shape() == Shape{1, 1, 3, 2});
  CHECK(avg_pool2d(x, {.kernel = {2, 3}}).shape() == Shape{1, 1, 3, 2});
  CHECK(avg_pool2d(x, {.kernel = {2, 3}, .stride = 1}).shape() == Shape{1, 1, 5, 5});
}

TEST_CASE_TEMPLATE("max_pool2d: ties, NaN, infinities, windows of padding alone", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto pool = [](Array<T> a, const MaxPool& options) {
    const Variable x = parameter(std::move(a));
    Tape tape;
    const Variable y = max_pool2d(x, options);
    const auto [g] = tape.gradient(sum(y), {x});
    return std::pair{y, g};
  };
  SUBCASE("of equal elements the first in scan order wins") {
    const auto [y, g] = pool({{{{1, 2, 2}, {2, 1, 0}, {0, 0, 0}}}}, {.kernel = 3});
    CHECK(y.item() == 2);
    CHECK(g.value() == Array<T>{{{{0, 1, 0}, {0, 0, 0}, {0, 0, 0}}}});
  }
  SUBCASE("NaN wins, wherever it is") {
    for (int place = 0; place < 4; ++place) {
      Array<T> a(Shape{1, 1, 2, 2}, inf);
      a.storage()[place] = nan;
      const auto [y, g] = pool(a, {.kernel = 2});
      CHECK(std::isnan(y.item()));
      for (int i = 0; i < 4; ++i) CHECK(g.data()[i] == (i == place));
    }
  }
  SUBCASE("padding never wins, not over -inf either") {
    const auto [y, g] = pool(Array<T>(Shape{1, 1, 2, 2}, -inf), {.kernel = 3, .padding = 1});
    CHECK(y.item() == -inf);
    CHECK(g.value() == Array<T>{{{{1, 0}, {0, 0}}}});
  }
  SUBCASE("a window of padding alone") {
    const auto [y, g] = pool(Array<T>(Shape{1, 1, 2, 2}, 1), {.kernel = 2, .stride = 1, .padding = 1, .dilation = 3});
    CHECK(y.item() == -inf);
    CHECK(g.value() == Array<T>(Shape{1, 1, 2, 2}, 0));
  }
}

TEST_CASE("pooling: derivatives of derivatives") {
  const Variable x = parameter(A{{{{1, 5, 2}, {4, 3, 6}, {0, 8, 7}}}});
  Tape tape;
  const Variable y = max_pool2d(x, {.kernel = 2, .stride = 1});  // 5 6 8 8
  const auto [g] = tape.gradient(sum(y * y * y), {x}, {.create_graph = true});
  CHECK(g.value() == A{{{{0, 75, 0}, {0, 0, 108}, {0, 384, 0}}}});
  const auto [h] = tape.gradient(sum(g), {x}, {.create_graph = true});
  CHECK(h.value() == A{{{{0, 30, 0}, {0, 0, 36}, {0, 96, 0}}}});
  const auto [third] = tape.gradient(sum(h), {x});
  CHECK(third.value() == A{{{{0, 6, 0}, {0, 0, 6}, {0, 12, 0}}}});
}

TEST_CASE("pooling: no samples, no channels") {
  for (const Shape& shape : {Shape{0, 2, 4, 4}, Shape{2, 0, 4, 4}}) {
    const Variable x = parameter(A(shape));
    Tape tape;
    const auto y = max_pool2d(x, {.kernel = 2}) + avg_pool2d(x, {.kernel = 2});
    CHECK(y.shape() == Shape{shape[0], shape[1], 2, 2});
    CHECK(tape.gradient(sum(y), {x})[0].shape() == shape);
  }
}

TEST_CASE("pooling: what does not fit is refused, with shapes, rule and fix") {
  const auto max = [](const Shape& x, const MaxPool& o) {
    return message<Error>([&] { max_pool2d(Variable<double>(A(x)), o); });
  };
  CHECK(max({1, 1, 3, 4}, {.kernel = 4}) ==
        "max_pool2d: x is [1,1,3,4] but the kernel is (4,4); along axis 2 the kernel spans 4, more than the padded x "
        "with "
        "3; give more padding or a smaller kernel");
  CHECK(max({1, 1, 3, 4}, {.kernel = 2, .stride = 0}) == "max_pool2d: stride is (0,0); it must be at least 1");
  CHECK(max({1, 1, 3, 4}, {.kernel = 0}) == "max_pool2d: kernel is (0,0); it must be at least 1");
  CHECK(max({1, 1, 3, 4}, {.kernel = 2, .dilation = {1, 0}}) == "max_pool2d: dilation is (1,0); it must be at least 1");
  CHECK(max({1, 1, 3, 4}, {.kernel = {2, 3}, .padding = {1, 2}}) ==
        "max_pool2d: padding is (1,2) but the kernel is (2,3); it must be at most half the kernel");
  CHECK(max({3, 4}, {.kernel = 2}) == "max_pool2d: x is [3,4]; it must be [N,C,H,W]");
  CHECK(message<ShapeError>([] { avg_pool2d(Variable<double>(A(Shape{3})), {.kernel = 2}); }) ==
        "avg_pool2d: x is [3]; it must be [N,C,H,W]");
}
