// Normalisation against sums in long double, far from 0, the running statistics, and what is refused.
#include <doctest/doctest.h>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;

namespace {

using V = Variable<double>;
using A = Array<double>;
using Numbers = std::vector<long double>;

template <class T> Numbers wide(const Variable<T>& x) { return {x.data(), x.data() + x.size()}; }

/// y = (x - mean) r w + b of one group, and its gradients, from the matrix of derivatives
///   dxhat_i/dx_j = r [i = j] - r/n - r^3 d_i d_j / n          (without the middle term where the mean counts as 0).
struct Exact {
  Numbers y, gx, gw, gb;
  long double size = 0;  // of the terms of gx, which nearly cancel in a group of two

  Exact(const Numbers& x, const Numbers& w, const Numbers& b, const Numbers& g, bool centred, long double eps)
      : y(x.size()), gx(x.size()), gw(x.size()), gb(g) {
    const std::size_t n = x.size();
    long double mean = 0, var = 0;
    for (std::size_t i = 0; centred && i < n; ++i) mean += x[i] / n;
    for (std::size_t i = 0; i < n; ++i) var += (x[i] - mean) * (x[i] - mean) / n;
    const long double r = 1 / std::sqrt(var + eps);
    for (std::size_t i = 0; i < n; ++i) {
      const long double xhat = (x[i] - mean) * r;
      y[i] = xhat * w[i] + b[i];
      gw[i] = g[i] * xhat;
      size = std::max(size, std::abs(g[i] * w[i]) * r);
      for (std::size_t j = 0; j < n; ++j)
        gx[j] += g[i] * w[i] * (r * (i == j) - (centred ? r / n : 0) - r * r * r * (x[i] - mean) * (x[j] - mean) / n);
    }
  }
};

/// Within so many units in the last place of the largest of the exact values, or of `size`.
template <class T> void check_close(const Variable<T>& got, const Numbers& exact, double ulps, long double size = 0) {
  REQUIRE(got.size() == exact.size());
  long double largest = size, off = 0;
  for (const long double e : exact) largest = std::max(largest, std::abs(e));
  for (std::size_t i = 0; i < exact.size(); ++i) off = std::max(off, std::abs(got.data()[i] - exact[i]));
  CHECK(static_cast<double>(off / (largest * std::numeric_limits<T>::epsilon())) <= ulps);
}

/// Rows or channels of x as groups, one after the other.
Numbers part(const Numbers& x, std::size_t group, std::size_t outer, std::size_t groups, std::size_t inner) {
  Numbers p;
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i) p.push_back(x[(o * groups + group) * inner + i]);
  return p;
}

template <class T> struct Case {
  Variable<T> x, weight, bias;
  Array<T> g;

  Case(const Shape& shape, const Shape& weights, std::mt19937_64& random, Domain domain = {-2, 2})
      : x(parameter(test::uniform<T>(shape, domain, random))),
        weight(parameter(test::uniform<T>(weights, {-2, 2}, random))),
        bias(parameter(test::uniform<T>(weights, {-2, 2}, random))),
        g(test::uniform<T>(shape, {-1, 1}, random)) {}
};

template <class T> void check_rows(std::size_t rows, std::size_t length, bool centred, std::mt19937_64& random) {
  CAPTURE(rows);
  CAPTURE(length);
  const Case<T> c({rows, length}, {length}, random);
  Tape tape;
  const Variable<T> y = centred ? layer_norm(c.x, c.weight, c.bias) : rms_norm(c.x, c.weight, 1e-5) + 0 * c.bias;
  const auto [gx, gw, gb] = tape.gradient(y, {c.x, c.weight, c.bias}, {.upstream = c.g});
  Numbers ys, gxs, gws(length), gbs(length);
  long double size = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const Exact e(part(wide(c.x), i, 1, rows, length), wide(c.weight), centred ? wide(c.bias) : Numbers(length),
                  part(wide(Variable<T>(c.g)), i, 1, rows, length), centred, 1e-5L);
    ys.insert(ys.end(), e.y.begin(), e.y.end());
    gxs.insert(gxs.end(), e.gx.begin(), e.gx.end());
    size = std::max(size, e.size);
    for (std::size_t k = 0; k < length; ++k) gws[k] += e.gw[k], gbs[k] += e.gb[k];
  }
  check_close(y, ys, 4);
  check_close(gx, gxs, 4, size);
  check_close(gw, gws, 4, 1);
  if (centred) check_close(gb, gbs, 2, 1);
}

