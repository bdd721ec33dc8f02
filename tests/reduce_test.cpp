// Reductions over any axes against naive loops in long double; ties, zeros, what is empty, large and far from 0; errors.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

namespace {

using Exact = std::vector<long double>;

/// A reduction of one line, and its gradient.
struct Reduction {
  const char* name;
  long double (*value)(const Exact& x);
  Exact (*gradient)(const Exact& x);
};

long double mean_of(const Exact& x) {
  long double s = 0;
  for (const long double v : x) s += v;
  return s / static_cast<long double>(x.size());
}
long double variance_of(const Exact& x, int ddof) {
  const long double m = mean_of(x);
  long double s = 0;
  for (const long double v : x) s += (v - m) * (v - m);
  return s / (static_cast<long double>(x.size()) - ddof);
}
long double power_mean(const Exact& x, long double p) {
  long double s = 0;
  for (const long double v : x) s += std::pow(std::abs(v), p);
  return std::pow(s, 1 / p);
}
template <class F> Exact each(const Exact& x, F f) {
  Exact g;
  for (std::size_t i = 0; i < x.size(); ++i) g.push_back(f(i));
  return g;
}
Exact shares(const Exact& x, long double chosen) {
  long double n = 0;
  for (const long double v : x) n += v == chosen;
  return each(x, [&](std::size_t i) { return x[i] == chosen ? 1 / n : 0; });
}
Exact norm_gradient(const Exact& x, long double p) {
  const long double y = power_mean(x, p);
  return each(x, [&](std::size_t i) { return std::copysign(std::pow(std::abs(x[i]) / y, p - 1), x[i]); });
}

const Reduction reductions[] = {
    {"sum", [](const Exact& x) { return mean_of(x) * static_cast<long double>(x.size()); },
     [](const Exact& x) { return Exact(x.size(), 1); }},
    {"mean", mean_of, [](const Exact& x) { return Exact(x.size(), 1 / static_cast<long double>(x.size())); }},
    {"prod",
     [](const Exact& x) {
       long double p = 1;
       for (const long double v : x) p *= v;
       return p;
     },
     [](const Exact& x) {
       return each(x, [&](std::size_t i) {
         long double p = 1;
         for (std::size_t j = 0; j < x.size(); ++j) p *= j == i ? 1 : x[j];
         return p;
       });
     }},
    {"max", [](const Exact& x) { return *std::max_element(x.begin(), x.end()); },
     [](const Exact& x) { return shares(x, *std::max_element(x.begin(), x.end())); }},
    {"min", [](const Exact& x) { return *std::min_element(x.begin(), x.end()); },
     [](const Exact& x) { return shares(x, *std::min_element(x.begin(), x.end())); }},
    {"var", [](const Exact& x) { return variance_of(x, 0); },
     [](const Exact& x) {
       const long double m = mean_of(x), n = static_cast<long double>(x.size());
       return each(x, [&](std::size_t i) { return 2 * (x[i] - m) / n; });
     }},
    {"std", [](const Exact& x) { return std::sqrt(variance_of(x, 1)); },
     [](const Exact& x) {
       const long double m = mean_of(x), n = static_cast<long double>(x.size()), y = std::sqrt(variance_of(x, 1));
       return each(x, [&](std::size_t i) { return (x[i] - m) / ((n - 1) * y); });
     }},
    {"norm", [](const Exact& x) { return power_mean(x, 2); }, [](const Exact& x) { return norm_gradient(x, 2); }},
    {"norm1", [](const Exact& x) { return power_mean(x, 1); }, [](const Exact& x) { return norm_gradient(x, 1); }},
    {"norm3", [](const Exact& x) { return power_mean(x, 3); }, [](const Exact& x) { return norm_gradient(x, 3); }},
    {"logsumexp",
     [](const Exact& x) {
       long double s = 0;
       for (const long double v : x) s += std::exp(v);
       return std::log(s);
     },
     [](const Exact& x) {
       long double s = 0;
       for (const long double v : x) s += std::exp(v);
       return each(x, [&](std::size_t i) { return std::exp(x[i]) / s; });
     }},
};

template <class T>
Variable<T> reduce(const std::string& name, const Variable<T>& x, const AxisList& axes, bool keepdims) {
  return name == "sum"     ? sum(x, axes, keepdims)
         : name == "mean"  ? mean(x, axes, keepdims)
         : name == "prod"  ? prod(x, axes, keepdims)
         : name == "max"   ? max(x, axes, keepdims)
         : name == "min"   ? min(x, axes, keepdims)
         : name == "var"   ? var(x, axes, 0, keepdims)
         : name == "std"   ? stddev(x, axes, 1, keepdims)
         : name == "norm"  ? norm(x, 2, axes, keepdims)
         : name == "norm1" ? norm(x, 1, axes, keepdims)
         : name == "norm3" ? norm(x, 3, axes, keepdims)
                           : logsumexp(x, axes, keepdims);
}

/// For every element of x the number of its line, if the axes are reduced; and the number of lines.
std::pair<std::vector<std::size_t>, std::size_t> lines_of(const Shape& shape, const std::vector<bool>& reduced) {
  std::size_t lines = 1;
  for (std::size_t a = 0; a < shape.size(); ++a) lines *= reduced[a] ? 1 : shape[a];
  std::vector<std::size_t> line(count(shape));
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::size_t rest = i, step = 1;
    for (std::size_t a = shape.size(); a-- > 0; rest /= shape[a])
      if (!reduced[a]) line[i] += rest % shape[a] * step, step *= shape[a];
  }
  return {line, lines};
}

