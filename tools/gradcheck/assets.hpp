// The files beside this one that pages hold: page.css, explain.js. Filled in by CMake.
#pragma once

namespace wengert::tool::assets {

extern const char* const page_css;
extern const char* const explain_js;

}  // namespace wengert::tool::assets
