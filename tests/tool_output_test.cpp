// Files that are written whole or not at all, and tables.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/message.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/terminal.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

namespace fs = std::filesystem;

fs::path fresh_directory() {
  const fs::path path = fs::temp_directory_path() / "tool_output_test";
  fs::remove_all(path);
  fs::create_directory(path);
  return path;
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::size_t files_in(const fs::path& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("files: nothing is touched before commit, and nothing is left without it") {
  const fs::path dir = fresh_directory(), a = dir / "a", b = dir / "b";
  std::ofstream(a) << "old";
  {
    Outputs outputs;
    outputs.add("--out a", a, "new");
    outputs.add("--out b", b, "new");
    CHECK(content(a) == "old");
    CHECK(!fs::exists(b));
  }
  CHECK(content(a) == "old");
  CHECK(files_in(dir) == 1);
  Outputs outputs;
  outputs.add("--out a", a, "new");
  outputs.add("--out b", b, std::string(100000, 'b'));
  outputs.commit();
  CHECK(content(a) == "new");
  CHECK(content(b) == std::string(100000, 'b'));
  CHECK(files_in(dir) == 2);
}

TEST_CASE("files: a file keeps its mode, a new one gets what the umask leaves") {
  const fs::path dir = fresh_directory(), a = dir / "a", b = dir / "b";
  std::ofstream(a) << "old";
  REQUIRE(chmod(a.c_str(), 0640) == 0);
  const mode_t before = umask(027);
  write_file("--out", a, "new");
  write_file("--out", b, "new");
  umask(before);
  struct stat status {};
  REQUIRE(stat(a.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  REQUIRE(stat(b.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("files: the same file by two names is refused") {
  const fs::path dir = fresh_directory();
  fs::create_symlink("a", dir / "link");
  std::ofstream(dir / "a") << "old";
  Outputs outputs;
  outputs.add("--out a", dir / "a", "new");
  const auto refusal = [&](const fs::path& path) {
    return test::message<InputError>([&] { outputs.add("--grad", path, "new"); });
  };
  const std::string text = "--grad: is written by --out a already; name another file";
  CHECK(refusal(dir / "a") == text);
  CHECK(refusal(dir / "." / "a") == text);
  CHECK(refusal(dir / "link") == text);
}

TEST_CASE("files: a pipe is written straight, if it is read") {
  const fs::path dir = fresh_directory(), pipe = dir / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(test::message<InputError>([&] { write_file("--out", pipe, "x"); }) ==
        "--out " + pipe.string() + ": nobody reads this pipe");
  const Descriptor reader(open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  write_file("--out", pipe, "hello");
  char text[8] = {};
  CHECK(read(reader.number, text, sizeof(text)) == 5);
  CHECK(std::string(text) == "hello");
  CHECK(fs::is_fifo(pipe));
}

TEST_CASE("terminal: a table, in columns that people see") {
  Table table({"name", "n"}, {Table::Align::left, Table::Align::right});
  table.add({"\033[31mred\033[0m", "1"});
  table.add({"größe", "100"});
  table.add({"short"});
  CHECK(table.str() == "name     n\n\033[31mred\033[0m      1\ngröße  100\nshort\n");
  CHECK(width_of("größe") == 5);
  CHECK(width_of("\033[1mbold\033[0m") == 4);
  CHECK(width_of("\033[1") == 0);
}
