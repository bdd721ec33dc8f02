// Convolutions against the definition in long double, their conventions, and what they refuse.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using Index = std::ptrdiff_t;

namespace {

struct Case {
  Index n, channels, h, w, outputs, kh, kw;
  Conv2d options;
};

std::string text(const Case& c) {
  const auto list = [](std::initializer_list<Index> numbers) {
    return to_string(Shape(numbers.begin(), numbers.end()));
  };
  const auto& o = c.options;
  return "x " + list({c.n, c.channels, c.h, c.w}) + ", weight " + list({c.outputs, c.channels / o.groups, c.kh, c.kw}) +
         ", stride " + to_string(o.stride) + ", padding " + to_string(o.padding) + ", dilation " +
         to_string(o.dilation) + ", groups " + std::to_string(o.groups);
}

template <class T> struct Arrays { Array<T> x, w, b; };

template <class T> Arrays<T> draw(const Case& c, std::mt19937_64& random) {
  const auto z = [](Index i) { return static_cast<std::size_t>(i); };
  return {test::uniform<T>({z(c.n), z(c.channels), z(c.h), z(c.w)}, {-2, 2}, random),
          test::uniform<T>({z(c.outputs), z(c.channels / c.options.groups), z(c.kh), z(c.kw)}, {-2, 2}, random),
          test::uniform<T>({z(c.outputs)}, {-2, 2}, random)};
}

/// f(place in x, place in w, place in y) for every product in B(x, w, g).
template <class F> void each_product(const Case& c, Index oh, Index ow, F f) {
  const auto& [stride, padding, dilation, groups] = c.options;
  const Index in = c.channels / groups, out = c.outputs / groups;
  for (Index n = 0; n < c.n; ++n)
    for (Index o = 0; o < c.outputs; ++o)
      for (Index i = 0; i < oh; ++i)
        for (Index j = 0; j < ow; ++j)
          for (Index k = 0; k < in; ++k)
            for (Index u = 0; u < c.kh; ++u)
              for (Index v = 0; v < c.kw; ++v) {
                const Index row = i * stride.h + u * dilation.h - padding.h;
                const Index column = j * stride.w + v * dilation.w - padding.w;
                if (row < 0 || row >= c.h || column < 0 || column >= c.w) continue;
                f(((n * c.channels + o / out * in + k) * c.h + row) * c.w + column,
                  ((o * in + k) * c.kh + u) * c.kw + v, ((n * c.outputs + o) * oh + i) * ow + j);
              }
}

template <class T> void check_close(const char* what, const Variable<T>& got, const std::vector<long double>& exact) {
  CAPTURE(what);
  REQUIRE(got.size() == exact.size());
  long double largest = 1;
  for (const long double e : exact) largest = std::max(largest, std::abs(e));
  const long double bound = 16 * largest * std::numeric_limits<T>::epsilon();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) wrong += !(std::abs(got.data()[i] - exact[i]) <= bound);
  CHECK(wrong == 0);
}

