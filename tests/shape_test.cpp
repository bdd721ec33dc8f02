// Shapes, parts and joins against naive loops over indices, and what they refuse.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

A counting(const Shape& shape) {
  A x(shape);
  for (std::size_t i = 0; i < x.size(); ++i) x.storage()[i] = static_cast<double>(i);
  return x;
}

using Index = std::vector<std::size_t>;

/// f(index) for every index of an array of that shape, in order.
template <class F> void each_index(const Shape& shape, F f) {
  Index i(shape.size(), 0);
  for (std::size_t n = count(shape); n > 0; --n) {
    f(i);
    for (std::size_t a = shape.size(); a-- > 0 && ++i[a] == shape[a];) i[a] = 0;
  }
}
double& at(A& x, const Index& i) { return x.element(i.begin(), i.end()); }
double at(const A& x, const Index& i) { return x.element(i.begin(), i.end()); }

/// y = f(x) must be x[from(i)] at every index i, or `value` where from(i) is empty; and its gradient u must go to the
/// same places, be it the first term or added to another.
template <class F, class From> void check_moves(const A& x, F f, const Shape& shape, From from, double value = 0) {
  const V p = parameter(x);
  Tape tape;
  const V y = f(p);
  REQUIRE(y.shape() == shape);
  A g = A(x.shape(), 0.);
  const A u = counting(shape) + 1;
  each_index(shape, [&](const Index& i) {
    const auto source = from(i);
    CHECK(at(y.value(), i) == (source ? at(x, *source) : value));
    if (source) at(g, *source) += at(u, i);
  });
  CHECK(tape.gradient(y, {p}, {.upstream = u, .retain = true})[0].value() == g);
  CHECK(tape.gradient(sum(p) + sum(y * V(u)), {p})[0].value() == A(g + 1));
}

