// Linear systems and factorisations against Gaussian elimination in long double, identities, and what is refused.
#include "autodiff/ops/linalg.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

using Exact = std::vector<long double>;  // a matrix, row after row

template <class T> Exact exact(const Array<T>& x) { return Exact(x.storage().begin(), x.storage().end()); }

/// A^-1 and det A, by Gauss and Jordan with exchanges of rows.
Exact inverse(Exact a, std::size_t n, long double& det) {
  Exact x(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) x[i * (n + 1)] = 1;
  det = 1;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t p = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[p * n + k])) p = i;
    for (std::size_t j = 0; p != k && j < n; ++j)
      std::swap(a[k * n + j], a[p * n + j]), std::swap(x[k * n + j], x[p * n + j]);
    const long double pivot = a[k * n + k];
    det *= p != k ? -pivot : pivot;
    for (std::size_t j = 0; j < n; ++j) a[k * n + j] /= pivot, x[k * n + j] /= pivot;
    for (std::size_t i = 0; i < n; ++i) {
      const long double f = a[i * n + k];
      if (i == k || f == 0) continue;
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] -= f * a[k * n + j], x[i * n + j] -= f * x[k * n + j];
    }
  }
  return x;
}

Exact product(const Exact& a, const Exact& b, std::size_t n) {
  const std::size_t m = b.size() / n;
  Exact c(n * m, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < m; ++j) c[i * m + j] += a[i * n + k] * b[k * m + j];
  return c;
}

/// The largest sum of |entries| of a row.
double norm(const Exact& a, std::size_t n) {
  long double most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    long double sum = 0;
    for (std::size_t j = 0; j < a.size() / n; ++j) sum += std::abs(a[i * (a.size() / n) + j]);
    most = std::max(most, sum);
  }
  return static_cast<double>(most);
}

/// |got - exact| / |exact|
template <class T> double error(const Variable<T>& got, Exact x, std::size_t n) {
  const double scale = norm(x, n);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = got.data()[i] - x[i];
  return norm(x, n) / scale;
}

/// Entries in [-1, 1], the diagonal n/2 further out, so that no condition is large; rows in another order.
template <class T> Array<T> regular(std::size_t n, std::mt19937_64& random) {
  Array<T> a = test::uniform<T>({n, n}, {-1, 1}, random);
  for (std::size_t i = 0; i < n; ++i) a(i, (i + 1) % n) += static_cast<T>(n) / 2;
  return a;
}

template <class T> Array<T> positive_definite(std::size_t n, std::mt19937_64& random) {
  Array<T> a = test::uniform<T>({n, n}, {-1, 1}, random);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a(i, j) = a(j, i);
    a(i, i) = std::abs(a(i, i)) + static_cast<T>(n) / 2 + 1;
  }
  return a;
}

const std::vector<std::size_t> sizes = {1, 2, 3, 5, 8, 17, 70, 130};

}  // namespace

TEST_CASE_TEMPLATE("solve, inv, logdet: against elimination in long double", T, float, double) {
  std::mt19937_64 random(41);
  for (const std::size_t n : sizes) {
    CAPTURE(n);
    const Array<T> a = regular<T>(n, random), b = test::uniform<T>({n, 3}, {-1, 1}, random);
    long double det;
    const Exact y = inverse(exact(a), n, det);
    const double bound = static_cast<double>(n) * std::numeric_limits<T>::epsilon() * norm(exact(a), n) * norm(y, n);
    CHECK(error(inv(Variable<T>(a)), y, n) <= bound);
    CHECK(error(solve(Variable<T>(a), Variable<T>(b)), product(y, exact(b), n), n) <= bound);
    const Array<T> first(Shape{n}, T(1));
    CHECK(error(solve(Variable<T>(a), Variable<T>(first)), product(y, Exact(n, 1), n), n) <= bound);
    if (det > 0)
      CHECK(std::abs(logdet(Variable<T>(a)).item() - std::log(det)) <= bound * 2);
    else
      CHECK_THROWS_AS(logdet(Variable<T>(a)), ValueError);
    const Variable<T> round_trip = matmul(Variable<T>(a), inv(Variable<T>(a)));
    Exact identity(n * n, 0);
    for (std::size_t i = 0; i < n; ++i) identity[i * (n + 1)] = 1;
    CHECK(error(round_trip, identity, n) <= bound);
  }
}

