// The losses besides softmax_ce: against their definitions in long double, at their extremes, with weights and masks, and
// against their unfused compositions. Their derivatives of both orders are checked with all others, in registry_test.cpp.
#include "losses/losses.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/autodiff.hpp"
#include "autodiff/derivatives.hpp"
#include "autodiff/gradcheck.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using namespace wengert::losses;
using test::message;
using A = Array<double>;
using V = Variable<double>;
using Real = long double;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Point {
  Real loss, slope;
};
struct Exact {
  const char* name;
  std::function<V(V, V)> f64;
  std::function<Variable<float>(Variable<float>, Variable<float>)> f32;
  Point (*exact)(Real x, Real t);
  std::vector<double> targets;
  double loss_ulps, gradient_ulps;
};

template <class F>
Exact exact(const char* name, F f, Point (*reference)(Real, Real), std::vector<double> targets, double loss,
            double gradient) {
  return {name, f, f, reference, std::move(targets), loss, gradient};
}

Real softplus_of(Real s) { return s > 0 ? s + std::log1p(std::exp(-s)) : std::log1p(std::exp(s)); }
Real sigmoid_of(Real s) { return s > 0 ? 1 / (1 + std::exp(-s)) : std::exp(s) / (1 + std::exp(s)); }

/// Of a negative: the loss -ln(1 - p) p^gamma, and its slope.
template <int gamma2> Point focal_of_negative(Real s) {
  const Real g = gamma2 / 2.L, p = sigmoid_of(s), l = softplus_of(s), q = std::pow(p, g);
  return {l * q, q * p + l * g * q * sigmoid_of(-s)};
}
template <int gamma2> Point focal(Real s, Real t) {
  const Point up = focal_of_negative<gamma2>(-s), down = focal_of_negative<gamma2>(s);
  return t == 1 ? Point{0.25L * up.loss, -0.25L * up.slope} : Point{0.75L * down.loss, 0.75L * down.slope};
}

constexpr auto each = [](auto o) {
  o.reduction = Reduction::none;
  return o;
};
template <class T> using Of = typename std::decay_t<T>::value_type;

std::vector<Exact> all_exact() {
  const std::vector<double> any{-2, 0, 0.3, 1, 1e-20}, label{0, 1}, sign{-1, 1};
  return {
      exact(
          "mse", [](auto x, auto t) { return mse(x, t, {Reduction::none}); },
          [](Real x, Real t) {
            return Point{(x - t) * (x - t), 2 * (x - t)};
          },
          any, 2, 1),
      exact(
          "l1", [](auto x, auto t) { return l1(x, t, {Reduction::none}); },
          [](Real x, Real t) {
            return Point{std::abs(x - t), Real((x > t) - (x < t))};
          },
          any, 1, 0),
      exact(
          "huber", [](auto x, auto t) { return huber(x, t, each(Huber<Of<decltype(x)>>{.delta = 0.5})); },
          [](Real x, Real t) {
            const Real d = x - t, a = std::abs(d);
            return a <= 0.5L ? Point{d * d / 2, d} : Point{0.5L * (a - 0.25L), d > 0 ? 0.5L : -0.5L};
          },
          any, 2, 1),
      exact(
          "smooth_l1", [](auto x, auto t) { return smooth_l1(x, t, each(SmoothL1<Of<decltype(x)>>{.beta = 0.5})); },
          [](Real x, Real t) {
            const Real d = x - t, a = std::abs(d);
            return a < 0.5L ? Point{d * d, 2 * d} : Point{a - 0.25L, Real(d > 0 ? 1 : -1)};
          },
          any, 2, 1),
      exact(
          "bce_with_logits", [](auto s, auto t) { return bce_with_logits(s, t, {Reduction::none}); },
          [](Real s, Real t) {
            return t == 1 ? Point{softplus_of(-s), -sigmoid_of(-s)} : Point{softplus_of(s), sigmoid_of(s)};
          },
          label, 3, 3),
      exact(
          "sigmoid_focal", [](auto s, auto t) { return sigmoid_focal(s, t, {Reduction::none}); }, focal<4>, label, 8,
          8),
      exact(
          "sigmoid_focal, gamma 1/2",
          [](auto s, auto t) { return sigmoid_focal(s, t, each(SigmoidFocal<Of<decltype(s)>>{.gamma = 0.5})); },
          focal<1>, label, 8, 8),
      exact(
          "hinge", [](auto s, auto t) { return hinge(s, t, {Reduction::none}); },
          [](Real s, Real t) {
            return 1 - t * s > 0 ? Point{1 - t * s, -t} : Point{0, 0};
          },
          sign, 1, 0),
      exact(
          "squared_hinge", [](auto s, auto t) { return squared_hinge(s, t, {Reduction::none}); },
          [](Real s, Real t) {
            const Real h = 1 - t * s;
            return h > 0 ? Point{h * h, -2 * t * h} : Point{0, 0};
          },
          sign, 2, 1),
      exact(
          "kl_div", [](auto x, auto t) { return kl_div(x, t, {Reduction::none}); },
          [](Real x, Real t) {
            return Point{t == 0 ? 0 : t * (std::log(t) - x), -t};
          },
          {0, 0.25, 1, 1e-30}, 4, 1),
      exact(
          "kl_div of log targets",
          [](auto x, auto t) { return kl_div(x, t, each(KlDiv<Of<decltype(x)>>{.log_target = true})); },
          [](Real x, Real t) {
            return Point{t < -1e10L ? 0 : std::exp(t) * (t - x), -std::exp(t)};
          },
          {-infinity, -40, -3, 0}, 4, 2),
  };
}