/// What Python says: the indices of range(n)[start:stop:step], the plain way.
std::vector<std::size_t> picked(std::ptrdiff_t n, const Slice& s) {
  std::vector<std::size_t> all;
  const auto end = [&](std::optional<std::ptrdiff_t> at, std::ptrdiff_t fallback) {
    if (!at) return fallback;
    std::ptrdiff_t i = *at;
    if (i < 0) i += n;
    if (i < 0) return s.step < 0 ? std::ptrdiff_t{-1} : std::ptrdiff_t{0};
    if (i >= n) return s.step < 0 ? n - 1 : n;
    return i;
  };
  if (s.step > 0)
    for (std::ptrdiff_t i = end(s.start, 0); i < end(s.stop, n); i += s.step) all.push_back(i);
  else
    for (std::ptrdiff_t i = end(s.start, n - 1); i > end(s.stop, -1); i += s.step) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("slice: every start, stop and step there is, as Python's") {
  for (const std::ptrdiff_t n : {0, 1, 4, 5})
    for (std::ptrdiff_t start = -8; start <= 8; ++start)
      for (std::ptrdiff_t stop = -8; stop <= 8; ++stop)
        for (const std::ptrdiff_t step : {-7, -3, -2, -1, 1, 2, 3, 7}) {
          Slice s{start, stop, step};
          if (start == 8) s.start = {};  // left out
          if (stop == 8) s.stop = {};
          const auto want = picked(n, s);
          const V x = counting({static_cast<std::size_t>(n)});
          const V y = slice(x, {s});
          REQUIRE(y.size() == want.size());
          for (std::size_t i = 0; i < want.size(); ++i) REQUIRE(y.data()[i] == static_cast<double>(want[i]));
        }
  const std::ptrdiff_t most = PTRDIFF_MAX, least = PTRDIFF_MIN;
  const V x = counting({5});
  CHECK(slice(x, {{least, most, most}}).value() == A{0});
  CHECK(slice(x, {{most, least, least}}).value() == A{4});
  CHECK(slice(x, {{most, least, -1}}).value() == A{4, 3, 2, 1, 0});
}

TEST_CASE("slice, flip: values and gradients against loops over indices") {
  for (const Shape& shape : {Shape{7}, Shape{5, 6}, Shape{3, 4, 5}, Shape{2, 3, 2, 4}, Shape{2, 1, 3, 1, 19}})
    for (const Slice& first : {Slice{}, Slice{1, {}}, Slice{{}, {}, -1}, Slice{{}, {}, 2}})
      for (const Slice& last : {Slice{}, Slice{1, 3}, Slice{{}, {}, -2}, Slice{-1, {}}, Slice{{}, 1}}) {
        Slices slices(shape.size());
        for (Slice& s : slices) s = {};
        slices.back() = last;
        slices[0] = first;
        std::vector<std::vector<std::size_t>> from;
        Shape result;
        for (std::size_t i = 0; i < shape.size(); ++i) {
          from.push_back(picked(static_cast<std::ptrdiff_t>(shape[i]), slices[i]));
          result.push_back(from[i].size());
        }
        check_moves(
            counting(shape), [&](const V& x) { return slice(x, slices); }, result,
            [&](Index i) {
              for (std::size_t a = 0; a < i.size(); ++a) i[a] = from[a][i[a]];
              return std::optional(i);
            });
      }
  check_moves(
      counting({3, 4, 5}),
      [](const V& x) {
        return flip(x, {0, -1});
      },
      {3, 4, 5},
      [](const Index& i) {
        return std::optional(Index{2 - i[0], i[1], 4 - i[2]});
      });
  check_moves(
      counting({40}), [](const V& x) { return flip(x); }, {40},
      [](const Index& i) { return std::optional(Index{39 - i[0]}); });
  CHECK(slice(V(counting({2, 3})), {{1, 2}}).value() == A{{3, 4, 5}});
  CHECK(slice(V(3.), {}).item() == 3);
  CHECK(flip(V(A(Shape{0, 2}))).shape() == Shape{0, 2});
}

TEST_CASE("transpose: any order, values and gradients, sizes around a tile") {
  const std::vector<std::pair<Shape, Axes>> cases = {{{3, 4}, {1, 0}},
                                                     {{16, 16}, {1, 0}},
                                                     {{33, 18}, {1, 0}},
                                                     {{2, 17, 19}, {2, 0, 1}},
                                                     {{5, 3, 4}, {1, 0, 2}},
                                                     {{4, 5, 6}, {2, 1, 0}},
                                                     {{2, 3, 4, 5}, {0, 2, 1, 3}},
                                                     {{2, 3, 4, 5}, {3, 1, 2, 0}},
                                                     {{2, 1, 4, 1}, {3, 2, 1, 0}},
                                                     {{2, 3, 2, 3, 2}, {4, 0, 3, 1, 2}},
                                                     {{8, 9, 10}, {0, 2, 1}},
                                                     {{6}, {0}}};
  for (const auto& [shape, axes] : cases) {
    Shape result;
    for (const auto a : axes) result.push_back(shape[a]);
    check_moves(
        counting(shape), [&, axes = axes](const V& x) { return transpose(x, axes); }, result,
        [&, axes = axes](const Index& i) {
          Index from(i.size());
          for (std::size_t a = 0; a < i.size(); ++a) from[axes[a]] = i[a];
          return std::optional(from);
        });
  }
}

TEST_CASE("pad: values and gradients") {
  check_moves(
      counting({2, 3, 4}),
      [](const V& x) {
        return pad(x, {{1, 0}, {0, 2}, {3, 1}}, 7.5);
      },
      {3, 5, 8},
      [](const Index& i) {
        const bool inside = i[0] >= 1 && i[1] < 3 && i[2] >= 3 && i[2] < 7;
        return inside ? std::optional(Index{i[0] - 1, i[1], i[2] - 3}) : std::nullopt;
      },
      7.5);
  CHECK(pad(V(A(Shape{0})), {{1, 1}}, 3).value() == A{3, 3});
  CHECK(pad(V(2.), {}).item() == 2);
}

TEST_CASE("concat and stack: values, and each piece gets its part of the gradient") {
  for (const std::ptrdiff_t axis : {0, 1, 2}) {
    Shape shapes[3] = {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}};
    shapes[1][axis] = 5;
    shapes[2][axis] = 1;
    std::vector<V> xs;
    for (const Shape& s : shapes) xs.push_back(parameter(A(counting(s) + 100 * static_cast<double>(xs.size()))));
    Tape tape;
    const V y = concat(xs, axis - 3);
    const auto pieces = split(y, {static_cast<std::ptrdiff_t>(shapes[0][axis]), 5, 1}, axis);
    const A u = counting(y.shape());
    const auto of_u = split(V(u), {static_cast<std::ptrdiff_t>(shapes[0][axis]), 5, 1}, axis);
    const auto g = tape.gradient(y, xs, {.upstream = u});
    std::size_t start = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(pieces[k].value() == xs[k].value());
      CHECK(g[k].value() == of_u[k].value());
      each_index(shapes[k], [&](Index i) {
        const double x = at(xs[k].value(), i);
        i[axis] += start;
        CHECK(at(y.value(), i) == x);
      });
      start += shapes[k][axis];
    }
  }
  const V a = parameter(A{{1, 2}, {3, 4}}), b = parameter(A{{5, 6}, {7, 8}});
  Tape tape;
  for (const std::ptrdiff_t axis : {0, 1, 2}) {
    const V y = stack({a, b, a}, axis);
    each_index(y.shape(), [&](Index i) {
      const std::size_t k = i[axis];
      const double got = at(y.value(), i);
      i.erase(i.begin() + axis);
      CHECK(got == at((k == 1 ? b : a).value(), i));
    });
    A u = A(y.shape(), 0.);
    each_index(y.shape(), [&](const Index& i) { at(u, i) = i[axis] == 0 ? 1 : i[axis] == 1 ? 10 : 100; });
    const auto [ga, gb] = tape.gradient(y, {a, b}, {.upstream = u, .retain = true});
    CHECK(ga.value() == A(Shape{2, 2}, 101.));
    CHECK(gb.value() == A(Shape{2, 2}, 10.));
  }
  CHECK(stack({V(1.), V(2.)}).value() == A{1, 2});
  CHECK(concat({V(A{1, 2}), V(A(Shape{0})), V(A{3})}).value() == A{1, 2, 3});
}