/// Against the naive reduction of each line: values within `ulps` of the largest, gradients likewise, fresh and added.
template <class T>
void check(const Reduction& r, const Array<T>& x, const std::vector<bool>& reduced, bool keepdims,
           std::mt19937_64& random) {
  CAPTURE(std::string(r.name));
  CAPTURE(to_string(x.shape()));
  AxisList axes;
  Shape shape;
  Axes list;
  for (std::size_t a = 0; a < reduced.size(); ++a) {
    if (reduced[a])
      list.push_back(a % 2 ? static_cast<std::ptrdiff_t>(a) - static_cast<std::ptrdiff_t>(reduced.size())
                           : static_cast<std::ptrdiff_t>(a));
    if (!reduced[a] || keepdims) shape.push_back(reduced[a] ? 1 : x.shape()[a]);
  }
  if (list.size() == 0 && reduced.size() > 0) return;  // would mean all
  if (list.size() < reduced.size()) axes = AxisList(list);
  const auto [line, lines] = lines_of(x.shape(), reduced);
  std::vector<Exact> of(lines);
  for (std::size_t i = 0; i < line.size(); ++i) of[line[i]].push_back(x.storage()[i]);

  const Variable<T> p = parameter(x);
  Tape tape;
  const Variable<T> y = reduce(r.name, p, axes, keepdims);
  REQUIRE(y.shape() == shape);
  const Array<T> u = test::uniform<T>(shape, {0.5, 2}, random);
  long double off = 0, size = 0, g_off = 0, g_size = 0;
  std::vector<Exact> g;
  for (std::size_t l = 0; l < lines; ++l) {
    const long double value = r.value(of[l]);
    g.push_back(r.gradient(of[l]));
    off = std::max(off, std::abs(y.data()[l] - value));
    size = std::max(size, std::abs(value));
  }
  const auto fresh = tape.gradient(y, {p}, {.upstream = u, .retain = true})[0];
  const auto added = tape.gradient(sum(p) + sum(y * Variable<T>(u)), {p})[0];
  std::vector<std::size_t> at(lines, 0);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const std::size_t l = line[i];
    const long double want = g[l][at[l]++] * u.storage()[l];
    g_off = std::max({g_off, std::abs(fresh.data()[i] - want), std::abs(added.data()[i] - (want + 1)) / 2});
    g_size = std::max(g_size, std::abs(want));
  }
  // a product is rounded once a factor, the rest hardly depends on the length
  const double ulps =
      24 + (r.name == std::string("prod") ? static_cast<double>(of.empty() ? 0 : of[0].size()) / 64 : 0);
  const double ulp = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
  CHECK(static_cast<double>(off) <= ulps * ulp * static_cast<double>(size));
  CHECK(static_cast<double>(g_off) <= ulps * ulp * static_cast<double>(std::max(g_size, 1.L)));
}

}  // namespace

