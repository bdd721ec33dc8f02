// A page that is one file: style and script inside, no network, readable on a phone, in light and dark, without colour.
#pragma once

#include <string>

#include "tools/gradcheck/html.hpp"

namespace wengert::tool {

/// The whole file. `script` is JavaScript of this program, run once the page is there.
std::string page(const std::string& title, const Html& body, const std::string& script = {});

}  // namespace wengert::tool
