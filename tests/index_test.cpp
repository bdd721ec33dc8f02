// Picking by index against naive loops, repeated indices, and indices that are refused.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

using Index = std::vector<std::size_t>;

template <class F> void each_index(const Shape& shape, F f) {
  Index i(shape.size(), 0);
  for (std::size_t n = count(shape); n > 0; --n) {
    f(i);
    for (std::size_t a = shape.size(); a-- > 0 && ++i[a] == shape[a];) i[a] = 0;
  }
}
template <class X> auto& at(X& x, const Index& i) { return x.element(i.begin(), i.end()); }

Labels some_indices(const Shape& shape, std::size_t extent, std::mt19937_64& random) {
  Labels index(shape);
  for (auto& i : index.storage()) i = static_cast<std::int64_t>(random() % extent);
  return index;
}

/// y = f(x) must be x[from(i)] at every index i, and its gradient go there, be it the first term or added to another.
template <class F, class From>
void check_picks(const A& x, F f, const Shape& shape, From from, std::mt19937_64& random) {
  const V p = parameter(x);
  Tape tape;
  const V y = f(p);
  REQUIRE(y.shape() == shape);
  const A u = test::uniform(shape, {-1, 1}, random);
  A g = A(x.shape(), 0.);
  each_index(shape, [&](const Index& i) {
    CHECK(at(y.value(), i) == at(x, from(i)));
    at(g, from(i)) += at(u, i);
  });
  CHECK(tape.gradient(y, {p}, {.upstream = u, .retain = true})[0].value() == g);
  CHECK(xt::allclose(tape.gradient(sum(y * V(u)) + sum(p), {p})[0].value(), g + 1, 1e-14, 1e-14));
}

}  // namespace

TEST_CASE("gather: every axis, shorter indices, repeated ones") {
  std::mt19937_64 random(41);
  const A x = test::uniform({3, 4, 5}, {-2, 2}, random);
  for (const std::ptrdiff_t axis : {0, 1, 2})
    for (const Shape& shape : {Shape{3, 4, 5}, Shape{2, 3, 4}, Shape{1, 1, 1}, Shape{3, 4, 1}, Shape{1, 4, 5}}) {
      Shape longer = shape;
      longer[axis] += 4;
      for (const Shape& s : {shape, longer}) {
        const Labels index = some_indices(s, x.shape()[axis], random);
        check_picks(
            x, [&](const V& v) { return gather(v, axis - 3, index); }, s,
            [&](Index i) {
              i[axis] = static_cast<std::size_t>(at(index, i));
              return i;
            },
            random);
      }
    }
  CHECK(gather(V(A{1, 2, 3}), 0, Labels{2, 2, 0, 1}).value() == A{3, 3, 1, 2});
}

TEST_CASE("index_select and embedding: every axis, repeated indices") {
  std::mt19937_64 random(42);
  const A x = test::uniform({3, 4, 5}, {-2, 2}, random), table = test::uniform({7, 19}, {-2, 2}, random);
  for (const std::ptrdiff_t axis : {0, 1, 2})
    for (const std::size_t n : {0, 1, 2, 11}) {
      const Labels index = some_indices({n}, x.shape()[axis], random);
      Shape shape = x.shape();
      shape[axis] = n;
      check_picks(
          x, [&](const V& v) { return index_select(v, axis, index); }, shape,
          [&](Index i) {
            i[axis] = static_cast<std::size_t>(index(i[axis]));
            return i;
          },
          random);
    }
  const Labels index = some_indices({2, 3, 4}, 7, random);
  check_picks(
      table, [&](const V& v) { return embedding(v, index); }, {2, 3, 4, 19},
      [&](const Index& i) {
        return Index{static_cast<std::size_t>(index(i[0], i[1], i[2])), i[3]};
      },
      random);
  Labels one(Shape{});
  one() = 3;
  CHECK(embedding(V(table), one).shape() == Shape{19});
}

TEST_CASE("scatter_add and index_add: what gather and index_select undo; operands stay as they were") {
  const V x = parameter(A{{1, 2, 3}, {4, 5, 6}}), src = parameter(A{{10, 20}, {30, 40}});
  Tape tape;
  const V y = scatter_add(x, 1, Labels{{0, 0}, {2, 1}}, src);
  CHECK(y.value() == A{{31, 2, 3}, {4, 45, 36}});
  CHECK(x.value() == A{{1, 2, 3}, {4, 5, 6}});
  const V z = index_add(x, 1, Labels{2, 2}, src);
  CHECK(z.value() == A{{1, 2, 33}, {4, 5, 76}});
  const V u = A{{1, 2, 3}, {4, 5, 6}};
  const auto [gx, gs] = tape.gradient(sum(y * u) + sum(z), {x, src});
  CHECK(gx.value() == A{{2, 3, 4}, {5, 6, 7}});
  CHECK(gs.value() == A{{2, 2}, {7, 6}});
}