TEST_CASE_TEMPLATE("reductions: every set of axes, with and without keepdims", T, float, double) {
  std::mt19937_64 random(51);
  for (const Shape& shape : {Shape{2, 3, 2, 3}, Shape{4, 1, 5}, Shape{7}, Shape{}})
    for (unsigned set = 0; set < 1u << shape.size(); ++set)
      for (const Reduction& r : reductions) {
        std::vector<bool> reduced(shape.size());
        for (std::size_t a = 0; a < shape.size(); ++a) reduced[a] = set >> a & 1;
        if ((r.name == std::string("std")) && shape.size() == 0) continue;  // 0 / 0
        const Array<T> x = test::uniform<T>(shape, {-2, 2}, random);
        const auto [line, lines] = lines_of(shape, reduced);
        if (r.name == std::string("std") && lines == count(shape)) continue;
        check(r, x, reduced, set % 2 == 0, random);
      }
}

TEST_CASE_TEMPLATE("reductions: short and long lines, along and across", T, float, double) {
  std::mt19937_64 random(52);
  for (const Shape& shape : {Shape{35, 5, 1}, Shape{17, 16, 1}, Shape{3, 400, 1}, Shape{1, 5000, 1}, Shape{2, 19, 300},
                             Shape{1, 8, 257}, Shape{2, 7, 40}, Shape{2, 33, 1025}, Shape{1, 300, 3}})
    for (const Reduction& r : reductions) {
      // factors near 1, so that long products stay numbers
      const Domain domain = r.name == std::string("prod") ? Domain{0.9, 1.1} : Domain{-2, 2};
      check(r, test::uniform<T>(shape, domain, random), {false, true, false}, false, random);
    }
}

TEST_CASE_TEMPLATE("sums do not drift", T, float) {
  const Array<float> ones(Shape{20'000'000}, 1.f);
  CHECK(sum(Variable<float>(ones)).item() == 2e7f);
  CHECK(sum(reshape(Variable<float>(ones), {-1, 2}), 0).value() == Array<float>{1e7f, 1e7f});
  CHECK(cumsum(Variable<float>(ones), 0).value()(19'999'999) == 2e7f);
  CHECK(cumsum(reshape(Variable<float>(ones), {-1, 2}), 0).value()(9'999'999, 1) == 1e7f);
  const Array<float> tenths(Shape{1'000'000, 3}, 0.1f);
  for (const float s : sum(Variable<float>(tenths), 0).value()) CHECK(test::ulps(s, 1e6L * 0.1f) <= 1);
  CHECK(test::ulps(mean(Variable<float>(tenths)).item(), 0.1f) <= 1);
  CHECK(test::ulps(sum(V(A{1e16, 1, -1e16, 1})).item(), 2) <= 0.5);
  CHECK(cumsum(V(A{1e16, 1, -1e16, 1}), 0).value() == A{1e16, 1e16, 1, 2});
}

TEST_CASE("prod: zeros in a line, and what leaves the range of numbers on the way") {
  const auto gradient = [](const A& x) {
    const V p = parameter(x);
    Tape tape;
    return A(tape.gradient(sum(prod(p, 1)), {p})[0].value());
  };
  CHECK(gradient({{2, 3, 4}, {2, 0, 4}, {0, 3, 0}, {0, 0, 0}}) == A{{12, 8, 6}, {0, 8, 0}, {0, 0, 0}, {0, 0, 0}});
  CHECK(gradient({{1e200, 1e200, 2}}) == A{{2e200, 2e200, HUGE_VAL}});
  CHECK(gradient({{1e-200, 1e-200, 2}}) == A{{2e-200, 2e-200, 0}});
  A wide(Shape{1, 200}, 1.);  // long enough for pieces
  wide(0, 70) = 0, wide(0, 199) = 3;
  A want(Shape{1, 200}, 0.);
  want(0, 70) = 3;
  CHECK(gradient(wide) == want);
  CHECK(gradient(xt::transpose(A(xt::reshape_view(wide, {200, 1})))) == want);
  {  // across
    const V p = parameter(A{{2, 0}, {3, 5}, {4, 7}});
    Tape tape;
    CHECK(tape.gradient(sum(prod(p, 0)), {p})[0].value() == A{{12, 35}, {8, 0}, {6, 0}});
  }
  {  // second order: d2 (x y z) / dx dy = z, zeros or not
    const V p = parameter(A{0, 0, 5, 2, 3});
    Tape tape;
    const V g = tape.gradient(prod(p), {p}, {.create_graph = true})[0];
    CHECK(g.value() == A{0, 0, 0, 0, 0});
    CHECK(tape.gradient(sum(g * V(A{1, 0, 0, 0, 0})), {p})[0].value() == A{0, 30, 0, 0, 0});
  }
  CHECK(prod(V(A(Shape{2, 0})), 1).value() == A{1, 1});
  CHECK(std::isnan(prod(V(A{1, NAN, 0})).item()));
}