template <class T> void check(const Case& c, std::mt19937_64& random) {
  const std::string called = text(c);
  CAPTURE(called);
  const auto extent = [](Index in, Index k, Index s, Index p, Index d) {
    return (in + 2 * p - d * (k - 1) - 1) / s + 1;
  };
  const auto& o = c.options;
  const Index oh = extent(c.h, c.kh, o.stride.h, o.padding.h, o.dilation.h);
  const Index ow = extent(c.w, c.kw, o.stride.w, o.padding.w, o.dilation.w);
  const Arrays<T> a = draw<T>(c, random);
  const Variable x = parameter(a.x), w = parameter(a.w), b = parameter(a.b);
  Tape tape;
  const Variable y = conv2d(x, w, b, c.options);
  REQUIRE(y.shape() == Shape{std::size_t(c.n), std::size_t(c.outputs), std::size_t(oh), std::size_t(ow)});
  const Array<T> g = test::uniform<T>(y.shape(), {-2, 2}, random);
  const auto fresh = tape.gradient(y, {x, w, b}, {.upstream = g, .retain = true});
  // A second way to x, w and b: what it adds goes into a gradient that is there.
  const Variable twice = y + conv2d(x, w, b, c.options);
  const auto added = tape.gradient(twice, {x, w, b}, {.upstream = g});

  std::vector<long double> ey(y.size()), ex(x.size()), ew(w.size()), eb(b.size());
  for (std::size_t i = 0; i < ey.size(); ++i) {
    const std::size_t channel = i / std::size_t(oh * ow) % eb.size();
    ey[i] = a.b.storage()[channel];
    eb[channel] += g.storage()[i];
  }
  each_product(c, oh, ow, [&](Index in, Index weight, Index out) {
    const long double px = a.x.storage()[in], pw = a.w.storage()[weight], pg = g.storage()[out];
    ey[out] += px * pw;
    ex[in] += pg * pw;
    ew[weight] += pg * px;
  });
  check_close("y", y, ey);
  check_close("gx", fresh[0], ex);
  check_close("gw", fresh[1], ew);
  check_close("gb", fresh[2], eb);
  for (auto* e : {&ex, &ew, &eb})
    for (long double& v : *e) v *= 2;
  check_close("gx twice", added[0], ex);
  check_close("gw twice", added[1], ew);
  check_close("gb twice", added[2], eb);
}

}  // namespace

TEST_CASE_TEMPLATE("conv2d: values and gradients over strides, paddings, dilations, groups", T, float, double) {
  std::mt19937_64 random(41);
  for (const Pair kernel : {Pair(1), Pair(3), Pair(2, 3), Pair(4, 1)})
    for (const Pair stride : {Pair(1), Pair(2), Pair(1, 3)})
      for (const Pair padding : {Pair(0), Pair(1), Pair(2, 0), Pair(3)})
        for (const Pair dilation : {Pair(1), Pair(2), Pair(3, 1)})
          for (const Index groups : {1, 2}) {
            const Case c{2, 2, 11, 9, 4, kernel.h, kernel.w, {stride, padding, dilation, groups}};
            check<T>(c, random);
          }
}

TEST_CASE_TEMPLATE("conv2d: sizes that fill tiles, blocks and caches, and those that do not", T, float, double) {
  std::mt19937_64 random(42);
  for (const Index outputs : {1, 2, 3, 5, 6, 7, 11, 12, 23}) check<T>({1, 3, 6, 7, outputs, 3, 3, {}}, random);
  for (const Index width : {1, 2, 5, 13, 14, 15, 16, 17, 31, 34, 66}) check<T>({2, 2, 3, width, 3, 2, 1, {}}, random);
  for (const Index width : {3, 16, 33, 65}) check<T>({2, 3, 5, width, 6, 3, 3, {.padding = 1}}, random);
  check<T>({3, 6, 5, 5, 6, 3, 3, {.padding = 1, .groups = 6}}, random);     // depthwise
  check<T>({2, 4, 8, 8, 8, 1, 1, {.groups = 2}}, random);                   // 1x1
  check<T>({2, 4, 9, 9, 8, 1, 1, {.stride = 2}}, random);                   // shortcuts of residual nets
  check<T>({70, 3, 40, 40, 2, 3, 3, {.stride = 2, .padding = 1}}, random);  // more than are worked on at once
  check<T>({1, 2, 1, 1, 3, 1, 1, {}}, random);
  check<T>({1, 1, 1, 1, 1, 3, 3, {.padding = 1}}, random);
  check<T>({2, 1, 4, 4, 1, 2, 2, {.stride = 5}}, random);  // most of x is out of every window
}

