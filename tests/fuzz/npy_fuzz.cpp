// libFuzzer: whatever the bytes, the reader of .npy returns an array of that many elements or throws an InputError.
// What it accepts and can write is read back as it was.
#include <cstdlib>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/npy.hpp"

using namespace wengert;

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  tool::Npy read;
  try {
    read = tool::parse_npy({data, size}, "x.npy");
  } catch (const tool::InputError&) { return 0; }
  std::visit(
      []<class T>(const Array<T>& x) {
        if (x.storage().size() != count(x.shape())) std::abort();
        if constexpr (std::is_floating_point_v<T>) {
          const std::string bytes = tool::npy_bytes(x);
          const tool::Npy again = tool::parse_npy(bytes, "again");
          if (again.shape() != x.shape() || tool::npy_bytes(std::get<Array<T>>(again.values)) != bytes) std::abort();
        }
      },
      read.values);
  return 0;
}
