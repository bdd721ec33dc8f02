// Values, conventions, and what ops refuse.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

TEST_CASE_TEMPLATE("reductions of what is not finite", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(std::isnan(max(Variable<T>(Array<T>{1, nan, 3})).item()));
  CHECK(logsumexp(Variable<T>(Array<T>{-inf, -inf, -inf})).item() == -inf);
  CHECK(logsumexp(Variable<T>(Array<T>{inf, 1, 1})).item() == inf);
  CHECK(logsumexp(Variable<T>(Array<T>{T(1e30), T(1e30), 0})).item() == T(1e30));
}

TEST_CASE("comparisons of one element; shapes that stretch nowhere or beyond all counting") {
  CHECK((V(A(Shape{1}, 1.)) > 0).value() == A(Shape{1}, 1.));
  CHECK((V(1.) < V(A{0, 2, 1})).value() == A{0, 1, 0});
  CHECK(message<ShapeError>([&] {
          sum_to(V(A(Shape{4, 6}, 1.)), {2, 6});
        }) == "sum_to: a is [4,6] but b is [2,6]; a.shape[0] = 4 and b.shape[0] = 2 must be equal, or one of them 1");
  CHECK(message<ShapeError>([&] { sum_to(V(A{1, 2, 3}), {1, 1, 3}); }) == "sum_to: [1,1,3] does not stretch to x [3]");
  const std::size_t huge = std::size_t{1} << 32;
  CHECK(message<ShapeError>([&] {
          broadcast_to(V(1.), {huge, huge});
        }) == "shape: [4294967296,4294967296] has more elements than can be counted");
}

TEST_CASE("arrays take xtensor expressions and go back into xtensor") {
  const xt::xarray<double> theirs = {{1, 2}, {3, 4}};
  const A ours = theirs * 2 + 1;
  const V v = xt::transpose(theirs);
  CHECK(v.value() == A{{1, 3}, {2, 4}});
  const xt::xarray<double> back = ours;
  CHECK(xt::sum(v.value())() == 10);
  CHECK(back == theirs * 2 + 1);
  CHECK(parameter(theirs).wants_gradient());
}