TEST_CASE_TEMPLATE("var and std: a mean far from 0, few elements, sizes at the ends of the range", T, float, double) {
  // 1e6 and the rest of a float are 0.0625 apart: so are these
  Array<T> x(Shape{1000, 20});
  std::mt19937_64 random(53);
  for (T& v : x.storage()) v = static_cast<T>(1e6 + 0.0625 * static_cast<double>(random() % 33));
  for (const std::ptrdiff_t axis : {0, 1}) {
    const Variable<T> p = parameter(x);
    Tape tape;
    const Variable<T> y = var(p, axis);
    const auto g = tape.gradient(y, {p}, {.upstream = Array<T>(y.shape(), T(1))})[0];
    const std::size_t n = x.shape()[axis], lines = y.size();
    for (std::size_t l = 0; l < lines; ++l) {
      const auto at = [&](std::size_t i) { return axis == 0 ? i * 20 + l : l * 20 + i; };
      Exact line;
      for (std::size_t i = 0; i < n; ++i) line.push_back(x.storage()[at(i)]);
      CHECK(test::ulps(y.data()[l], variance_of(line, 0)) <= 3);
      const long double m = mean_of(line);
      CHECK(static_cast<double>(std::abs(g.data()[at(3)] - 2 * (line[3] - m) / static_cast<long double>(n))) <=
            4e-7 / static_cast<double>(n));
    }
  }
  const T inf = std::numeric_limits<T>::infinity();
  using X = Array<T>;
  const auto of = [](const X& v) { return Variable<T>(v); };
  CHECK(var(of(X{1, 3})).item() == 1);
  CHECK(var(of(X{1, 3}), {}, 1).item() == 2);
  CHECK(stddev(of(X{5})).item() == 0);
  CHECK(std::isnan(var(of(X{5}), {}, 1).item()));
  CHECK(var(of(X{1, 3}), {}, 2).item() == inf);
  CHECK(std::isnan(var(of(X(Shape{0}))).item()));
  CHECK(std::isnan(stddev(of(X{1, inf})).item()));
  const T large = sizeof(T) == 4 ? T(1e30) : T(1e200), small = 1 / large;
  CHECK(stddev(of(X{large, 3 * large})).item() == doctest::Approx(static_cast<double>(large)).epsilon(1e-6));
  CHECK(stddev(of(X{small, 3 * small})).item() == doctest::Approx(static_cast<double>(small)).epsilon(1e-6));
  CHECK(var(of(X{large, 3 * large})).item() == inf);
  // where y = 0 the gradient of std is 0
  const Variable<T> same = parameter(X{2, 2, 2});
  Tape tape;
  CHECK(tape.gradient(stddev(same), {same}, {.retain = true})[0].value() == X{0, 0, 0});
  CHECK(tape.gradient(sum(square(tape.gradient(stddev(same), {same}, {.create_graph = true})[0])), {same})[0].value() ==
        X{0, 0, 0});
}

