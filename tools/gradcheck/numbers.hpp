// Numbers as text.
#pragma once

#include <string>

namespace wengert::tool {

/// As printf writes it.
std::string formatted(const char* format, double x);

/// 6 digits behind the point, or 4 significant ones with an exponent; "0". As explain.js writes it.
std::string number(double x);
std::string shortest(double x);  ///< as short as it can be read back
std::string brief(double x);     ///< without what rounding left in its last digits
std::string rounded(double x);   ///< to a digit and a power of ten: 1e6, 5e-1

}  // namespace wengert::tool
