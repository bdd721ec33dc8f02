// A plug-in of gradcheck: a shared library that includes this and has static CustomOps, which `gradcheck check --plugin`
// finds as soon as the library is loaded. examples/plugin/ is one. It brings no wengert of its own: it takes
// the program's (CMake: wengert::plugin).
#pragma once

#include "autodiff/custom.hpp"

/// By this gradcheck knows the library for a plug-in, built for this version.
extern "C" [[gnu::used, gnu::visibility("default")]] inline const char* wengert_plugin_version() { return "0.1"; }