TEST_CASE("conv2d: no samples, no channels, no filters") {
  using A = Array<double>;
  Tape tape;
  const Variable w = parameter(A(Shape{2, 3, 2, 2}, 1.)), b = parameter(A{4, 5});
  const Variable none = parameter(A(Shape{0, 3, 5, 5}));
  const Variable y = conv2d(none, w, b);
  CHECK(y.shape() == Shape{0, 2, 4, 4});
  const auto g = tape.gradient(sum(y), {none, w, b});
  CHECK(g[0].shape() == none.shape());
  CHECK(g[1].value() == A(w.shape(), 0.));
  CHECK(g[2].value() == A{0, 0});
  const Variable<double> dark(A(Shape{1, 0, 2, 2})), nothing(A(Shape{2, 0, 2, 2}));
  CHECK(conv2d(dark, nothing, b).value() == reshape(b, {1, 2, 1, 1}).value());
  CHECK(conv2d(dark, nothing).value() == A(Shape{1, 2, 1, 1}, 0.));
  CHECK(conv2d(Variable<double>(A(Shape{1, 3, 2, 2})), Variable<double>(A(Shape{0, 3, 1, 1}))).shape() ==
        Shape{1, 0, 2, 2});
}

TEST_CASE("conv1d is conv2d of images of one row") {
  std::mt19937_64 random(43);
  const Variable x = parameter(test::uniform({2, 4, 11}, {-2, 2}, random)),
                 w = parameter(test::uniform({6, 2, 3}, {-2, 2}, random)),
                 b = parameter(test::uniform({6}, {-2, 2}, random));
  const auto wide = [](const Variable<double>& v) {
    return reshape(v, {std::ptrdiff_t(v.shape()[0]), std::ptrdiff_t(v.shape()[1]), 1, -1});
  };
  Tape tape;
  const auto y = conv1d(x, w, b, {.stride = 2, .padding = 3, .dilation = 2, .groups = 2});
  const auto y2 = conv2d(wide(x), wide(w), b, {.stride = {1, 2}, .padding = {0, 3}, .dilation = {1, 2}, .groups = 2});
  CHECK(y.shape() == Shape{2, 6, 7});
  CHECK(wide(y).value() == y2.value());
  const auto g = tape.gradient(sum(square(y)), {x, w, b}, {.retain = true});
  const auto g2 = tape.gradient(sum(square(y2)), {x, w, b});
  for (int i = 0; i < 3; ++i) CHECK(g[i].value() == g2[i].value());
}

TEST_CASE("conv2d: the three derivatives of B are each other's, to the third order") {
  // L = sum over y of u y^3 / 6 along a line x + t v: its derivatives by t are known, y being linear in t.
  std::mt19937_64 random(44);
  const Array<double> w = test::uniform({2, 2, 2, 3}, {-1, 1}, random),
                      x0 = test::uniform({1, 2, 5, 5}, {-1, 1}, random),
                      v0 = test::uniform({1, 2, 5, 5}, {-1, 1}, random);
  const Conv2d options{.stride = {2, 1}, .padding = 1};
  const Variable x = parameter(x0), weight = parameter(w), v(v0);
  Tape tape;
  const Variable y = conv2d(x, weight, {}, options), u = Array<double>(y.shape(), 1.);
  const auto derivative = [&](const Variable<double>& f) {
    return sum(tape.gradient(f, {x}, {.create_graph = true})[0] * v);
  };
  const Variable third = derivative(derivative(derivative(sum(y * y * y) / 6.)));
  const Variable yv = conv2d(v, Variable<double>(w), {}, options);
  CHECK(third.item() == doctest::Approx(sum(yv * yv * yv).item()).epsilon(1e-12));
  // ... and that by the weight: 3 <yv^2, conv(v, dw)>.
  const auto [gw] = tape.gradient(third, {weight});
  const Variable vp = parameter(w);
  Tape other;
  const Variable z = conv2d(v, vp, {}, options);
  const auto [expected] = other.gradient(sum(z * z * z), {vp});
  for (std::size_t i = 0; i < gw.size(); ++i) CHECK(gw.data()[i] == doctest::Approx(expected.data()[i]).epsilon(1e-11));
}