template <class T> void check_channels(const Shape& shape, bool training, std::mt19937_64& random) {
  CAPTURE(to_string(shape));
  const Case<T> c(shape, {shape[1]}, random);
  const Variable<T> mean = test::uniform<T>({shape[1]}, {-1, 1}, random),
                    var = test::uniform<T>({shape[1]}, {0.5, 2}, random);
  const Numbers old_mean = wide(mean), old_var = wide(var);
  Tape tape;
  const Variable<T> y =
      batch_norm(c.x, c.weight, c.bias, mean, var, {.training = training, .momentum = 0.25, .eps = 1e-3});
  const auto [gx, gw, gb] = tape.gradient(y, {c.x, c.weight, c.bias}, {.upstream = c.g});
  const std::size_t inner = shape.size() > 2 ? c.x.size() / (shape[0] * shape[1]) : 1, n = shape[0] * inner;
  Numbers ys(c.x.size()), gxs(c.x.size()), gws, gbs, means, vars;
  long double size = 0;
  for (std::size_t k = 0; k < shape[1]; ++k) {
    const Numbers x = part(wide(c.x), k, shape[0], shape[1], inner),
                  g = part(wide(Variable<T>(c.g)), k, shape[0], shape[1], inner);
    Exact e(x, Numbers(n, c.weight.data()[k]), Numbers(n, c.bias.data()[k]), g, true, 1e-3L);
    size = std::max(size, e.size);
    long double m = 0, v = 0, gw_k = 0, gb_k = 0;
    for (const long double xi : x) m += xi / n;
    for (const long double xi : x) v += (xi - m) * (xi - m) / (n - 1);
    means.push_back(training ? old_mean[k] + 0.25L * (m - old_mean[k]) : old_mean[k]);
    vars.push_back(training ? old_var[k] + 0.25L * (v - old_var[k]) : old_var[k]);
    for (std::size_t i = 0; i < n; ++i) {
      if (!training) {
        const long double r = 1 / std::sqrt(old_var[k] + 1e-3L);
        e.y[i] = (x[i] - old_mean[k]) * r * c.weight.data()[k] + c.bias.data()[k];
        e.gw[i] = g[i] * (x[i] - old_mean[k]) * r;
        e.gx[i] = g[i] * c.weight.data()[k] * r;
      }
      const std::size_t at = (i / inner * shape[1] + k) * inner + i % inner;
      ys[at] = e.y[i], gxs[at] = e.gx[i];
      gw_k += e.gw[i], gb_k += e.gb[i];
    }
    gws.push_back(gw_k), gbs.push_back(gb_k);
  }
  check_close(y, ys, 4);
  check_close(gx, gxs, 4, size);
  check_close(gw, gws, 4, 1);
  check_close(gb, gbs, 2, 1);
  check_close(mean, means, 1);
  check_close(var, vars, 2);
}

}  // namespace

TEST_CASE_TEMPLATE("layer_norm and rms_norm against long double", T, float, double) {
  std::mt19937_64 random(51);
  for (const std::size_t length : {1, 2, 3, 5, 8, 15, 16, 17, 33, 64, 100, 300})
    for (const std::size_t rows : {1, 3, 8, 19})
      for (const bool centred : {true, false}) check_rows<T>(rows, length, centred, random);
}

