// What wengert throws. Every message starts with the op, gives the shapes, the rule that was broken and the
// likely fix. A call that throws leaves its arguments as they were.
#pragma once

#include <stdexcept>
#include <string>

namespace wengert {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Shapes, axes or ranks that do not fit together.
struct ShapeError : Error {
  using Error::Error;
};

/// The tape was asked for something it did not record, or no longer holds.
struct TapeError : Error {
  using Error::Error;
};

/// A value outside what the op is defined for: a label, a rate, a seed.
struct ValueError : Error {
  using Error::Error;
};

/// A file that cannot be read, or is not what it claims to be.
struct FileError : Error {
  using Error::Error;
};

}  // namespace wengert