TEST_CASE("conv2d: what does not fit is refused, with shapes, rule and fix") {
  const auto zeros = [](const Shape& s) { return Variable<double>(Array<double>(s, 0.)); };
  const auto conv = [&](const Shape& x, const Shape& w, const Conv2d& o = {}) {
    return message<Error>([&] { conv2d(zeros(x), zeros(w), {}, o); });
  };
  CHECK(conv({8, 3, 32, 32}, {16, 1, 5, 5}) ==
        "conv2d: x is [8,3,32,32] but weight is [16,1,5,5]; x.shape[1] = 3 must equal weight.shape[1] = 1");
  CHECK(
      conv({8, 4, 32, 32}, {16, 4, 5, 5}, {.groups = 2}) ==
      "conv2d: x is [8,4,32,32] but weight is [16,4,5,5]; x.shape[1] = 4 must equal weight.shape[1] * groups = 4 * 2");
  CHECK(conv({8, 3, 32, 32}, {16, 1, 5, 5}, {.groups = 2}) ==
        "conv2d: x is [8,3,32,32] but weight is [16,1,5,5]; groups = 2 must divide x.shape[1] = 3");
  CHECK(conv({8, 4, 32, 32}, {5, 2, 5, 5}, {.groups = 2}) ==
        "conv2d: x is [8,4,32,32] but weight is [5,2,5,5]; groups = 2 must divide weight.shape[0] = 5");
  CHECK(
      conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.padding = 1, .dilation = 3}) ==
      "conv2d: x is [1,1,6,3] but weight is [1,1,3,3]; along axis 3 the kernel spans 7, more than the padded x with 5; "
      "give more padding or a smaller kernel");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.stride = {0, 1}}) == "conv2d: stride is (0,1); it must be at least 1");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.padding = -1}) == "conv2d: padding is (-1,-1); it must be at least 0");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.dilation = 0}) == "conv2d: dilation is (0,0); it must be at least 1");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.groups = 0}) == "conv2d: groups is 0; it must be at least 1");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 0, 3}) == "conv2d: kernel is (0,3); it must be at least 1");
  CHECK(conv({1, 1, 6, 3}, {1, 1, 3, 3}, {.stride = std::ptrdiff_t{1} << 40}) ==
        "conv2d: stride is (1099511627776,1099511627776); it must be at least 1 and at most 2147483647");
  CHECK(conv({3, 32, 32}, {16, 3, 5, 5}) == "conv2d: x is [3,32,32]; it must be [N,C,H,W]");
  CHECK(conv({1, 3, 32, 32}, {16, 3}) == "conv2d: weight is [16,3]; it must be [O,C/groups,KH,KW]");
  CHECK(message<ShapeError>([&] {
          conv2d(zeros({1, 1, 3, 3}), zeros({2, 1, 3, 3}), zeros({3}));
        }) == "conv2d: bias is [3] but weight is [2,1,3,3]; bias must be [2]");
  CHECK(message<ShapeError>([&] {
          conv1d(zeros({1, 1, 3, 3}), zeros({2, 1, 3}));
        }) == "conv1d: x is [1,1,3,3]; it must be [N,C,L]");
  CHECK(message<ShapeError>([&] {
          conv1d(zeros({1, 1, 3}), zeros({2, 1, 5}));
        }) ==
        "conv1d: x is [1,1,3] but weight is [2,1,5]; along axis 2 the kernel spans 5, more than the padded x with 3; "
        "give "
        "more padding or a smaller kernel");
  CHECK(message<ValueError>([&] {
          conv1d(zeros({1, 1, 3}), zeros({2, 1, 1}), {}, {.stride = 0});
        }) == "conv1d: stride is 0; it must be at least 1");
}