struct Worst {
  double loss = 0, gradient = 0;
};

/// Over scores of either sign from 1e-20 to 85, or 700 in double: everything but what underflows.
template <class T, class F> Worst worst_of(const Exact& e, F f) {
  std::vector<double> x{0};
  for (double size = 1e-20; size < 100; size *= 1.37) x.push_back(size), x.push_back(-size);
  if (sizeof(T) == 8)
    for (double size = 100; size < 690; size *= 1.1) x.push_back(size), x.push_back(-size);
  Worst worst;
  for (const double target : e.targets) {
    Array<T> at(Shape{x.size()}), t(Shape{x.size()}, static_cast<T>(target));
    std::copy(x.begin(), x.end(), at.begin());
    const Variable<T> v = parameter(at);
    Tape tape;
    const Variable<T> loss = f(v, Variable<T>(t));
    const auto [g] = tape.gradient(loss, {v}, {.upstream = Array<T>(loss.shape(), T(1))});
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Point exact = e.exact(at(i), t(i));
      CAPTURE(at(i));
      CAPTURE(target);
      constexpr T least = std::numeric_limits<T>::min();
      const auto off = [&](T got, Real want) {
        if (std::abs(want) >= least) return test::ulps(got, want);
        return std::abs(got) <= least ? 0 : infinity;  // below the normal numbers there are fewer digits
      };
      const double l = off(loss.data()[i], exact.loss), s = off(g.data()[i], exact.slope);
      CHECK(l <= e.loss_ulps);
      CHECK(s <= e.gradient_ulps);
      worst = {std::max(worst.loss, l), std::max(worst.gradient, s)};
    }
  }
  return worst;
}

/// [n,1]
template <class X = A> X column(std::initializer_list<typename X::value_type> numbers) {
  X x(Shape{numbers.size(), 1});
  std::copy(numbers.begin(), numbers.end(), x.begin());
  return x;
}

template <class F> A gradient(F f, const A& x) {
  const V v = parameter(x);
  Tape tape;
  return tape.gradient(sum(f(v)), {v})[0].value();
}

}  // namespace

TEST_CASE("losses of elements: value and gradient against the definition, in ulp") {
  for (const Exact& e : all_exact()) {
    CAPTURE(std::string(e.name));
    const Worst f64 = worst_of<double>(e, e.f64), f32 = worst_of<float>(e, e.f32);
    INFO(std::string(e.name) << ": float32 " << f32.loss << " / " << f32.gradient << ", float64 " << f64.loss << " / "
                             << f64.gradient);
  }
}