TEST_CASE_TEMPLATE("norm: the zero vector, sizes at the ends of the range, p", T, float, double) {
  using X = Array<T>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T large = sizeof(T) == 4 ? T(1e30) : T(1e200), tiny = sizeof(T) == 4 ? T(1e-40) : T(1e-310);
  const auto gradient = [](const X& v, double p = 2) {
    const Variable<T> x = parameter(v);
    Tape tape;
    return X(tape.gradient(norm(x, p), {x})[0].value());
  };
  const auto of = [](const X& v) { return Variable<T>(v); };
  for (const T unit : {T(1), large, 1 / large}) {
    CHECK(norm(of(X{3 * unit, 4 * unit})).item() == doctest::Approx(5 * static_cast<double>(unit)).epsilon(1e-6));
    CHECK(norm(of(X{3 * unit, 4 * unit}), 3).item() ==
          doctest::Approx(std::cbrt(91.) * static_cast<double>(unit)).epsilon(1e-6));
    CHECK(xt::allclose(gradient(X{3 * unit, -4 * unit}), X{T(0.6), T(-0.8)}, 1e-6, 0));
  }
  CHECK(norm(of(X{tiny, 0})).item() == doctest::Approx(static_cast<double>(tiny)));
  for (const T g : gradient(X{tiny, -tiny})) CHECK(std::isfinite(g));
  for (const double p : {1., 1.5, 2., 3., HUGE_VAL}) {
    CAPTURE(p);
    CHECK(norm(of(X{0, 0, 0}), p).item() == 0);
    CHECK(gradient(X{0, 0, 0}, p) == X{0, 0, 0});
    CHECK(norm(of(X{1, -inf}), p).item() == inf);
    CHECK(std::isnan(norm(of(X{1, nan}), p).item()));
    CHECK(norm(of(X{-2}), p).item() == doctest::Approx(2));
    const Variable<T> x = parameter(X{0, 3, 0});  // a zero among others
    Tape tape;
    const auto g = tape.gradient(norm(x, p), {x}, {.create_graph = true})[0];
    CHECK(xt::allclose(g.value(), X{0, 1, 0}, 1e-6, 0));
    if (p == 2) CHECK(xt::allclose(tape.gradient(sum(g), {x})[0].value(), X{T(1) / 3, 0, T(1) / 3}, 1e-6, 0));
  }
  CHECK(norm(of(X{1, -4, 4}), HUGE_VAL).item() == 4);
  CHECK(gradient(X{1, -4, 4}, HUGE_VAL) == X{0, T(-0.5), T(0.5)});
  CHECK(norm(of(X(Shape{2, 0})), 3, 1).value() == X{0, 0});
  CHECK(norm(of(X(Shape{2, 0})), 2, 1).value() == X{0, 0});
}

TEST_CASE_TEMPLATE("cumsum: forwards, and backwards as its gradient; short, in pieces, and across", T, float, double) {
  std::mt19937_64 random(54);
  for (const Shape& shape :
       {Shape{3, 7, 1}, Shape{2, 64, 1}, Shape{1, 1003, 1}, Shape{2, 5, 3}, Shape{2, 50, 300}, Shape{1, 1, 1}}) {
    const Array<T> x = test::uniform<T>(shape, {-2, 2}, random), u = test::uniform<T>(shape, {-2, 2}, random);
    const Variable<T> p = parameter(x);
    Tape tape;
    const Variable<T> y = cumsum(p, 1);
    const auto fresh = tape.gradient(y, {p}, {.upstream = u, .retain = true})[0];
    const auto added = tape.gradient(sum(p) + sum(y * Variable<T>(u)), {p})[0];
    double off = 0;
    for (std::size_t o = 0; o < shape[0]; ++o)
      for (std::size_t i = 0; i < shape[2]; ++i) {
        long double forwards = 0, backwards = 0;
        const auto at = [&](std::size_t l) { return (o * shape[1] + l) * shape[2] + i; };
        for (std::size_t l = 0; l < shape[1]; ++l) {
          forwards += x.storage()[at(l)];
          off = std::max(off, static_cast<double>(std::abs(y.data()[at(l)] - forwards)));
        }
        for (std::size_t l = shape[1]; l-- > 0;) {
          backwards += u.storage()[at(l)];
          off = std::max({off, static_cast<double>(std::abs(fresh.data()[at(l)] - backwards)),
                          static_cast<double>(std::abs(added.data()[at(l)] - backwards - 1))});
        }
      }
    CHECK(off <= 128 * static_cast<double>(std::numeric_limits<T>::epsilon()));
  }
}

TEST_CASE("ties share the gradient of a maximum or minimum evenly") {
  const V x = parameter(A{{1, 3, 3}, {5, 2, 2}});
  Tape tape;
  CHECK(tape.gradient(sum(max(x, 1)), {x}, {.retain = true})[0].value() == A{{0, 0.5, 0.5}, {1, 0, 0}});
  CHECK(tape.gradient(sum(min(x, 1)), {x})[0].value() == A{{1, 0, 0}, {0, 0.5, 0.5}});
}

