// Random numbers with the same bits on every machine. The distributions of the standard library differ from
// one implementation to the next; these are written with exactly rounded operations and comparisons only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wengert::nn {

/// SplitMix64: a counter, scrambled. Its whole state is one number. G. Steele, D. Lea, C. Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014. A uniform_random_bit_generator, so <random> and
/// std::shuffle take it.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed) : state_(seed) {}

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1): a multiple of 2^-53.
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  /// Uniform in 0..n-1, without bias; n > 0.
  std::uint64_t below(std::uint64_t n) {
    const std::uint64_t uneven = -n % n;  // 2^64 mod n: so many numbers would be one too many
    std::uint64_t r = (*this)();
    while (r < uneven) r = (*this)();
    return r % n;
  }

  /// Mean 0, variance 1. C. Karney, "Sampling exactly from the normal distribution", ACM TOMS 42 (1), 2016.
  double normal();

 private:
  bool chance_of_exp(double x);  // of e^-x

  std::uint64_t state_;
};

/// Puts 0..n-1, or whatever is in [first, first + n), in random order (Fisher and Yates).
template <class Iterator> void shuffle(Iterator first, std::size_t n, Random& random) {
  for (std::size_t i = n; i > 1; --i) {
    const std::size_t j = random.below(i);
    const auto other = first[j];
    first[j] = first[i - 1];
    first[i - 1] = other;
  }
}

}  // namespace wengert::nn
