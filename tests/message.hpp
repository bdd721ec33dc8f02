// The text of an exception, for golden tests of errors.
#pragma once

#include <string>

namespace wengert::test {

template <class E, class F> std::string message(F f) {
  try {
    f();
  } catch (const E& e) { return e.what(); }
  return "nothing was thrown";
}

}  // namespace wengert::test
