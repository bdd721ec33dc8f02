// Exact gradients of the ops that are formulas over numbers (ops::Elementwise, ops::Binary): dual numbers in long double
// through the very formula that is declared. No step, no difference, no cancellation.
#pragma once

#include <cstdint>
#include <vector>

#include "autodiff/sample.hpp"

namespace wengert {

/// For order 1 the gradients of run(s.f64, ..., seed), for order 2 those of run(gradient_of(s.f64), ..., seed); one
/// vector an input. None if the op has no such formula.
std::vector<std::vector<long double>> exact_gradients(const Declared& op, const Sample& s, std::uint64_t seed,
                                                      int order);

}  // namespace wengert