TEST_CASE("split: equal parts and sizes; pieces that nobody uses") {
  const V x = parameter(counting({2, 6}));
  Tape tape;
  const auto thirds = split(x, 3, 1);
  REQUIRE(thirds.size() == 3);
  CHECK(thirds[2].value() == A{{4, 5}, {10, 11}});
  CHECK(tape.gradient(sum(thirds[0]) + 2 * sum(thirds[2]), {x})[0].value() ==
        A{{1, 1, 0, 0, 2, 2}, {1, 1, 0, 0, 2, 2}});
  CHECK(split(V(A{1, 2, 3}), {3}).size() == 1);
  CHECK(split(V(A{1, 2, 3}), {0, 3})[0].shape() == Shape{0});
  CHECK(message<ShapeError>([&] { split(x, 4, 1); }) ==
        "split: axis 1 of x [2,6] does not divide into 4 equal parts; give the sizes {..} of unequal ones");
  CHECK(message<ShapeError>([&] { split(x, 0); }) ==
        "split: axis 0 of x [2,6] does not divide into 0 equal parts; give the sizes {..} of unequal ones");
  CHECK(message<ShapeError>([&] {
          split(x, {2, 3}, -1);
        }) == "split: the sizes {2,3} do not add up to axis 1 of x [2,6]");
  CHECK(message<ShapeError>([&] {
          split(x, {7, -1}, -1);
        }) == "split: the sizes {7,-1} do not add up to axis 1 of x [2,6]");
}

TEST_CASE("squeeze and unsqueeze") {
  const V x = counting({1, 3, 1});
  CHECK(squeeze(x).shape() == Shape{3});
  CHECK(squeeze(x, -1).shape() == Shape{1, 3});
  CHECK(squeeze(x, {0, 2}).shape() == Shape{3});
  CHECK(squeeze(V(A(Shape{1, 1}, 5.))).item() == 5);
  CHECK(unsqueeze(x, 0).shape() == Shape{1, 1, 3, 1});
  CHECK(unsqueeze(x, -1).shape() == Shape{1, 3, 1, 1});
  CHECK(unsqueeze(V(A{1, 2}), 1).shape() == Shape{2, 1});
  CHECK(message<ShapeError>([&] { squeeze(x, 1); }) ==
        "squeeze: axis 1 of x [1,3,1] has more than one element, or none; only an axis of extent 1 can be left out");
  CHECK(message<ShapeError>([&] { unsqueeze(x, 4); }) ==
        "unsqueeze: a new axis of x [1,3,1] cannot be at 4; it may be at -4 to 3");
}

TEST_CASE("a result keeps its value when the parameter behind it is changed") {
  V x = parameter(A{1, 2}), number = parameter(A(Shape{}, 3.));
  const V same = reshape(x, {2}), total = sum(number), copy = broadcast_to(x, {2}), squeezed = squeeze(x);
  x.mutable_value().fill(0);
  number.mutable_value().fill(0);
  CHECK(same.value() == A{1, 2});
  CHECK(copy.value() == A{1, 2});
  CHECK(squeezed.value() == A{1, 2});
  CHECK(total.item() == 3);
}