TEST_CASE("losses: against their unfused compositions, with every reduction, weights and a mask") {
  using Composition = std::function<V(const V& x)>;  // the losses of the rows
  using Fused = std::function<V(const V& x, const Weighting<double>&)>;
  std::mt19937_64 random(21);
  const A x = test::uniform({3, 4}, {-2, 2}, random), t = test::uniform({3, 4}, {0, 1}, random),
          other = test::uniform({3, 4}, {-2, 2}, random), third = test::uniform({3, 4}, {-2, 2}, random);
  const A sign{{1, -1, -1, 1}, {-1, -1, 1, 1}, {1, 1, 1, -1}}, c{0.5, 3, 1, 2}, y{1, -1, 1};
  const Labels labels{2, 0, 3};
  A own(Shape{3, 4}, 0.), c_own(Shape{3, 4}, 0.);  // one-hot; with the weights of the classes
  for (std::size_t i = 0; i < 3; ++i) {
    const auto k = static_cast<std::size_t>(labels(i));
    own(i, k) = 1;
    c_own(i, k) = c(k);
  }
  const auto with = [](auto o, const Weighting<double>& w) {
    o.reduction = w.reduction, o.row_weights = w.row_weights, o.mask = w.mask;
    return o;
  };
  const auto small = [](const V& d, double most) { return A(xt::cast<double>(xt::abs(d.value()) <= most)); };
  const auto distance = [](const V& a, const V& b) { return sqrt(sum(square(a - b + 1e-6), 1)); };
  struct Pair {
    const char* name;
    Fused fused;
    Composition unfused;
  };
  const std::vector<Pair> elements = {
      {"mse", [&](const V& v, const auto& w) { return mse(v, t, w); }, [&](const V& v) { return square(v - V(t)); }},
      {"l1", [&](const V& v, const auto& w) { return l1(v, t, w); }, [&](const V& v) { return abs(v - V(t)); }},
      {"huber", [&](const V& v, const auto& w) { return huber(v, t, with(Huber<double>{.delta = 0.7}, w)); },
       [&](const V& v) {
         const V d = v - V(t);
         return where(V(small(d, 0.7)), 0.5 * square(d), 0.7 * (abs(d) - 0.35));
       }},
      {"smooth_l1", [&](const V& v, const auto& w) { return smooth_l1(v, t, with(SmoothL1<double>{.beta = 0.7}, w)); },
       [&](const V& v) {
         const V d = v - V(t);
         return where(V(small(d, 0.7)), 0.5 * square(d) / 0.7, abs(d) - 0.35);
       }},
      {"bce_with_logits",
       [&](const V& v, const auto& w) { return bce_with_logits(v, t, with(Bce<double>{.pos_weight = V(c)}, w)); },
       [&](const V& v) { return -(V(c) * V(t) * log(sigmoid(v)) + (1 - V(t)) * log(1 - sigmoid(v))); }},
      {"sigmoid_focal",
       [&](const V& v, const auto& w) { return sigmoid_focal(v, t, with(SigmoidFocal<double>{.gamma = 1.5}, w)); },
       [&](const V& v) {
         const V p = sigmoid(v), u = V(t), wrong = p * (1 - u) + (1 - p) * u;
         return (0.25 * u + 0.75 * (1 - u)) * pow(wrong, 1.5) * -(u * log(p) + (1 - u) * log(1 - p));
       }},
      {"hinge", [&](const V& v, const auto& w) { return hinge(v, sign, with(Hinge<double>{}, w)); },
       [&](const V& v) { return maximum(1 - V(sign) * v, V(0.)); }},
      {"squared_hinge", [&](const V& v, const auto& w) { return squared_hinge(v, sign, with(Hinge<double>{}, w)); },
       [&](const V& v) { return square(maximum(1 - V(sign) * v, V(0.))); }},
      {"kl_div", [&](const V& v, const auto& w) { return kl_div(v, t, with(KlDiv<double>{}, w)); },
       [&](const V& v) { return V(t) * (log(V(t)) - v); }},
      {"kl_div, log targets",
       [&](const V& v, const auto& w) { return kl_div(v, other, with(KlDiv<double>{.log_target = true}, w)); },
       [&](const V& v) { return exp(V(other)) * (V(other) - v); }},
  };
  const std::vector<Pair> rows = {
      {"nll", [&](const V& v, const auto& w) { return nll(v, labels, with(Nll<double>{}, w)); },
       [&](const V& v) { return -sum(V(own) * v, 1); }},
      {"softmax_focal",
       [&](const V& v, const auto& w) {
         return softmax_focal(v, labels, with(SoftmaxFocal<double>{.class_weights = V(c)}, w));
       },
       [&](const V& v) {
         const V p = sum(V(own) * softmax(v), 1);
         return -sum(V(c_own), 1) * square(1 - p) * log(p);
       }},
      {"multi_margin",
       [&](const V& v, const auto& w) {
         return multi_margin(v, labels, with(MultiMargin<double>{.class_weights = V(c), .p = 2}, w));
       },
       [&](const V& v) {
         const V h = maximum(1 - sum(V(own) * v, 1, true) + v, V(0.));
         return sum(V(c_own), 1) * sum((1 - V(own)) * square(h), 1) / 4;
       }},
      {"cosine_embedding",
       [&](const V& v, const auto& w) {
         return cosine_embedding(v, other, y, with(CosineEmbedding<double>{.margin = -0.5}, w));
       },
       [&](const V& v) {
         const V cosine = sum(v * V(other), 1) / sqrt((sum(square(v), 1) + 1e-12) * (sum(square(V(other)), 1) + 1e-12));
         return where(V(A{1, 0, 1}), 1 - cosine, maximum(cosine + 0.5, V(0.)));
       }},
      {"triplet",
       [&](const V& v, const auto& w) { return triplet(v, other, third, with(Triplet<double>{.margin = 3}, w)); },
       [&](const V& v) { return maximum(distance(v, V(other)) - distance(v, V(third)) + 3, V(0.)); }},
      {"triplet, swap",
       [&](const V& v, const auto& w) {
         return triplet(v, other, third, with(Triplet<double>{.margin = 3, .swap = true}, w));
       },
       [&](const V& v) {
         const V far = minimum(distance(v, V(third)), distance(V(other), V(third)));
         return maximum(distance(v, V(other)) - far + 3, V(0.));
       }},
  };
  const auto compare = [&](const Pair& p, const A& weight, const A& mask) {
    for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none})
      for (const bool weighted : {false, true})
        for (const bool masked : {false, true}) {
          const auto fused = [&](const V& v) {
            return p.fused(v, {r, weighted ? V(weight) : V(), masked ? V(mask) : V()});
          };
          const auto unfused = [&](const V& v) {
            V l = p.unfused(v);
            double counted = static_cast<double>(l.size());
            if (weighted) l = l * V(weight);
            if (masked) l = l * V(mask), counted = sum(V(mask) * V(A(l.shape(), 1.))).item();
            // The mean of labels divides by the sum of the weights.
            if (weighted && std::string(p.name) == "nll") counted = sum(V(weight) * (masked ? V(mask) : V(1.))).item();
            return r == Reduction::none ? l : r == Reduction::sum ? sum(l) : sum(l) / counted;
          };
          CAPTURE(std::string(p.name));
          CAPTURE(weighted);
          CAPTURE(masked);
          CHECK(fused(V(x)).shape() == unfused(V(x)).shape());
          CHECK(xt::allclose(fused(V(x)).value(), unfused(V(x)).value(), 1e-13, 1e-15));
          CHECK(xt::allclose(gradient(fused, x), gradient(unfused, x), 1e-12, 1e-15));
        }
  };
  for (const Pair& p : elements) compare(p, column({2, 0.5, 1}), A{{1, 0, 1, 1}});
  for (const Pair& p : rows) compare(p, A{2, 0.5, 1}, A{1, 0, 1});
}

