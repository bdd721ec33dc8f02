#include "tools/gradcheck/numbers.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace wengert::tool {

std::string formatted(const char* format, double x) {
  char text[400];  // %f of 1e308
  std::snprintf(text, sizeof text, format, x);
  return text;
}

namespace {
/// 1e-07: 1e-7
std::string without_zero(std::string s) {
  if (const std::size_t e = s.find('e'); e != std::string::npos && s[e + 2] == '0') s.erase(e + 2, 1);
  return s;
}
}  // namespace

std::string number(double x) {
  if (x == 0) return "0";
  const double size = std::abs(x);
  return without_zero(formatted(size >= 0.001 && size < 1e6 ? "%.6f" : "%.3e", x));
}

std::string shortest(double x) {
  for (const char* const format : {"%.15g", "%.16g"})
    if (const std::string s = formatted(format, x); std::strtod(s.c_str(), nullptr) == x) return s;
  return formatted("%.17g", x);
}

std::string brief(double x) { return formatted("%.12g", x); }

std::string rounded(double x) {
  if (x == 0) return "0";
  std::string s = without_zero(formatted("%.0e", x));
  if (const std::size_t plus = s.find("e+"); plus != std::string::npos) s.erase(plus + 1, 1);
  return s;
}

}  // namespace wengert::tool
