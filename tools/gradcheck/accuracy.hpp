// How many digits three ways of computing softmax cross entropy keep: the figures of `compare`.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace wengert::tool {

/// Many values held against long double.
struct Accuracy {
  double ulp = 0;  ///< the worst error of those that are neither lost nor not finite
  std::size_t values = 0;
  std::size_t lost = 0;        ///< came back as 0, where the exact value does not round to 0
  std::size_t not_finite = 0;  ///< infinite or NaN, where the exact value is not

  template <class T> void add(T got, long double exact);
};

enum Way { fused, log_softmax_nll, unfused, ways };
inline constexpr const char* name_of_way[] = {"fused", "libtorch-style", "unfused"};
inline constexpr const char* code_of_way[] = {
    "softmax_ce", "log_softmax, then nll, as libtorch has it; gradient $e^{log p_k} - [k = t]$",
    "softmax_ce_unfused: log of a sum of exponentials, minus $s_t$"};

/// Rows in which the label's score leads the others by about `margin`, all scores moved by `offset`.
struct Measured {
  double margin, offset;
  std::array<Accuracy, ways> loss, gradient;
};

inline constexpr std::size_t compared_rows = 64, compared_classes = 8;
inline constexpr double margins[] = {0, 1, 2, 5, 10, 15, 20, 30, 40, 80, 100, 200, 400, 700};
inline constexpr double offsets[] = {0, 1, 10, 100, 1e3, 1e4, 1e6, 1e8, 1e12, 1e16, 1e30};

/// Computed in T from scores that were rounded to T; the exact values are of these rounded scores.
template <class T> Measured measure(double margin, double offset);

}  // namespace wengert::tool