TEST_CASE("losses of elements: where p is 0 or 1, and beyond") {
  const A far{-infinity, -1e300, 1e300, infinity};
  const auto bce = [](const V& s, double t) { return bce_with_logits(s, A(s.shape(), t), {Reduction::none}); };
  CHECK(bce(V(far), 1).value() == A{infinity, 1e300, 0, 0});
  CHECK(bce(V(far), 0).value() == A{0, 0, 1e300, infinity});
  CHECK(gradient([&](const V& s) { return bce(s, 1); }, far) == A{-1, -1, 0, 0});
  CHECK(gradient([&](const V& s) { return bce(s, 0); }, far) == A{0, 0, 1, 1});
  const A finite{-1e300, -800, 800, 1e300};
  for (const double gamma : {0., 0.1, 0.5, 1., 2., 5.})
    for (const double t : {0., 1.}) {
      const A g = gradient(
          [&](const V& s) {
            return sigmoid_focal(s, A(s.shape(), t), {.reduction = Reduction::none, .gamma = gamma, .alpha = -1});
          },
          finite);
      CHECK(g == (t == 1 ? A{-1, -1, 0, 0} : A{0, 0, 1, 1}));
    }
  const auto kl = [](const V& x) { return kl_div(x, A(x.shape(), 0.), {Reduction::none}); };
  CHECK(kl(V(A{-infinity, -3})).value() == A{0, 0});
  CHECK(gradient(kl, A{-infinity, -3}) == A{0, 0});
}

TEST_CASE("losses: what NaN and what infinity in the inputs give") {
  CHECK(std::isnan(mse(V(A{1, NAN}), A{1, 2}).item()));
  CHECK(mse(V(A{1, infinity}), A{1, 2}).item() == infinity);  // and not NaN from infinity - infinity in the sum
  CHECK(l1(Variable<float>(Array<float>{1, -HUGE_VALF}), Array<float>{1, 2}).item() == HUGE_VALF);
  // The sum of the squares is beyond float, their mean is not.
  CHECK(mse(Variable<float>(Array<float>(Shape{1000}, 1e19f)), Array<float>(Shape{1000}, 0.f)).item() ==
        doctest::Approx(1e38));
}

TEST_CASE("losses: weights, mask and reduction are the same for all") {
  const A x{{0.5, NAN, 2}, {infinity, 1, -1}}, t{{1, 0, NAN}, {0, 1, 0}};
  const V w = column({2, 0.5}), mask = A{{1, 0, 0}, {0, 3, 1}};  // what is not a number is left out
  const auto f = [&](const Weighting<double>& o) { return [&, o](const V& v) { return mse(v, t, o); }; };
  CHECK(f({Reduction::sum, w, mask})(x).item() == 2 * 0.25 + 0.5 * 1);
  CHECK(f({Reduction::mean, w, mask})(x).item() == doctest::Approx(1. / 3));
  CHECK(f({Reduction::none, w, mask})(x).value() == A{{0.5, 0, 0}, {0, 0, 0.5}});
  CHECK(gradient(f({Reduction::sum, w, mask}), x) == A{{-2, 0, 0}, {0, 0, -1}});
  const V v = parameter(x), u = A{{1, 1, 1}, {1, 1, 1}};
  CHECK(hvp(f({Reduction::sum, w, mask}), v, u).value() == A{{4, 0, 0}, {0, 1, 1}});
  const V nobody = A{{0, 0, 0}};
  CHECK(f({Reduction::mean, {}, nobody})(x).item() == 0);
  CHECK(gradient(f({Reduction::mean, {}, nobody}), x) == A(x.shape(), 0.));

  const A a{{1, 2}, {NAN, 0}, {3, 4}}, b{{2, 1}, {0, 0}, {infinity, 1}},
      y{1, 0, -1};  // 0: no target, but no row either
  const auto cosine = [&](const V& v) {
    return cosine_embedding(v, b, y, {.row_weights = A{5, 1, 0}, .mask = A{1, 0, 1}});
  };
  CHECK(cosine(a).item() == doctest::Approx(5 * 0.2 / 2));
  const A g = gradient(cosine, a);
  for (std::size_t i = 1; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j) CHECK(g(i, j) == 0);
  const V h = hvp(cosine, V(parameter(a)), V(A(a.shape(), 1.)));
  for (std::size_t i = 1; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j) CHECK(h.value()(i, j) == 0);
  CHECK(std::isfinite(h.value()(0, 0)));
}

