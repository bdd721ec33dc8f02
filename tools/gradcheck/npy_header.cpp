#include "tools/gradcheck/npy_header.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {
namespace {

constexpr NpyType types[] = {
    {'b', 1, "bool"},   {'i', 1, "int8"},    {'i', 2, "int16"},   {'i', 4, "int32"},
    {'i', 8, "int64"},  {'u', 1, "uint8"},   {'u', 2, "uint16"},  {'u', 4, "uint32"},
    {'u', 8, "uint64"}, {'f', 2, "float16"}, {'f', 4, "float32"}, {'f', 8, "float64"},
};

/// "<f4": byte order, kind, size.
NpyType type_of(const std::string& descr, const std::string& name) {
  const std::size_t order = descr.find_first_of("<>|=") == 0 ? 1 : 0;
  const std::string code = descr.substr(order);
  for (const NpyType& type : types)
    if (code == type.kind + std::to_string(type.size) || (code == "?" && type.kind == 'b')) return type;
  const char kind = code.empty() ? '\0' : code[0];
  throw InputError(name + ": dtype '" + descr.substr(0, 40) + "'" +
                   (kind == 'O'                  ? ", which is Python objects,"
                    : kind == 'c'                ? ", which is complex,"
                    : kind == 'U' || kind == 'S' ? ", which is text,"
                                                 : "") +
                   " cannot be read; bool, int8 to 64, uint8 to 64, float16, float32 or float64 was expected");
}

/// The dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: as Python reads it, keys in any order.
class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void read(NpyHeader& header) {
    std::optional<std::string> descr;
    bool has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        if (peek() == '[') fail("structured dtypes cannot be read; save the fields one by one");
        descr = string();
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        header.shape = shape();
      } else {
        fail("its header has the key '" + key.substr(0, 40) +
             "' where descr, fortran_order and shape were expected, once each");
      }
      if (peek() != '}') expect(',');
    }
    skip_space();
    if (!text_.empty()) fail("its header goes on after the dictionary");
    if (!descr || !has_order || !has_shape) fail("its header lacks descr, fortran_order or shape");
    header.type = type_of(*descr, name_);
    header.big_endian = descr->front() == '>';
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw InputError(name_ + ": " + why); }

  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n\r\f"), text_.size())); }
  char peek() {
    skip_space();
    return text_.empty() ? '\0' : text_[0];
  }
  bool accept(char c) {
    if (peek() != c || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      fail(std::string("its header is not the dictionary that .npy has: '") + c + "' was expected " +
           (text_.empty() ? "at its end" : "before \"" + printable(text_.substr(0, 20)) + "\""));
  }
  static std::string printable(std::string_view text) {
    std::string all(text);
    for (char& c : all)
      if (c < ' ' || c > '~') c = '?';
    return all;
  }

  std::string string() {
    const char quote = peek() == '"' ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote);
    std::string value(text_.substr(0, end));
    if (end == std::string_view::npos || value.find('\\') != std::string::npos || printable(value) != value)
      fail("its header holds a string that does not end, or characters that no dtype has");
    text_.remove_prefix(end + 1);
    return value;
  }

  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"})
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        return word == "True";
      }
    fail("fortran_order is neither True nor False");
  }

  Shape shape() {
    Shape extents;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::size_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc())
        fail("its shape holds \"" + printable(text_.substr(0, 20)) + "\" where an extent was expected");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      if (text_.starts_with('L')) text_.remove_prefix(1);  // a long of Python 2
      extents.push_back(extent);
      if (extents.size() > 32) fail("its shape has more than 32 axes");
      if (peek() == ')' && extents.size() > 1) continue;
      expect(',');  // (3,) is a tuple, (3) is not
    }
    return extents;
  }

  std::string_view text_;
  const std::string& name_;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view start, std::uint64_t file_size, const std::string& name) {
  const auto fail = [&](const std::string& why) { throw InputError(name + ": " + why); };
  constexpr std::string_view magic = "\x93NUMPY";
  if (file_size == 0) fail("is empty; a .npy file was expected");
  if (start.starts_with("PK")) fail("is an archive, .npz perhaps; save one array alone, with numpy.save");
  if (!start.starts_with(magic)) fail("is not a .npy file: it does not begin with \\x93NUMPY");
  if (start.size() < 8) fail("is cut short within its header");
  const int version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3 || start[7] != 0)
    fail("is .npy of version " + std::to_string(version) + "." + std::to_string(static_cast<unsigned char>(start[7])) +
         "; 1.0, 2.0 or 3.0 was expected");
  NpyHeader header;
  header.data_at = version == 1 ? 10 : 12;
  if (start.size() < header.data_at) fail("is cut short within its header");
  std::size_t length = 0;
  for (std::size_t i = header.data_at; i-- > 8;) length = length << 8 | static_cast<unsigned char>(start[i]);
  if (length > npy_longest_header)
    fail("its header has " + std::to_string(length) + " bytes; more than 65536 are refused");
  header.data_at += length;
  if (start.size() < header.data_at) fail("is cut short within its header");
  Reader(start.substr(header.data_at - length, length), name).read(header);

  const std::string what = std::string(header.type.name) + " " + to_string(header.shape);
  std::size_t elements = 1, bytes;  // an extent of 0 does not make up for others that overflow
  bool overflows = false, none = false;
  for (const std::size_t extent : header.shape) {
    none |= extent == 0;
    overflows |= __builtin_mul_overflow(elements, extent ? extent : 1, &elements);
  }
  overflows |= __builtin_mul_overflow(elements, sizeof(double), &bytes) || bytes > PTRDIFF_MAX;
  if (overflows) fail(what + " has more elements than can be counted");
  header.elements = none ? 0 : elements;
  bytes = header.elements * header.type.size;
  const std::uint64_t there = file_size - header.data_at;
  if (there < bytes)
    fail("is cut short: " + what + " takes " + std::to_string(bytes) + " bytes, and " + std::to_string(there) +
         " are there");
  if (there > bytes)
    fail("goes on after its data: " + what + " takes " + std::to_string(bytes) + " bytes, and " +
         std::to_string(there) + " are there");
  return header;
}

}  // namespace wengert::tool
