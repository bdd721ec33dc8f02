// .npy, NumPy's file of one array: versions 1 to 3, C and Fortran order, either byte order.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "autodiff/array.hpp"

namespace wengert::tool {

struct Npy {
  std::string dtype;  ///< as NumPy calls it: "float16"
  /// float16 and float32; float64; bool (as 0 and 1) and the integers.
  std::variant<Array<float>, Array<double>, Labels> values;

  const Shape& shape() const {
    return std::visit([](const auto& a) -> const Shape& { return a.shape(); }, values);
  }
};

/// An InputError starts with `name`. It is a regular file, and as long as its header says, or nothing is allocated:
/// refused are also other dtypes, headers over 64 KiB, more than 32 axes, and uint64 beyond int64.
Npy read_npy(const std::string& path, const std::string& name);

/// The same of bytes in memory.
Npy parse_npy(std::string_view bytes, const std::string& name);

/// Version 1.0, C order, little-endian.
template <class T> std::string npy_bytes(const Array<T>& array);

}  // namespace wengert::tool