TEST_CASE("losses: the gradient is the same when it is recorded") {
  const auto recorded = [](const auto& f, const A& x) {
    const V v = parameter(x);
    Tape tape;
    return tape.gradient(sum(f(v)), {v}, {.create_graph = true})[0].value();
  };
  const auto same = [&](const auto& f, const A& x) { CHECK(xt::allclose(recorded(f, x), gradient(f, x), 1e-14, 0)); };
  // A row that is left out does not matter, whatever z is made of.
  const A s{{1, 2, 0}, {NAN, infinity, 1}};
  const V mask = A{1, 0};
  for (const SoftmaxCe<double>& o : std::vector<SoftmaxCe<double>>{
           {.mask = mask, .temperature = 2}, {.mask = mask, .soft_cap = 3}, {.mask = mask, .z_loss = 0.1}})
    same([&](const V& v) { return softmax_ce(v, Labels{1, 0}, o); }, s);
  // Both negatives are equally far: one of them counts.
  const A a{{0, 0}, {1, 2}}, n{{1, 1}, {0, 0}};
  same([&](const V& v) { return triplet(v, a, n, {.margin = 5, .swap = true}); }, a);
  // The squares of the lengths are in range, their product is not.
  const Array<float> far{{2e15f, 0}}, other{{1e15f, 1e15f}};
  const Variable<float> v = parameter(far);
  Tape tape;
  const auto l = cosine_embedding(v, other, Array<float>{1.f});
  CHECK(tape.gradient(l, {v}, {.create_graph = true})[0].data()[1] == doctest::Approx(-1 / std::sqrt(2.) / 2e15));
}

TEST_CASE("losses: what is constant, and what finds out that it has changed") {
  const V x = parameter(A{{1, 2}}), w = parameter(A(Shape{1, 1}, 3.));
  {
    Tape tape;
    const V weight = 2 * w;
    const auto [gx, gw] = tape.gradient(mse(x, A{{0, 0}}, {Reduction::sum, weight}) + 0 * sum(w), {x, w});
    CHECK(gx.value() == A{{12, 24}});
    CHECK(gw.value() == A(Shape{1, 1}, 0.));
  }
  V c = A{1, 1};
  Tape tape;
  const V l = nll(x, Labels{0}, {.class_weights = c}) + multi_margin(x, Labels{0}, {.class_weights = c, .p = 2});
  c.mutable_value() = A{5, 1};
  CHECK_THROWS_AS(tape.gradient(l, {x}, {.create_graph = true}), TapeError);
}

TEST_CASE("losses: means are exact where they can be") {
  A mask(Shape{7, 7}, 0.);
  mask(3, 3) = 1;
  CHECK(mse(V(A(Shape{7, 7}, 1.)), A(Shape{7, 7}, 0.), {.mask = V(mask)}).item() == 1);
  // The sum is beyond float, the mean of the rows is not.
  const Variable<float> log_p = Array<float>(Shape{100, 1}, -3e37f);
  CHECK(kl_div(log_p, Array<float>(Shape{100, 1}, 1.f), {.batchmean = true}).item() == doctest::Approx(3e37));
  // A row of weight 0 counts, whether rows without positives do or not.
  const A s{{0, 0}, {0, 0}}, t{{1, 0}, {0, 1}};
  for (const bool all : {true, false})
    CHECK(softmax_ce(V(s), t, {.row_weights = A{1, 0}, .count_empty_rows = all}).item() ==
          doctest::Approx(std::log(2.) / 2));
}

