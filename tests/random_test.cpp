// dropout against the published generator, and the statistics of its masks.
#include "nn/random.hpp"

#include <doctest/doctest.h>

#include <array>

#include "autodiff/autodiff.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;

namespace {

using Words = std::array<std::uint32_t, 4>;

/// Threefry-4x32-20 word by word, as published.
Words threefry(const Words& counter, const Words& key) {
  constexpr int rotations[8][2] = {{10, 26}, {11, 21}, {13, 27}, {23, 5}, {6, 20}, {17, 11}, {25, 10}, {18, 20}};
  const std::uint32_t k[5] = {key[0], key[1], key[2], key[3], 0x1BD11BDA ^ key[0] ^ key[1] ^ key[2] ^ key[3]};
  Words x;
  for (std::size_t i = 0; i < 4; ++i) x[i] = counter[i] + k[i];
  const auto mix = [](std::uint32_t& a, std::uint32_t& b, int r) {
    a += b;
    b = (b << r | b >> (32 - r)) ^ a;
  };
  for (std::uint32_t d = 0; d < 20; ++d) {
    mix(x[0], x[d % 2 ? 3 : 1], rotations[d % 8][0]);
    mix(x[2], x[d % 2 ? 1 : 3], rotations[d % 8][1]);
    if (d % 4 != 3) continue;
    for (std::uint32_t i = 0; i < 4; ++i) x[i] += k[(d / 4 + 1 + i) % 5];
    x[3] += d / 4 + 1;
  }
  return x;
}

bool kept(std::size_t i, double p, std::uint64_t seed) {
  const std::uint64_t counter = i / 64 * 16 + i % 16;
  const Words words = threefry({static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0},
                               {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), 0, 0});
  return words[i / 16 % 4] >= p * 0x1p32;
}

template <class T> Variable<T> ones(std::size_t n) { return Array<T>(Shape{n}, T(1)); }

std::vector<int> mask(std::size_t n, double p, std::uint64_t seed) {
  const Variable<float> y = dropout(ones<float>(n), p, seed);
  std::vector<int> m(n);
  for (std::size_t i = 0; i < n; ++i) m[i] = y.data()[i] != 0;
  return m;
}

/// How many standard deviations `count` of n lies from its mean.
double deviation(double count, double n, double probability) {
  return std::abs(count - n * probability) / std::sqrt(n * probability * (1 - probability));
}

}  // namespace

TEST_CASE("the generator of this test gives the published numbers") {
  // kat_vectors of Random123.
  CHECK(threefry({0, 0, 0, 0}, {0, 0, 0, 0}) == Words{0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8});
  constexpr std::uint32_t f = 0xffffffff;
  CHECK(threefry({f, f, f, f}, {f, f, f, f}) == Words{0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732});
  CHECK(threefry({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89}) ==
        Words{0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84});
}

TEST_CASE_TEMPLATE("dropout follows the generator, whatever the length and type", T, float, double) {
  std::mt19937_64 random(61);
  for (const std::size_t n : {1, 5, 16, 63, 64, 65, 130, 1000})
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, random()}) {
      CAPTURE(n);
      CAPTURE(seed);
      const Variable<T> x = parameter(test::uniform<T>({n}, {1, 2}, random));
      const Array<T> u = test::uniform<T>({n}, {1, 2}, random);
      Tape tape;
      const Variable<T> y = dropout(x, 0.25, seed);
      const auto [g] = tape.gradient(y, {x}, {.upstream = u});
      for (std::size_t i = 0; i < n; ++i) {
        const T m = kept(i, 0.25, seed) ? T(1 / 0.75) : T(0);
        CHECK(y.data()[i] == m * x.data()[i]);
        CHECK(g.data()[i] == m * u(i));
      }
    }
}

TEST_CASE("as many are dropped as should be, and what is dropped says nothing of the rest") {
  const std::size_t n = 200'000;
  for (const double p : {0.01, 0.1, 0.5, 0.9}) {
    CAPTURE(p);
    const std::vector<int> m = mask(n, p, 3), other = mask(n, p, 4);
    const double q = 1 - p;
    double count = 0, same = 0;
    for (std::size_t i = 0; i < n; ++i) count += m[i], same += m[i] & other[i];
    CHECK(deviation(count, n, q) < 4);
    CHECK(deviation(same, n, q * q) < 4);
    for (const std::size_t lag : {1, 2, 4, 8, 16, 32, 64, 1024}) {
      CAPTURE(lag);
      double pairs = 0;
      for (std::size_t i = 0; i + lag < n; ++i) pairs += m[i] & m[i + lag];
      CHECK(deviation(pairs, n - lag, q * q) < 5);
    }
    // The masks of neighbouring seeds at one place.
    double first = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) first += mask(1, p, seed)[0];
    CHECK(deviation(first, 4000, q) < 4);
  }
}

TEST_CASE("dropout: ends of p, what is not a number, memory, errors") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Variable<double> x = parameter(Array<double>{1, 2, 3});
  Tape tape;
  CHECK(dropout(x, 0, 1).block() == x.block());
  const auto y = dropout(x, 1, 1);
  CHECK(y.value() == Array<double>{0, 0, 0});
  const auto [g] = tape.gradient(x + y, {x}, {.upstream = Array<double>{1, 2, 3}});
  CHECK(g.value() == Array<double>{1, 2, 3});
  const Array<double> bad = dropout(Variable<double>(Array<double>(Shape{200}, inf)), 0.5, 1).value();
  for (const double b : bad) CHECK((b == 0 || b == inf));
  nn::Random random(7);
  const auto a = dropout(ones<double>(100), 0.5, random()), b = dropout(ones<double>(100), 0.5, random());
  CHECK(a.value() != b.value());
  CHECK(message<ValueError>([&] { dropout(x, -0.5, 1); }) ==
        "dropout: p is -0.500000; it must be a probability, from 0 to 1");
  CHECK(message<ValueError>([&] { dropout(x, nan, 1); }) == "dropout: p is nan; it must be a probability, from 0 to 1");
}
