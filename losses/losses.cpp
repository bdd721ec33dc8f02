#include "losses/losses.hpp"

#include <iterator>

namespace wengert::losses {

std::vector<Declared> declared_losses() {
  std::vector<Declared> all{declared_softmax_ce(), declared_linear_softmax_ce(), declared_softmax_focal(),
                            declared_nll(),        declared_multi_margin(),      declared_kl_div()};
  for (auto more : {declared_regression, declared_binary_losses, declared_embedding}) {
    std::vector<Declared> family = more();
    std::move(family.begin(), family.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace wengert::losses