TEST_CASE("losses: infinity") {
  const auto of = [](auto f) { return gradient(f, A{-infinity, infinity}); };
  CHECK(of([](const V& v) { return huber(v, A{0, 0}, {.reduction = Reduction::sum, .delta = 2}); }) == A{-2, 2});
  CHECK(of([](const V& v) { return smooth_l1(v, A{0, 0}, {.reduction = Reduction::sum}); }) == A{-1, 1});
  const Variable<float> tiny = parameter(Array<float>{1e-9f});
  CHECK(smooth_l1(tiny, Array<float>{0.f}, {.beta = 1e-35}).item() == doctest::Approx(1e-9));
  CHECK(smooth_l1(tiny, Array<float>{0.f}, {.beta = 1e-50}).item() == doctest::Approx(1e-9));
  // The label is impossible: pushed and pulled as by softmax_ce.
  const A s{{-infinity, 0, 0}};
  const auto focal = [](const V& v) { return softmax_focal(v, Labels{0}); };
  CHECK(focal(V(s)).item() == infinity);
  CHECK(gradient(focal, s) == A{{-1, 0.5, 0.5}});
  // An infinite score, or none that is finite: no number that looks like one.
  for (const A& bad : {A{{infinity, 1, 2}}, A{{-infinity, -infinity, -infinity}}}) {
    const auto ce = [](const V& v) { return softmax_ce(v, Labels{0}); };
    CHECK(std::isnan(ce(V(bad)).item()));
    for (const double g : gradient(ce, bad)) CHECK(std::isnan(g));
  }
}

TEST_CASE("nll: of log_softmax it is softmax_ce") {
  std::mt19937_64 random(5);
  const A s = test::uniform({6, 4, 2}, {-3, 3}, random);
  Labels labels(Shape{6, 2}, 1);
  labels(2, 0) = 3, labels(4, 1) = -100;
  const V c = A{0.5, 2, 1, 3};
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
    const auto two = [&](const V& v) { return nll(log_softmax(v, 1), labels, {.reduction = r, .class_weights = c}); };
    const auto one = [&](const V& v) { return softmax_ce(v, labels, {.reduction = r, .class_weights = c}); };
    CHECK(xt::allclose(two(s).value(), one(s).value(), 1e-14));
    CHECK(xt::allclose(gradient(two, s), gradient(one, s), 1e-13, 1e-15));
  }
  // A class that is impossible and not asked for costs nothing.
  CHECK(nll(V(A{{-infinity, -1}}), Labels{1}).item() == 1);
}

TEST_CASE("softmax_focal: gamma 0 is softmax_ce; signs, sum and extremes") {
  std::mt19937_64 random(6);
  const A s = test::uniform({5, 4}, {-3, 3}, random);
  const Labels labels{0, 3, 1, -100, 2};
  const auto focal = [&](double gamma) {
    return [&, gamma](const V& v) { return softmax_focal(v, labels, {.gamma = gamma}); };
  };
  CHECK(focal(0)(s).item() == doctest::Approx(softmax_ce(V(s), labels).item()).epsilon(1e-15));
  for (const double gamma : {0.3, 1., 2., 4.}) {
    const A g = gradient(focal(gamma), s);
    for (std::size_t i = 0; i < 5; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        sum += g(i, j);
        if (labels(i) < 0)
          CHECK(g(i, j) == 0);
        else if (static_cast<std::int64_t>(j) == labels(i))
          CHECK(g(i, j) < 0);
        else
          CHECK(g(i, j) > 0);  // never pulled up
      }
      CHECK(std::abs(sum) < 1e-15);
    }
  }
  // Unfused: -(1 - p)^gamma ln p, p = softmax(s)_t.
  const auto unfused = [&](const V& v) {
    const V p = gather(softmax(v), 1, column<Labels>({0, 3, 1, 0, 2}));
    const V counts = column({1, 1, 1, 0, 1});
    return -sum(counts * pow(1 - p, 2.) * log(p)) / 4;
  };
  CHECK(focal(2)(s).item() == doctest::Approx(unfused(V(s)).item()).epsilon(1e-14));
  CHECK(xt::allclose(gradient(focal(2), s), gradient(unfused, s), 1e-13, 1e-15));

  // Known to 40 and to 700 nats, either way: (1 - p)^gamma l against long double.
  for (const double margin : {1., 20., 40., 300., 700.})
    for (const double gamma : {0.5, 1., 2.}) {
      const A pair{{margin, 0}};
      for (const std::int64_t label : {0, 1}) {
        const Real l = softplus_of(label == 0 ? -margin : margin), p = sigmoid_of(label == 0 ? margin : -margin),
                   q = sigmoid_of(label == 0 ? -margin : margin), power = std::pow(q, Real(gamma));
        const auto f = [&](const V& v) { return softmax_focal(v, Labels{label}, {.gamma = gamma}); };
        const Real loss = power * l, slope = power * (q + gamma * l * p);  // -dL/ds of the positive class
        CAPTURE(margin);
        CAPTURE(gamma);
        CAPTURE(label);
        if (loss < std::numeric_limits<double>::min()) continue;
        CHECK(test::ulps(f(pair).item(), loss) <= 8);
        const A g = gradient(f, pair);
        CHECK(test::ulps(-g(0, static_cast<std::size_t>(label)), slope) <= 8);
        CHECK(test::ulps(g(0, 0), -Real(g(0, 1))) <= 4);
      }
    }
  for (const double gamma : {0.1, 0.9, 2., 7.})
    for (const double far : {-1e30, -800., 800., 1e30})
      for (const double x :
           gradient([&](const V& v) { return softmax_focal(v, Labels{0}, {.gamma = gamma}); }, A{{far, 0}}))
        CHECK(std::isfinite(x));
}

