// All losses, and the list of them.
#pragma once

#include "autodiff/registry.hpp"
#include "losses/linear_softmax_ce.hpp"
#include "losses/softmax_ce.hpp"

namespace wengert::losses {

/// What declared_ops() is to autodiff/.
std::vector<Declared> declared_losses();

// Of each file, beside its code.
Declared declared_softmax_ce();
Declared declared_linear_softmax_ce();

}  // namespace wengert::losses