TEST_CASE_TEMPLATE("batch_norm against long double", T, float, double) {
  std::mt19937_64 random(52);
  for (const bool training : {true, false})
    for (const Shape& shape : {Shape{2, 1}, Shape{5, 3}, Shape{9, 17}, Shape{33, 130}, Shape{1, 2, 2}, Shape{3, 2, 5},
                               Shape{4, 3, 7, 7}, Shape{2, 5, 3, 4, 2}, Shape{1, 3, 300}})
      check_channels<T>(shape, training, random);
}

TEST_CASE("far from 0, float32 keeps what x still has of its digits") {
  std::mt19937_64 random(53);
  for (const std::size_t n : {7, 64, 1000}) {
    const Case<float> c({1, n}, {n}, random, {1e4 - 1, 1e4 + 1});
    Tape tape;
    const Variable<float> y = layer_norm(c.x, c.weight, c.bias);
    const auto [gx, gw] = tape.gradient(y, {c.x, c.weight}, {.upstream = c.g});
    const Exact e(wide(c.x), wide(c.weight), wide(c.bias), wide(Variable<float>(c.g)), true, 1e-5L);
    check_close(y, e.y, 4);
    check_close(gx, e.gx, 4);
    check_close(gw, e.gw, 4);
    // The same numbers as one channel, along an example and down the examples.
    for (const Shape& shape : {Shape{1, 1, n}, Shape{n, 1}}) {
      const Variable<float> z = batch_norm(reshape(c.x, Extents(shape)), {}, {}, {}, {}, {.training = true});
      check_close(reshape(z, {1, -1}) * c.weight + c.bias, e.y, 4);
    }
  }
}

TEST_CASE("outliers in the first rows of a column do not harm its variance") {
  std::mt19937_64 random(55);
  Variable<float> x = test::uniform<float>({2000, 1}, {-1, 1}, random);
  for (std::size_t i = 0; i < 16; ++i) x.mutable_value()(i, 0) += 1e3f;
  const Exact e(wide(x), Numbers(2000, 1), Numbers(2000), Numbers(2000), true, 1e-5L);
  check_close(batch_norm(x, {}, {}, {}, {}, {.training = true}), e.y, 4);
}

TEST_CASE("gradients of weights do not drift over many rows") {
  const std::size_t rows = 1'000'000;
  const Variable<float> x = Array<float>(Shape{rows, 2}, 0.f), weight = parameter(Array<float>{1, 1}),
                        bias = parameter(Array<float>{0, 0});
  Variable<float> tilted = x;
  for (std::size_t i = 0; i < rows; ++i) tilted.mutable_value()(i, 1) = 2;  // xhat = -1, 1 where eps = 0
  Tape tape;
  const auto y = layer_norm(tilted, weight, bias, 0);
  const auto [gw, gb] = tape.gradient(y, {weight, bias}, {.upstream = Array<float>(y.shape(), 0.1f)});
  for (const float g : {-gw.value()(0), gw.value()(1), gb.value()(0), gb.value()(1)})
    CHECK(test::ulps(g, 1e6L * 0.1f) <= 1);
}

TEST_CASE("a row without spread is 0, and so is its gradient") {
  const V x = parameter(A{{3, 3, 3, 3}});
  Tape tape;
  const V y = layer_norm(x, 1);
  CHECK(y.value() == A{{0, 0, 0, 0}});
  const auto [g] = tape.gradient(y, {x}, {.upstream = A{{1, 1, 1, 1}}});
  CHECK(g.value() == A{{0, 0, 0, 0}});
}