TEST_CASE_TEMPLATE("cholesky: L L^T = A, and the triangle is one", T, float, double) {
  std::mt19937_64 random(42);
  for (const std::size_t n : sizes) {
    CAPTURE(n);
    const Array<T> a = positive_definite<T>(n, random);
    const Variable<T> l = cholesky(Variable<T>(a));
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(l.value()(i, i) > 0);
      for (std::size_t j = i + 1; j < n; ++j) CHECK(l.value()(i, j) == 0);
    }
    const double bound = static_cast<double>(n) * std::numeric_limits<T>::epsilon();
    CHECK(error(matmul(l, l, {.b = true}), exact(a), n) <= bound);
    // Only the symmetric part counts.
    Array<T> skewed = a;
    if (n > 1) skewed(0, 1) += 1, skewed(1, 0) -= 1;
    CHECK(error(cholesky(Variable<T>(skewed)), exact(l.value()), n) <= 4 * bound);
    long double det;
    inverse(exact(a), n, det);
    CHECK(logdet(Variable<T>(a)).item() == doctest::Approx(static_cast<double>(std::log(det))).epsilon(bound * 8));
  }
}

TEST_CASE_TEMPLATE("solve_triangular: each triangle, and its transpose", T, float, double) {
  std::mt19937_64 random(43);
  for (const std::size_t n : sizes)
    for (const bool upper : {false, true})
      for (const bool transposed : {false, true}) {
        CAPTURE(n);
        Array<T> a = test::uniform<T>({n, n}, {-1, 1}, random);
        for (std::size_t i = 0; i < n; ++i) a(i, i) += static_cast<T>(n);
        const Array<T> b = test::uniform<T>({n, 2}, {-1, 1}, random);
        Exact used(n * n, 0);
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t j = 0; j < n; ++j)
            if (upper ? i <= j : i >= j) used[transposed ? j * n + i : i * n + j] = a(i, j);
        const Variable<T> x = solve_triangular(Variable<T>(a), Variable<T>(b), {upper, transposed});
        CHECK(error(Variable<T>(b), product(used, exact(x.value()), n), n) <=
              n * 4 * std::numeric_limits<T>::epsilon());
      }
}

TEST_CASE("solve: a Hilbert matrix of order 5 and its known solution") {
  A h(Shape{5, 5}), b(Shape{5}, 0.);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j) {
      h(i, j) = 2520. / static_cast<double>(i + j + 1);  // a whole number
      b(i) += h(i, j) * static_cast<double>(j + 1);
    }
  const A x = solve(V(h), V(b)).value();
  const double condition = 943656;  // in the norm of the largest row
  for (std::size_t j = 0; j < 5; ++j) CHECK(std::abs(x(j) - static_cast<double>(j + 1)) <= 5 * 0x1p-52 * condition * 5);
  // det H_5 = 1 / 266716800000
  CHECK(logdet(V(h)).item() == doctest::Approx(5 * std::log(2520.) - std::log(266716800000.)).epsilon(1e-12));
}

TEST_CASE("logdet: a known determinant, and those beyond the range of numbers") {
  CHECK(std::exp(logdet(V(A{{4, 3}, {2, 5}})).item()) == doctest::Approx(14).epsilon(1e-15));
  CHECK(logdet(V(A{{0, 2}, {-3, 0}})).item() == doctest::Approx(std::log(6.)).epsilon(1e-15));  // with an exchange
  A large(Shape{100, 100}, 0.);
  for (std::size_t i = 0; i < 100; ++i) large(i, i) = 1e30;
  CHECK(logdet(V(large)).item() == doctest::Approx(3000 * std::log(10.)).epsilon(1e-15));
  CHECK(logdet(V(A(Shape{0, 0}))).item() == 0);
}

TEST_CASE("stacks: each matrix by itself, batch axes broadcast") {
  std::mt19937_64 random(44);
  const A a = [&] {
    A all(Shape{2, 1, 4, 4});
    for (std::size_t i = 0; i < 2; ++i) {
      const A one = regular<double>(4, random);
      std::copy_n(one.data(), 16, all.data() + i * 16);
    }
    return all;
  }();
  const A b = test::uniform({3, 4, 2}, {-1, 1}, random);
  const V x = solve(V(a), V(b)), y = inv(V(a));
  REQUIRE(x.shape() == Shape{2, 3, 4, 2});
  REQUIRE(y.shape() == Shape{2, 1, 4, 4});
  for (std::size_t i = 0; i < 2; ++i) {
    A ai(Shape{4, 4});
    std::copy_n(a.data() + i * 16, 16, ai.data());
    const V yi = inv(V(ai));
    CHECK(std::equal(yi.data(), yi.data() + 16, y.data() + i * 16));
    for (std::size_t j = 0; j < 3; ++j) {
      A bj(Shape{4, 2});
      std::copy_n(b.data() + j * 8, 8, bj.data());
      const V xij = solve(V(ai), V(bj));
      CHECK(std::equal(xij.data(), xij.data() + 8, x.data() + (i * 3 + j) * 8));
    }
  }
  CHECK(solve(V(a), V(A{1, 2, 3, 4})).shape() == Shape{2, 1, 4});
}

