#include "tools/gradcheck/npy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>
#include <xtensor/xmanipulation.hpp>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/npy_header.hpp"

namespace wengert::tool {
namespace {

static_assert(std::endian::native == std::endian::little);

/// The next bytes of the data.
using Read = std::function<void(char* into, std::size_t bytes)>;

struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const float size = exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : exponent     ? std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25)
                                      : std::ldexp(static_cast<float>(mantissa), -24);
    return bits >> 15 ? -size : size;
  }
};

/// The data as S in the file and T in memory, part by part.
template <class S, class T> Array<T> decode(const NpyHeader& header, const Read& read, const std::string& name) {
  Shape shape = header.shape;
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  Array<T> array(shape);
  std::vector<char> part(std::min<std::size_t>(header.elements, 8192) * sizeof(S));
  for (std::size_t done = 0; done < header.elements;) {
    const std::size_t n = std::min(header.elements - done, part.size() / sizeof(S));
    read(part.data(), n * sizeof(S));
    for (std::size_t i = 0; i < n; ++i) {
      char* const bytes = part.data() + i * sizeof(S);
      if (header.big_endian) std::reverse(bytes, bytes + sizeof(S));
      S value;
      std::memcpy(&value, bytes, sizeof(S));
      if constexpr (std::is_same_v<S, std::uint64_t>)
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
          throw InputError(name + ": element " + std::to_string(done + i) + " is " + std::to_string(value) +
                           "; no more than int64 holds was expected");
      array.storage()[done + i] = static_cast<T>(value);
    }
    done += n;
  }
  if (header.fortran_order) return Array<T>(xt::transpose(array));
  return array;
}

Npy decode(const NpyHeader& header, const Read& read, const std::string& name) {
  const auto as = [&]<class S, class T>() { return Npy{header.type.name, decode<S, T>(header, read, name)}; };
  using i64 = std::int64_t;
  switch (header.type.kind * 16 + static_cast<int>(header.type.size)) {
    case 'b' * 16 + 1: {
      Npy mask = as.operator()<std::uint8_t, i64>();
      for (i64& v : std::get<Labels>(mask.values).storage()) v = v != 0;
      return mask;
    }
    case 'i' * 16 + 1: return as.operator()<std::int8_t, i64>();
    case 'i' * 16 + 2: return as.operator()<std::int16_t, i64>();
    case 'i' * 16 + 4: return as.operator()<std::int32_t, i64>();
    case 'i' * 16 + 8: return as.operator()<i64, i64>();
    case 'u' * 16 + 1: return as.operator()<std::uint8_t, i64>();
    case 'u' * 16 + 2: return as.operator()<std::uint16_t, i64>();
    case 'u' * 16 + 4: return as.operator()<std::uint32_t, i64>();
    case 'u' * 16 + 8: return as.operator()<std::uint64_t, i64>();
    case 'f' * 16 + 2: return as.operator()<Half, float>();
    case 'f' * 16 + 4: return as.operator()<float, float>();
    default: return as.operator()<double, double>();
  }
}

class File {
 public:
  // Not blocking: a pipe that nobody writes to must not hold us up before it is refused.
  File(const std::string& path, const std::string& name)
      : name_(name), file_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
    struct stat status {};
    if (file_.number < 0 || fstat(file_.number, &status) != 0) fail(std::strerror(errno));
    if (!S_ISREG(status.st_mode))
      fail(std::string(S_ISDIR(status.st_mode) ? "is a directory" : "is a device or a pipe") +
           "; a .npy file was expected");
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  std::uint64_t size() const { return size_; }
  void read(char* into, std::size_t bytes, std::uint64_t at) const {
    while (bytes > 0) {
      const ssize_t n = pread(file_.number, into, bytes, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(std::strerror(errno));
      if (n == 0) fail("was cut short while it was read");
      into += n, at += static_cast<std::uint64_t>(n), bytes -= static_cast<std::size_t>(n);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw InputError(name_ + ": " + why); }
  const std::string& name_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace

Npy read_npy(const std::string& path, const std::string& name) {
  const File file(path, name);
  std::string start(std::min<std::uint64_t>(file.size(), npy_longest_start), '\0');
  file.read(start.data(), start.size(), 0);
  const NpyHeader header = parse_npy_header(start, file.size(), name);
  std::uint64_t at = header.data_at;
  return decode(
      header,
      [&](char* into, std::size_t bytes) {
        file.read(into, bytes, at);
        at += bytes;
      },
      name);
}

Npy parse_npy(std::string_view bytes, const std::string& name) {
  const NpyHeader header = parse_npy_header(bytes.substr(0, npy_longest_start), bytes.size(), name);
  std::size_t at = header.data_at;
  return decode(
      header,
      [&](char* into, std::size_t n) {
        bytes.copy(into, n, at);
        at += n;
      },
      name);
}

template <class T> std::string npy_bytes(const Array<T>& array) {
  std::string header = "{'descr': '<f" + std::to_string(sizeof(T)) + "', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : array.shape()) header += std::to_string(extent) + ", ";
  if (array.dimension() > 0) header.pop_back();
  if (array.dimension() > 1) header.pop_back();
  header += "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');  // the data begins at a multiple of 64
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(array.storage().data()), array.storage().size() * sizeof(T));
  return bytes;
}

template std::string npy_bytes(const Array<float>&);
template std::string npy_bytes(const Array<double>&);

}  // namespace wengert::tool
