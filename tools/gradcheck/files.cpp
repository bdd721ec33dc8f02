#include "tools/gradcheck/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {
namespace {

[[noreturn]] void fail(const std::string& name, const std::string& why) { throw InputError(name + ": " + why); }
[[noreturn]] void fail(const std::string& name) { fail(name, std::strerror(errno)); }

/// What a new file would get, or what the old one has.
mode_t mode_for(const struct stat* before) {
  if (before) return before->st_mode & 07777;
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

void write_straight(const std::string& name, const std::string& path, std::string_view bytes) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.number < 0) fail(name, errno == ENXIO ? "nobody reads this pipe" : std::strerror(errno));
  fcntl(file.number, F_SETFL, fcntl(file.number, F_GETFL) & ~O_NONBLOCK);
  write_all(file.number, bytes, name);
}

}  // namespace

Descriptor::~Descriptor() {
  if (number >= 0) close(number);
}

void write_all(int descriptor, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = write(descriptor, bytes.data(), bytes.size());
    if (n >= 0)
      bytes.remove_prefix(static_cast<std::size_t>(n));
    else if (errno == EPIPE)
      return;
    else if (errno != EINTR)
      fail(name);
  }
}

void Outputs::add(const std::string& said, const std::string& path, std::string bytes) {
  if (path.empty()) fail(said, "the name of a file was expected");
  Output output{said, path, path, "", std::move(bytes)};
  struct stat before {};
  const bool there = path != "-" && stat(path.c_str(), &before) == 0;
  if (there && S_ISDIR(before.st_mode)) fail(said, "is a directory; a file was expected");
  if (path != "-") {
    std::error_code error;  // a link stays one: its target is replaced
    const auto target = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    if (!error) output.target = target.string();
  }
  for (const Output& other : outputs_)
    if (other.target == output.target) fail(said, "is written by " + other.said + " already; name another file");
  if (path == "-" || (there && !S_ISREG(before.st_mode))) {
    outputs_.push_back(std::move(output));
    return;
  }
  if (there && access(output.target.c_str(), W_OK) != 0) fail(said);
  std::string temporary = output.target + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.number < 0) fail(said);
  output.temporary = std::move(temporary);
  const std::string all = std::move(output.bytes);
  outputs_.push_back(std::move(output));  // from here on the destructor removes it
  write_all(file.number, all, said);
  if (fchmod(file.number, mode_for(there ? &before : nullptr)) != 0) fail(said);
}

void Outputs::commit() {
  // First what may fail: then nothing is left behind.
  std::stable_partition(outputs_.begin(), outputs_.end(), [](const Output& o) { return o.temporary.empty(); });
  for (Output& o : outputs_) {
    if (!o.temporary.empty()) {
      if (rename(o.temporary.c_str(), o.target.c_str()) != 0) fail(o.said);
      o.temporary.clear();
    } else if (o.path == "-") {
      write_all(STDOUT_FILENO, o.bytes, "stdout");
    } else {
      write_straight(o.said, o.target, o.bytes);
    }
  }
  outputs_.clear();
}

Outputs::~Outputs() {
  for (const Output& o : outputs_)
    if (!o.temporary.empty()) unlink(o.temporary.c_str());
}

void write_file(const std::string& option, const std::string& path, std::string bytes) {
  Outputs outputs;
  outputs.add(option + " " + path, path, std::move(bytes));
  outputs.commit();
}

}  // namespace wengert::tool