TEST_CASE("gradients of larger matrices, first and second order") {
  std::mt19937_64 random(45);
  const A a = regular<double>(70, random), b = test::uniform({70, 3}, {-1, 1}, random),
          p = positive_definite<double>(70, random);
  using Xs = std::vector<V>;
  const auto check = [](const char* name, const Function<double>& f, const std::vector<A>& inputs) {
    const GradcheckReport first = gradcheck(name, f, inputs, {.directions = 2});
    CHECK_MESSAGE(first, first);
    const GradcheckReport second =
        gradcheck(std::string(name) + ", second order", gradient_of(f), inputs, {.directions = 2});
    CHECK_MESSAGE(second, second);
  };
  check("solve", [](const Xs& x) { return solve(x[0], x[1]); }, {a, b});
  check("inv", [](const Xs& x) { return inv(x[0]); }, {a});
  check("logdet", [](const Xs& x) { return logdet(x[0]); }, {p});
  check("cholesky", [](const Xs& x) { return cholesky(x[0]); }, {p});
}

TEST_CASE("derivatives of any order") {
  // ln x, 1/x, 1/x again, sqrt x for matrices of one element; the third derivative.
  const auto third = [](const auto& f) {
    const V x = parameter(A(Shape{1, 1}, 2.));
    Tape tape;
    V y = sum(f(x));
    for (int order = 0; order < 3; ++order) y = sum(tape.gradient(y, {x}, {.create_graph = true})[0]);
    return y.item();
  };
  CHECK(third([](const V& x) { return logdet(x); }) == doctest::Approx(2 / 8.));
  CHECK(third([](const V& x) { return inv(x); }) == doctest::Approx(-6 / 16.));
  CHECK(third([](const V& x) { return solve(x, V(A{3})); }) == doctest::Approx(-18 / 16.));
  CHECK(third([](const V& x) { return solve_triangular(x, V(A{3})); }) == doctest::Approx(-18 / 16.));
  CHECK(third([](const V& x) { return cholesky(x); }) == doctest::Approx(3 / 8. * std::pow(2., -2.5)));
}

TEST_CASE("cholesky: the gradient is symmetric") {
  std::mt19937_64 random(46);
  const V a = parameter(positive_definite<double>(6, random));
  Tape tape;
  const auto [g] = tape.gradient(cholesky(a), {a}, {.upstream = test::uniform({6, 6}, {-1, 1}, random)});
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(g.value()(i, j) == doctest::Approx(g.value()(j, i)).epsilon(1e-13));
}

TEST_CASE("what is not finite gives NaN, and only in its own matrix") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {nan, inf, -inf}) {
    A a(Shape{2, 3, 3}, 0.);
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t k = 0; k < 3; ++k) a(i, k, k) = 2;
    a(1, 2, 0) = bad;
    const V y = inv(V(a)), l = cholesky(V(a)), d = logdet(V(a)), x = solve(V(a), V(A{1, 2, 3}));
    CHECK(y.value()(0, 1, 1) == 0.5);
    CHECK(x.value()(0, 2) == 1.5);
    CHECK(l.value()(0, 0, 0) == std::sqrt(2.));
    CHECK(d.value()(0) == doctest::Approx(3 * std::log(2.)));
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(std::isnan(x.value()(1, i)));
      for (std::size_t j = 0; j < 3; ++j) {
        CHECK(std::isnan(y.value()(1, i, j)));
        CHECK((i >= j ? std::isnan(l.value()(1, i, j)) : l.value()(1, i, j) == 0));
      }
    }
    CHECK(std::isnan(d.value()(1)));
    A b(Shape{3}, 1.);
    b(1) = bad;
    CHECK(!std::isfinite(solve(V(A{{1, 2, 0}, {0, 1, 0}, {0, 0, 1}}), V(b)).value()(1)));
  }
}

