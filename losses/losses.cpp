#include "losses/losses.hpp"

namespace wengert::losses {

std::vector<Declared> declared_losses() { return {declared_softmax_ce(), declared_linear_softmax_ce()}; }

}  // namespace wengert::losses
