// The derivation of losses/softmax_ce.hpp with the numbers of a row put in.
#pragma once

#include "tools/gradcheck/document.hpp"
#include "tools/gradcheck/softmax_ce_row.hpp"

namespace wengert::tool {

Document explanation(const Row& row);

/// The same as a page, on which the scores can be dragged.
std::string explanation_page(const Row& row);

/// What to type for it.
std::string command_for(const Row& row);

}  // namespace wengert::tool