TEST_CASE("no elements") {
  CHECK(solve(V(A(Shape{0, 0})), V(A(Shape{0, 2}))).shape() == Shape{0, 2});
  CHECK(solve(V(A{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), V(A(Shape{3, 0}))).shape() == Shape{3, 0});
  CHECK(solve(V(A(Shape{0, 3, 3})), V(A{1, 2, 3})).shape() == Shape{0, 3});
  CHECK(inv(V(A(Shape{0, 0}))).shape() == Shape{0, 0});
  CHECK(inv(V(A(Shape{0, 2, 2}))).shape() == Shape{0, 2, 2});
  CHECK(cholesky(V(A(Shape{3, 0, 0}))).shape() == Shape{3, 0, 0});
  CHECK(logdet(V(A(Shape{3, 0, 0}))).value() == A{0, 0, 0});
}

TEST_CASE("linear algebra: what is singular, indefinite or does not fit is refused") {
  const V regular = A{{2, 1, 0}, {1, 2, 1}, {0, 1, 2}}, singular = A{{1, 0, 1}, {0, 1, 1}, {1, 1, 2}},
          indefinite = A{{1, 2, 0}, {2, 1, 0}, {0, 0, 1}};
  const V b = A{1, 2, 3};
  const auto stack = [&](const V& second) {
    A all(Shape{2, 1, 3, 3});
    std::copy_n(regular.data(), 9, all.data());
    std::copy_n(second.data(), 9, all.data() + 9);
    return V(all);
  };
  CHECK(message<ValueError>([&] { solve(singular, b); }) == "solve: a [3,3] is singular: pivot 2 is 0");
  CHECK(message<ValueError>([&] { inv(V(A(Shape{2, 2}, 0.))); }) == "inv: a [2,2] is singular: pivot 0 is 0");
  CHECK(message<ValueError>([&] { logdet(singular); }) == "logdet: a [3,3] is singular: pivot 2 is 0");
  CHECK(message<ValueError>([&] { solve(stack(singular), b); }) ==
        "solve: a [2,1,3,3] is singular: pivot 2 in a[1,0] is 0");
  CHECK(message<ValueError>([&] { logdet(indefinite); }) ==
        "logdet: a [3,3] has a negative determinant; its logarithm is not real");
  CHECK(message<ValueError>([&] { logdet(stack(indefinite)); }) ==
        "logdet: a [2,1,3,3] has a negative determinant in a[1,0]; its logarithm is not real");
  CHECK(message<ValueError>([&] { cholesky(indefinite); }) ==
        "cholesky: a [3,3] is not positive definite: the leading minor of order 2 is not positive");
  CHECK(message<ValueError>([&] { cholesky(stack(indefinite)); }) ==
        "cholesky: a [2,1,3,3] is not positive definite: the leading minor of order 2 in a[1,0] is not positive");
  CHECK(message<ValueError>([&] {
          solve_triangular(V(A{{1, 5}, {2, 0}}), V(A{1, 2}));
        }) == "solve_triangular: a [2,2] is singular: entry 1 of the diagonal is 0");

  const V wide = A(Shape{2, 3}, 1.);
  CHECK(message<ShapeError>([&] { inv(wide); }) == "inv: a is [2,3]; it must be square, [...,n,n]");
  CHECK(message<ShapeError>([&] { solve(wide, b); }) == "solve: a is [2,3]; it must be square, [...,n,n]");
  CHECK(message<ShapeError>([&] { cholesky(b); }) == "cholesky: a is [3]; it must be square, [...,n,n]");
  CHECK(message<ShapeError>([&] { logdet(V(1.)); }) == "logdet: a is []; it must be square, [...,n,n]");
  CHECK(message<ShapeError>([&] { solve(regular, V(1.)); }) ==
        "solve: b is a number; it must be a vector [n] or [...,n,m]");
  CHECK(message<ShapeError>([&] {
          solve(regular, V(A{1, 2}));
        }) == "solve: a is [3,3] but b is [2]; b.shape[0] = 2 must equal n = 3");
  CHECK(message<ShapeError>([&] {
          solve(stack(regular), V(A(Shape{2, 1, 3}, 1.)));
        }) ==
        "solve: a is [2,1,3,3] but b is [2,1,3]; b.shape[1] = 1 must equal n = 3; a stack of vectors is [...,n,1]");
  CHECK(message<ShapeError>([&] {
          solve(stack(regular), V(A(Shape{3, 1, 3, 2}, 1.)));
        }) ==
        "solve: a is [2,1,3,3] but b is [3,1,3,2]; the batch axes a.shape[0] = 2 and b.shape[0] = 3 must be equal, or "
        "one of them 1");
}