TEST_CASE("multi_margin: as PyTorch defines it") {
  const A s{{0.1, 0.2, 0.4, 0.8}};
  CHECK(multi_margin(V(s), Labels{3}).item() == doctest::Approx((0.3 + 0.4 + 0.6) / 4));
  CHECK(multi_margin(V(s), Labels{3}, {.p = 2}).item() == doctest::Approx((0.09 + 0.16 + 0.36) / 4));
  const V c = A{1, 1, 1, 5};
  CHECK(multi_margin(V(s), Labels{3}, {.class_weights = c}).item() == doctest::Approx(5 * 1.3 / 4));
  CHECK(gradient([&](const V& v) { return multi_margin(v, Labels{3}, {.margin = 0.5}); }, s) == A{{0, 0, 0.25, -0.25}});
  // The kink counts as kept.
  CHECK(gradient([&](const V& v) { return multi_margin(v, Labels{1}); }, A{{1, 2}}) == A{{0, 0}});
  // Scores far from 0 keep their differences.
  CHECK(multi_margin(V(A{{1e15, 1e15 + 0.5}}), Labels{1}).item() == 0.25);
  CHECK(std::isnan(multi_margin(V(A{{NAN, 0}}), Labels{1}).item()));
}

TEST_CASE("cosine_embedding: exact where a and b almost agree") {
  for (const double angle : {1e-9, 1e-6, 1e-3, 0.5, 2., 3.14159}) {
    CAPTURE(angle);
    const A a{{3, 0}}, b{{std::cos(angle), std::sin(angle)}};
    const Real exact = 2 * std::pow(std::sin(Real(angle) / 2), 2);
    const Real e = 1e-12L,
               of_e = -std::expm1(-(std::log1p(e / 9) + std::log1p(e)) / 2);  // what e takes from the cosine
    const Real with_e = exact + std::cos(Real(angle)) * of_e;
    const auto f = [&](const V& v) { return cosine_embedding(v, b, A{1.}); };
    // b is rounded: its angle is off by up to 1e-16.
    CHECK(std::abs(f(a).item() - with_e) <= 1e-15L * with_e + 2e-16L * angle);
    const A g = gradient(f, a);
    CHECK(std::abs(g(0, 1) + std::sin(Real(angle)) / 3) <= 1e-11L * std::sin(Real(angle)));  // e
  }
  CHECK(cosine_embedding(V(A{{1, 0}, {1, 0}, {1, 1}}), A{{1, 0}, {0, 1}, {1, 1}}, A{-1, -1, -1},
                         {.reduction = Reduction::none, .margin = 0.25})
            .value()(1) == 0);
  for (const double x : gradient([](const V& v) { return cosine_embedding(v, A{{1, 2}}, A{1.}); }, A{{0, 0}}))
    CHECK(std::isfinite(x));
}

TEST_CASE("triplet: as PyTorch defines it, with and without swap") {
  const A a{{0, 0}}, p{{3, 4}}, n{{3, 5}};
  const auto close = [](const V& l, double want) { CHECK(l.item() == doctest::Approx(want).epsilon(1e-5)); };
  close(triplet(V(a), p, n, {.margin = 2}), 5 - std::sqrt(34.) + 2);
  close(triplet(V(a), p, n, {.margin = 2, .swap = true}), 5 - 1 + 2);
  close(triplet(V(a), p, n, {.margin = 0.5}), 0);
  CHECK(gradient([&](const V& v) { return triplet(v, p, n, {.margin = 0.5}); }, a) == A{{0, 0}});
  const A g = gradient([&](const V& v) { return triplet(v, p, n, {.margin = 2, .swap = true}); }, a);
  CHECK(g(0, 0) == doctest::Approx(-0.6).epsilon(1e-5));
}

