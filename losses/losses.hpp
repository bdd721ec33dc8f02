// All losses, and the list of them. CTC is not among them: its sum over alignments is a program of its own, not a formula.
#pragma once

#include "autodiff/registry.hpp"
#include "losses/binary.hpp"
#include "losses/embedding.hpp"
#include "losses/kl_div.hpp"
#include "losses/linear_softmax_ce.hpp"
#include "losses/multi_margin.hpp"
#include "losses/nll.hpp"
#include "losses/regression.hpp"
#include "losses/softmax_ce.hpp"
#include "losses/softmax_focal.hpp"

namespace wengert::losses {

/// What declared_ops() is to autodiff/.
std::vector<Declared> declared_losses();

// Of each file, beside its code.
Declared declared_softmax_ce();
Declared declared_linear_softmax_ce();
Declared declared_softmax_focal();
Declared declared_nll();
Declared declared_multi_margin();
Declared declared_kl_div();
std::vector<Declared> declared_regression();
std::vector<Declared> declared_binary_losses();
std::vector<Declared> declared_embedding();

}  // namespace wengert::losses
