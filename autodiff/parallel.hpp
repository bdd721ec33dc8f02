// Gradients in several threads: parameters are shared, tapes are not.
#pragma once

#include <functional>

#include "autodiff/variable.hpp"

namespace wengert {

template <class T> struct LossAndGradients {
  Variable<T> loss;                    ///< the sum of the parts' losses, a number
  std::vector<Variable<T>> gradients;  ///< of that sum, one a parameter
};

/// The gradient of loss(0) + ... + loss(parts - 1), each a number, with respect to the parameters. The parts are shared
/// out among `threads` threads, each with a tape of its own. Losses and gradients are added as a binary tree over the
/// numbers of the parts, so the bits depend on the parts and not on the threads. An exception of a part is thrown on
/// here: that of the lowest number. Stored gradients stay as they are. A ValueError for no parts or no threads.
template <class T>
LossAndGradients<T> parallel_gradient(std::size_t parts, std::size_t threads,
                                      const std::function<Variable<T>(std::size_t part)>& loss,
                                      const std::vector<Variable<T>>& parameters);

}  // namespace wengert