TEST_CASE("losses: shapes, targets and options that do not fit") {
  const V x = A{{1, 2, 3}, {4, 5, 6}};
  const auto text = [&](auto f) { return message<Error>(f); };
  CHECK(text([&] {
          mse(x, x, {.row_weights = A{{1, 1, -1e-9}}});
        }) == "mse: the weight of row [0,2] is -1e-09; weights must be finite and not negative");
  CHECK(text([&] {
          mse(V(A{1, 2}), column({1, 2}));
        }) == "mse: x is [2] but targets are [2,1]; they must be equal, nothing is stretched; reshape one");
  CHECK(text([&] {
          l1(x, A{1, 2, 3});
        }) == "l1: x is [2,3] but targets are [3]; they must be equal, nothing is stretched");
  CHECK(text([&] {
          bce_with_logits(x, A{{0, 1, 0}, {1, NAN, 1}});
        }) == "bce_with_logits: the target of row [1,1] is nan; targets must be finite");
  CHECK(text([&] {
          mse(x, A{{0, 1, 0}, {1, infinity, 1}}, {Reduction::none});
        }) == "mse: the target of row [1,1] is inf; targets must be finite");
  CHECK(text([&] {
          kl_div(x, A{{0, 1, 0}, {-0.5, 0, 1}});
        }) == "kl_div: the target of row [1,0] is -0.5; targets must be probabilities, finite and not negative");
  CHECK(text([&] {
          kl_div(x, A{{0, 1, 0}, {NAN, 0, 1}}, {.log_target = true});
        }) == "kl_div: the target of row [1,0] is nan; log targets must not be NaN or inf");
  CHECK(text([&] {
          hinge(x, A{{1, -1, 1}, {0, 1, 1}});
        }) == "hinge: the target of row [1,0] is 0; targets must be -1 or 1");
  CHECK(text([&] {
          mse(x, x, {.row_weights = A{1, 2}});
        }) ==
        "mse: row_weights is [2] but the elements are [2,3]; it must have their shape, or extent 1 along axes along "
        "which "
        "it is the same");
  CHECK(text([&] {
          mse(x, x, {.row_weights = column({1, -2})});
        }) == "mse: the weight of row [1,0] is -2; weights must be finite and not negative");
  CHECK(text([&] {
          mse(x, x, {.mask = A{{1, 1}}});
        }) ==
        "mse: mask is [1,2] but the elements are [2,3]; it must have their shape, or extent 1 along axes along which "
        "it is "
        "the same");
  CHECK(text([&] {
          mse(V(A(Shape{0, 3})), A(Shape{0, 3}));
        }) == "mse: there are no rows, [0,3], to take the mean of; reduce by sum, or skip the batch");
  CHECK(text([&] {
          kl_div(V(A(Shape{0, 3})), A(Shape{0, 3}), {.batchmean = true});
        }) == "kl_div: there are no rows, [0,3], to take the mean of; reduce by sum, or skip the batch");
  CHECK(text([&] { huber(x, x, {.delta = 0}); }) == "huber: delta is 0; it must be finite and above 0");
  CHECK(text([&] { smooth_l1(x, x, {.beta = -1}); }) == "smooth_l1: beta is -1; it must be finite and not negative");
  CHECK(text([&] { sigmoid_focal(x, x, {.gamma = -1}); }) ==
        "sigmoid_focal: gamma is -1; it must be finite and not negative");
  CHECK(text([&] { sigmoid_focal(x, x, {.alpha = 2}); }) ==
        "sigmoid_focal: alpha is 2; it must be in 0..1, or below 0 for none");
  CHECK(text([&] {
          bce_with_logits(x, x, {.pos_weight = A{1, -1, 1}});
        }) == "bce_with_logits: pos_weight 1 is -1; it must be finite and not negative");
  CHECK(text([&] { nll(x, Labels{0, 3}); }) == "nll: label 3 in row 1 is outside 0..2 for 3 classes");
  CHECK(text([&] { nll(x, Labels{0}); }) ==
        "nll: scores are [2,3] but labels are [1]; labels must be [2], one class a row");
  CHECK(text([&] {
          softmax_focal(x, Labels{1, 3});
        }) ==
        "softmax_focal: label 3 in row 1 is outside 0..2 for 3 classes; the labels seem to count from 1: subtract 1");
  CHECK(text([&] { multi_margin(x, Labels{0, 1}, {.p = 3}); }) == "multi_margin: p is 3; it must be 1 or 2");
  CHECK(text([&] {
          multi_margin(x, Labels{0, 1}, {.class_weights = A{1, 2}});
        }) ==
        "multi_margin: class_weights are [2] but scores [2,3] have 3 classes along axis 1; there must be one weight a "
        "class");
  CHECK(text([&] {
          cosine_embedding(x, A{{1, 2, 3}}, A{1.});
        }) == "cosine_embedding: a is [2,3] but b is [1,3]; both must be [N,D], a row an example");
  CHECK(text([&] { cosine_embedding(x, x, A{1.}); }) ==
        "cosine_embedding: a is [2,3] but targets are [1]; they must be [2], one a row");
  CHECK(text([&] {
          cosine_embedding(x, x, A{1, 0});
        }) == "cosine_embedding: the target of row 1 is 0; targets must be -1 or 1");
  CHECK(text([&] {
          cosine_embedding(x, x, A{1, 1}, {.margin = 2});
        }) == "cosine_embedding: margin is 2; it must be in -1..1");
  CHECK(text([&] {
          triplet(x, x, A{{1, 2, 3}});
        }) == "triplet: anchor is [2,3] but negative is [1,3]; both must be [N,D], a row an example");
}
