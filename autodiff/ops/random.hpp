// Ops that draw random numbers. They are functions of their arguments like any other: what is random is the seed.
#pragma once

#include <cstdint>

#include "autodiff/variable.hpp"

namespace wengert {

/// y_i = x_i m_i / (1 - p),   m_i = 0 with probability p, else 1; what is dropped is 0, whatever it was.
///
///   gx_i += gy_i m_i / (1 - p):   the same op with the same seed, linear and its own adjoint
///
/// m_i is a function of the seed and of i, counted through x, alone: it depends on neither the order, the thread, the
/// instruction set nor the type, and backward makes it once more. Nothing is saved. The numbers are those of
/// Threefry-4x32 (J. Salmon et al., SC 2011), p is rounded to a multiple of 2^-32.
///
/// Two calls with one seed drop the same elements. A training loop draws a fresh one for each:
///
///   nn::Random random(7);
///   h = dropout(relu(linear(x, w, b)), 0.1, random());
///
/// A ValueError unless 0 <= p <= 1; p = 0 gives x, p = 1 gives 0.
/// N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
template <class T> Variable<T> dropout(Variable<T> x, double p, std::uint64_t seed);

}  // namespace wengert
