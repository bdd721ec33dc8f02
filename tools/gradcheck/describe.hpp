// The declarations of ops and losses in words; for `list`, docs/ops.md, and to find an op by its name.
#pragma once

#include <string>
#include <vector>

#include "autodiff/registry.hpp"

namespace wengert::tool {

/// Every op, every loss.
std::vector<Declared> all_declared();

/// The one that was probably meant, or null.
const std::string* closest_name(const std::vector<std::string>& names, const std::string& name);

/// An InputError suggests the name that comes closest.
const Declared& find_declared(const std::vector<Declared>& all, const std::string& name);

std::string to_text(double number);               ///< "0.5"
std::string to_text(const Input& input);          ///< "-2 .. 2, optional"
std::string type_of(const Attribute& attribute);  ///< "of none|tanh" where words are chosen from; else empty
std::string kinks_of(const Declared& d);          ///< "smooth", "kinked at 0", "kinked at ties"

/// The orders of derivatives in which every declared op is checked.
constexpr int checked_orders[] = {1, 2};

}  // namespace wengert::tool