TEST_CASE("reshape, transpose, broadcast_to: values and errors") {
  const V x = A{{1, 2, 3}, {4, 5, 6}};
  CHECK(reshape(x, {3, -1}).value() == A{{1, 2}, {3, 4}, {5, 6}});
  CHECK(reshape(V(A(Shape{0, 3})), {3, -1}).shape() == Shape{3, 0});
  CHECK(transpose(x).value() == A{{1, 4}, {2, 5}, {3, 6}});
  CHECK(transpose(V(7.)).item() == 7);
  CHECK(broadcast_to(V(A{1, 2}), {2, 2}).value() == A{{1, 2}, {1, 2}});
  CHECK(message<ShapeError>([&] { reshape(x, {4, 2}); }) == "reshape: x is [2,3], 6 elements, which do not fill [4,2]");
  CHECK(message<ShapeError>([&] {
          reshape(x, {4, -1});
        }) == "reshape: x is [2,3], 6 elements, which do not fill [4,-1]");
  CHECK(message<ShapeError>([&] {
          reshape(V(A(Shape{0})), {std::ptrdiff_t{1} << 62, 4});
        }) == "reshape: x is [0], 0 elements, which do not fill [4611686018427387904,4]");
  CHECK(message<ShapeError>([&] {
          reshape(x, {-1, -1});
        }) == "reshape: [-1,-1] has a negative extent; only one may be -1");
  CHECK(message<ShapeError>([&] {
          transpose(x, {0, 0});
        }) == "transpose: the axes must name each axis of x [2,3] once");
  CHECK(message<ShapeError>([&] {
          broadcast_to(x, {3, 3});
        }) ==
        "broadcast_to: a is [2,3] but b is [3,3]; a.shape[0] = 2 and b.shape[0] = 3 must be equal, or one of them 1");
  CHECK(message<ShapeError>([&] { broadcast_to(x, {3}); }) ==
        "broadcast_to: x is [2,3], which does not stretch to [3]");
}

TEST_CASE("parts and joins: what is refused") {
  const V x = counting({2, 3});
  CHECK(message<ShapeError>([&] {
          slice(x, {{}, {}, {}});
        }) == "slice: 3 slices for x [2,3]; there may be one an axis");
  CHECK(message<ValueError>([&] {
          slice(x, {{}, {.step = 0}});
        }) == "slice: the step of axis 1 is 0; it must go forwards (1, 2, ..) or backwards (-1, -2, ..)");
  CHECK(message<ShapeError>([&] { flip(x, 2); }) == "flip: axis 2 is out of range for x [2,3]; axes go from -2 to 1");
  CHECK(message<ShapeError>([&] {
          pad(x, {{1, 1}});
        }) == "pad: 1 paddings {before, after} for x [2,3]; there must be one an axis");
  CHECK(message<ShapeError>([&] {
          pad(x, {{0, 0}, {static_cast<std::size_t>(-4), 2}});
        }) == "pad: axis 1 of x [2,3] would become too long to be counted; paddings must not be negative");
  CHECK(message<ShapeError>([&] {
          concat({x, V(A{1, 2})});
        }) == "concat: xs[0] is [2,3] but xs[1] is [2]; they must have the same rank");
  CHECK(message<ShapeError>([&] {
          concat({x, x, V(counting({2, 2}))});
        }) ==
        "concat: xs[0] is [2,3] but xs[2] is [2,2]; along axis 1 they must be equal, they are joined along axis 0");
  CHECK(message<ShapeError>([&] {
          concat({V(1.), V(2.)});
        }) == "concat: axis 0 is out of range for x []; a number has no axes");
  CHECK(message<ValueError>([&] { concat(std::vector<V>()); }) ==
        "concat: there is nothing to join; give at least one value");
  CHECK(message<ShapeError>([&] {
          stack({x, V(A{1, 2})});
        }) == "stack: xs[0] is [2,3] but xs[1] is [2]; they must be equal");
  CHECK(message<ShapeError>([&] {
          stack({x, x}, -4);
        }) == "stack: a new axis of x [2,3] cannot be at -4; it may be at -3 to 2");
  CHECK(message<ShapeError>([&] { transpose(V(A(Shape(33, 1), 0.))); }).find("has more than 32 axes") !=
        std::string::npos);
}