TEST_CASE("only the gradients that are asked for, and those that are there already") {
  std::mt19937_64 random(54);
  const Case<double> c({4, 6}, {6}, random);
  const V data(c.x.value());
  Tape tape;
  const V of_data = layer_norm(data, c.weight, c.bias), of_both = c.x + layer_norm(c.x, c.weight, c.bias);
  const auto [gw] = tape.gradient(of_data, {c.weight}, {.upstream = c.g, .retain = true});
  const auto [gx] = tape.gradient(of_both, {c.x}, {.upstream = c.g, .retain = true});
  const auto [gx2, gw2] = tape.gradient(layer_norm(c.x, c.weight, c.bias), {c.x, c.weight}, {.upstream = c.g});
  CHECK(gw.value() == gw2.value());
  CHECK(xt::allclose(gx.value(), c.g + gx2.value(), 1e-15, 1e-15));
  CHECK(batch_norm(V(A{{1, 2}, {3, 2}}), {}, {}, {}, {}, {.training = true, .eps = 0.25}).value()(1, 0) ==
        doctest::Approx(1 / std::sqrt(1.25)));
}

TEST_CASE("running statistics: what was recorded before they moved stands") {
  const V x = parameter(A{{1, 2}, {3, 6}}), mean = A{0, 0}, var = A{1, 1};
  {
    Tape tape;
    const V y = batch_norm(x, {}, {}, mean, var, {.eps = 0});
    CHECK(y.value() == x.value());
    batch_norm(x, {}, {}, mean, var, {.training = true, .momentum = 0.5});
    CHECK(mean.value() == A{1, 2});
    CHECK(var.value() == A{1.5, 4.5});
    const auto [g] = tape.gradient(y, {x}, {.upstream = A{{1, 2}, {3, 4}}});
    CHECK(g.value() == A{{1, 2}, {3, 4}});
  }
  batch_norm(V(A(Shape{0, 2})), {}, {}, mean, var, {.training = true});
  CHECK(mean.value() == A{1, 2});
  batch_norm(x, {}, {}, mean, var, {.training = true, .momentum = 1});
  CHECK(mean.value() == A{2, 4});
  CHECK(var.value() == A{2, 8});
}

TEST_CASE("normalisation: errors") {
  const V x = A(Shape{2, 3, 4}), w3 = A(Shape{3}), w4 = A(Shape{4}), row = A(Shape{1, 3}), none;
  CHECK(message<ShapeError>([&] { layer_norm(x, w3, w3); }) ==
        "layer_norm: x is [2,3,4] but weight is [3]; weight must have the shape of the last axes of x");
  CHECK(message<ShapeError>([&] { rms_norm(V(1.), V(1.)); }) ==
        "rms_norm: x is [] but weight is []; weight must have the shape of the last axes of x");
  CHECK(message<ShapeError>([&] { layer_norm(x, w4, w3); }) ==
        "layer_norm: weight is [4] but bias is [3]; they must be equal");
  CHECK(message<ShapeError>([&] { layer_norm(x, 4); }) ==
        "layer_norm: x is [2,3,4], which has no last 4 axes to normalise over");
  CHECK(message<ShapeError>([&] { rms_norm(x, 0); }) ==
        "rms_norm: x is [2,3,4], which has no last 0 axes to normalise over");
  CHECK(message<ShapeError>([&] { batch_norm(w3, none, none, w3, w3); }) ==
        "batch_norm: x is [3]; it must be [N,C,...]");
  CHECK(message<ShapeError>([&] { batch_norm(x, w4, none, w3, w3); }) ==
        "batch_norm: x is [2,3,4] but weight is [4]; weight must be [3], one number a channel");
  CHECK(message<ShapeError>([&] { batch_norm(x, w3, w3, w3, w4); }) ==
        "batch_norm: x is [2,3,4] but running_var is [4]; running_var must be [3], one number a channel");
  CHECK(message<ShapeError>([&] { batch_norm(row, none, none, w3, w3, {.training = true}); }) ==
        "batch_norm: x is [1,3], one element a channel: its variance says nothing; train on more");
  CHECK(message<ValueError>([&] { batch_norm(x, w3, w3, none, none); }) ==
        "batch_norm: running_mean and running_var must be given where it is not training");
  CHECK(message<ValueError>([&] { batch_norm(x, w3, w3, w3, none, {.training = true}); }) ==
        "batch_norm: running_mean and running_var must both be given, or neither");
}
