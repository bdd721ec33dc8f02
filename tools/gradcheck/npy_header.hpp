// What a .npy file says of its array, checked against the length of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "autodiff/array.hpp"

namespace wengert::tool {

/// An element type that is read.
struct NpyType {
  char kind;  ///< 'b' bool, 'i', 'u', 'f'
  std::size_t size;
  const char* name;
};

struct NpyHeader {
  NpyType type;
  bool big_endian = false, fortran_order = false;
  Shape shape;
  std::size_t elements = 0, data_at = 0;  ///< where the data begins
};

/// Magic, version, length of the header: 12 bytes at most. Then the header.
constexpr std::size_t npy_longest_header = 65536, npy_longest_start = 12 + npy_longest_header;

/// Of the first bytes of a file of `file_size`: all of it, or npy_longest_start. An InputError starts with `name`.
NpyHeader parse_npy_header(std::string_view start, std::uint64_t file_size, const std::string& name);

}  // namespace wengert::tool
