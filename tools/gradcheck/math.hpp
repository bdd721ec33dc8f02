// Formulas: written once, shown as text in a terminal and as MathML on a page.
//
//   names       s, w: variables; of several letters, functions: log, lse; dl, ds: a d and a variable
//   s_k  e^{..} index and power, of one token or a group in braces
//   \frac{a}{b} \sum_j
//   \v{p.1}{0.234971}   a number that a script may change, under its name
//   + - * = != >= <= -> ( ) [ ] , | in between; * is a times sign
#pragma once

#include <string>
#include <string_view>

#include "tools/gradcheck/html.hpp"

namespace wengert::tool {

/// A std::logic_error for a formula that is none: they are part of this program.
std::string math_text(std::string_view formula);
Html mathml(std::string_view formula, bool block = false);

/// Prose with formulas between dollar signs, and what one types between backticks.
std::string prose_text(std::string_view prose, char space_in_formulas = ' ');
Html prose_html(std::string_view prose);

/// The number with a minus sign where it has a hyphen.
std::string with_minus(std::string number);

}  // namespace wengert::tool