TEST_CASE_TEMPLATE("max, min and argmax: NaN wins, infinities, the first of ties", T, float, double) {
  using X = Array<T>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const std::size_t n : {1, 3, 15, 16, 17, 64, 100, 1000})
    for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
      X x(Shape{n, 1}, T(1));
      x(at, 0) = nan;
      CHECK(std::isnan(max(Variable<T>(x)).item()));
      CHECK(std::isnan(min(Variable<T>(x)).item()));
      CHECK(argmax(Variable<T>(x))() == static_cast<std::int64_t>(at));
      x(at, 0) = 2;
      CHECK(argmax(Variable<T>(x))() == static_cast<std::int64_t>(at));
      CHECK(max(Variable<T>(x)).item() == 2);
      CHECK(min(Variable<T>(-x)).item() == -2);
      X columns(Shape{n, 19}, T(1));  // across
      columns(at, 3) = nan, columns(at, 18) = 2;
      const Labels where = argmax(Variable<T>(columns), 0);
      for (std::size_t c = 0; c < 19; ++c) CHECK(where(c) == (c == 3 || c == 18 ? static_cast<std::int64_t>(at) : 0));
    }
  CHECK(max(Variable<T>(X{-inf, -inf})).item() == -inf);
  CHECK(min(Variable<T>(X{inf, inf})).item() == inf);
  CHECK(argmax(Variable<T>(X{-inf, -inf}))() == 0);
  const X x{{1, 5, 5}, {7, 2, 7}};
  CHECK(argmax(Variable<T>(x), 1) == Labels{1, 0});
  CHECK(argmax(Variable<T>(x), 0, true) == Labels{{1, 0, 1}});
  CHECK(argmax(Variable<T>(x))() == 3);
  CHECK(argmax(Variable<T>(x), {0, 1})() == 3);
}

TEST_CASE("reductions: keepdims, what is empty, and errors") {
  const V x = reshape(V(A(xt::arange<double>(24))), {2, 3, 4});
  CHECK(sum(x, {0, 2}).value() == A{60, 92, 124});
  CHECK(sum(x, -1, true).shape() == Shape{2, 3, 1});
  CHECK(sum(x, {0, 1, 2}, true).shape() == Shape{1, 1, 1});
  CHECK(sum(V(A(Shape{0, 2})), 0).value() == A{0, 0});
  CHECK(std::isnan(mean(V(A(Shape{0}))).item()));
  CHECK(logsumexp(V(A(Shape{2, 0})), 1).value() == A(Shape{2}, -HUGE_VAL));
  CHECK(max(V(A(Shape{0, 3})), 1).shape() == Shape{0});
  CHECK(cumsum(V(A(Shape{3, 0})), 0).shape() == Shape{3, 0});
  CHECK(message<ShapeError>([&] { sum(x, 3); }) == "sum: axis 3 is out of range for x [2,3,4]; axes go from -3 to 2");
  CHECK(message<ShapeError>([&] { mean(V(1.), 0); }) == "mean: axis 0 is out of range for x []; a number has no axes");
  CHECK(message<ShapeError>([&] { max(x, {1, -2}); }) == "max: axis -2 of x [2,3,4] is given twice");
  CHECK(message<ShapeError>([&] { stddev(x, {1, 1}); }) == "std: axis 1 of x [2,3,4] is given twice");
  CHECK(message<ShapeError>([&] {
          max(V(A(Shape{0, 3})), 0);
        }) == "max: x is [0,3], there is no element along axis 0 to choose");
  CHECK(message<ShapeError>([&] {
          min(V(A(Shape{0, 3})));
        }) == "min: x is [0,3], there is no element along axis 0 to choose");
  CHECK(message<ShapeError>([&] {
          argmax(V(A(Shape{2, 0})), 1);
        }) == "argmax: x is [2,0], there is no element along axis 1 to choose");
  CHECK(message<ShapeError>([&] { norm(V(A(Shape{0})), HUGE_VAL); }) ==
        "norm: x is [0], there is no element along axis 0 to choose");
  CHECK(message<ValueError>([&] { norm(x, 0.5); }) == "norm: p is 0.500000; it must be at least 1");
  CHECK(message<ShapeError>([&] { cumsum(V(1.), 0); }) ==
        "cumsum: axis 0 is out of range for x []; a number has no axes");
  CHECK(message<ShapeError>([&] { softmax(x, -4); }) ==
        "softmax: axis -4 is out of range for x [2,3,4]; axes go from -3 to 2");
}

TEST_CASE("softmax of any axis sums to one and does not overflow") {
  std::mt19937_64 random(33);
  const V x = test::uniform({3, 5, 4}, {-300, 300}, random);
  for (const std::ptrdiff_t axis : {0, 1, 2}) {
    const A total = sum(softmax(x, axis), axis).value();
    for (const double t : total) CHECK(t == doctest::Approx(1).epsilon(1e-15));
    CHECK(xt::allclose(exp(log_softmax(x, axis)).value(), softmax(x, axis).value(), 1e-12, 0));
  }
}
