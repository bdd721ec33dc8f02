// Files that are written whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wengert::tool {

/// The files a command writes. Each goes to a temporary file beside its target; commit() renames them all, so that
/// until then nothing that was there has been touched. "-" is stdout; devices and pipes are written straight.
class Outputs {
 public:
  Outputs() = default;
  ~Outputs();  ///< without commit(): the temporary files are removed
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  /// An InputError, and the target is as it was: it cannot be written, or it was named before. It begins with `said`,
  /// what was on the command line: "--grad x=g.npy".
  void add(const std::string& said, const std::string& path, std::string bytes);
  void commit();

 private:
  struct Output {
    std::string said, path, target, temporary, bytes;  // temporary: empty if it is written straight
  };
  std::vector<Output> outputs_;
};

/// A single one, at once. `option`: "--json".
void write_file(const std::string& option, const std::string& path, std::string bytes);

/// A descriptor that closes itself.
struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

/// All of it to a descriptor. An InputError starts with `name`. Once the reader of a pipe has left, the rest is dropped.
void write_all(int descriptor, std::string_view bytes, const std::string& name);

}  // namespace wengert::tool