TEST_CASE("repeated indices add up as a plain sum does, in order") {
  const V table = parameter(A(Shape{3, 2}, 0.));
  Tape tape;
  const V y = embedding(table, Labels(Shape{1000}, 1));
  A u(Shape{1000, 2});
  double sum = 0;
  for (std::size_t i = 0; i < 1000; ++i) u(i, 0) = u(i, 1) = 1. / (1. + static_cast<double>(i)), sum += u(i, 0);
  CHECK(tape.gradient(y, {table}, {.upstream = u})[0].value() == A{{0, 0}, {sum, sum}, {0, 0}});
}

TEST_CASE("a gradient that is there is touched in the rows named only") {
  const V table = parameter(A(Shape{3, 2}, 1.));
  {
    Tape tape;
    tape.backward(sum(table));
  }
  const_cast<A&>(table.grad())(0, 0) = std::numeric_limits<double>::quiet_NaN();
  Tape tape;
  tape.backward(sum(embedding(table, Labels{2, 2})));
  CHECK(std::isnan(table.grad()(0, 0)));
  CHECK(table.grad()(1, 1) == 1);
  CHECK(table.grad()(2, 0) == 3);
}

TEST_CASE("an index out of range is refused with its position, its value and the range") {
  const V x = A{{1, 2, 3}, {4, 5, 6}};
  CHECK(message<ValueError>([&] {
          gather(x, 1, Labels{{2, 2}, {-5, 0}});
        }) == "gather: index[1,0] = -5 is outside 0..2, axis 1 of x [2,3]");
  CHECK(message<ValueError>([&] {
          gather(x, -1, Labels{{1, 2}, {3, 1}});
        }) ==
        "gather: index[1,0] = 3 is outside 0..2, axis 1 of x [2,3]; the indices seem to count from 1: subtract 1");
  CHECK(message<ValueError>([&] {
          scatter_add(x, 0, Labels{{0, 1, INT64_MIN}}, V(A{{1, 2, 3}}));
        }) == "scatter_add: index[0,2] = -9223372036854775808 is outside 0..1, axis 0 of x [2,3]");
  CHECK(message<ValueError>([&] {
          index_select(x, 0, Labels{0, 1, INT64_MAX});
        }) == "index_select: index[2] = 9223372036854775807 is outside 0..1, axis 0 of x [2,3]");
  CHECK(message<ValueError>([&] {
          index_add(x, 1, Labels{3}, V(A(Shape{2, 1}, 1.)));
        }) == "index_add: index[0] = 3 is outside 0..2, axis 1 of x [2,3]");
  CHECK(message<ValueError>([&] {
          embedding(x, Labels{{0, 2}});
        }) == "embedding: index[0,1] = 2 is outside 0..1, axis 0 of weight [2,3]");
  CHECK(message<ValueError>([&] {
          embedding(V(A(Shape{0, 3})), Labels{0});
        }) == "embedding: index[0] = 0 is outside an axis without elements, axis 0 of weight [0,3]");
  Labels number(Shape{});
  number() = 9;
  CHECK(message<ValueError>([&] { embedding(x, number); }) ==
        "embedding: index = 9 is outside 0..1, axis 0 of weight [2,3]");
}

TEST_CASE("indices of shapes that do not fit are refused") {
  const V x = A{{1, 2, 3}, {4, 5, 6}};
  CHECK(message<ShapeError>([&] { gather(x, 0, Labels{1}); }) ==
        "gather: x is [2,3] but index is [1]; they must have the same rank");
  CHECK(message<ShapeError>([&] {
          gather(x, 1, Labels{{0, 0}, {0, 0}, {0, 0}});
        }) == "gather: x is [2,3] but index is [3,2]; index.shape[0] = 3 must not exceed x.shape[0] = 2");
  CHECK(message<ShapeError>([&] { gather(V(1.), 0, Labels{0}); }) ==
        "gather: axis 0 is out of range for x []; a number has no axes");
  CHECK(message<ShapeError>([&] {
          scatter_add(x, 1, Labels{{0, 0, 0}}, V(A{{1, 2}}));
        }) == "scatter_add: index is [1,3] but src is [1,2]; they must be equal");
  CHECK(message<ShapeError>([&] {
          index_select(x, 1, Labels{{0, 1}});
        }) == "index_select: index is [1,2]; it must be [K], one a line");
  CHECK(message<ShapeError>([&] {
          index_add(x, 1, Labels{0, 0}, V(A{{1, 2}}));
        }) == "index_add: x is [2,3] and index is [2] but src is [1,2]; it must be [2,2]");
  CHECK(message<ShapeError>([&] {
          embedding(V(A{1, 2}), Labels{0});
        }) == "embedding: weight is [2]; it must be [V,D], a row an entry");
}
