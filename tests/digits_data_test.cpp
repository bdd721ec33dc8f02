// The reader of the example digits: what a broken file is told.
#include "examples/digits_data.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/message.hpp"

using namespace wengert;

namespace {

struct File {
  const std::string path = (std::filesystem::temp_directory_path() / "wengert_digits_test.csv").string();
  explicit File(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
  ~File() { std::filesystem::remove(path); }
};

std::string error_of(const std::string& text) {
  const File file(text);
  const std::string what = test::message<FileError>([&] { digits::read(file.path); });
  return what.starts_with(file.path) ? what.substr(file.path.size()) : what;
}

/// A line with all 64 grey values the same.
std::string line(const std::string& grey, const std::string& label) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += grey + ",";
  return text + label;
}

}  // namespace

TEST_CASE("digits are read with any line ends") {
  for (const char* end : {"\n", "\r\n"}) {
    const File file(line("16", "3") + end + line("4", "0"));
    const digits::Digits d = digits::read(file.path);
    CHECK(d.y == Labels{3, 0});
    CHECK(d.x.shape() == Shape{2, 64});
    CHECK(d.x(0, 63) == 1);
    CHECK(d.x(1, 0) == 0.25);
  }
}

TEST_CASE("a broken file is told line, column and what was expected") {
  const std::string good = line("0", "1") + "\n";
  CHECK(error_of("") == ":1:1: the file is empty; it must have a digit a line");
  CHECK(error_of(good + "\n" + good) ==
        ":2:1: the line ends with field 1 of 65; it must have 64 grey values and a label");
  CHECK(error_of(good + "1,2,3\n") ==
        ":2:6: the line ends with field 3 of 65; it must have 64 grey values and a label");
  CHECK(error_of(line("0", "1,2")) ==
        ":1:130: the line goes on after 65 fields; it must have 64 grey values and a label");
  CHECK(error_of("0,x,") == ":1:3: 'x' is not a grey value; it must be a whole number from 0 to 16");
  CHECK(error_of("0,1.5,") == ":1:3: '1.5' is not a grey value; it must be a whole number from 0 to 16");
  CHECK(error_of("17,") == ":1:1: '17' is not a grey value; it must be a whole number from 0 to 16");
  CHECK(error_of("-1,") == ":1:1: '-1' is not a grey value; it must be a whole number from 0 to 16");
  CHECK(error_of("99999999999,") == ":1:1: '99999999999' is not a grey value; it must be a whole number from 0 to 16");
  CHECK(error_of(line("0", "10")) == ":1:129: '10' is not a label; it must be a whole number from 0 to 9");
  CHECK(error_of(line("0", "")) == ":1:129: '' is not a label; it must be a whole number from 0 to 9");
  CHECK(test::message<FileError>([] { digits::read("/nowhere/digits.csv"); }) ==
        "/nowhere/digits.csv: cannot be opened");
}

TEST_CASE("shifted digits: five of each, moved by a pixel") {
  digits::Digits d{Array<double>(Shape{1, 64}, 0.0), Labels{7}};
  d.x(0, 8 * 3 + 7) = 1;  // row 3, at the right edge
  const digits::Digits shifted = digits::with_shifted(d);
  CHECK(shifted.y == Labels{7, 7, 7, 7, 7});
  const int expected[] = {8 * 3 + 7, -1, 8 * 3 + 6, 8 * 4 + 7, 8 * 2 + 7};  // it leaves the image to the right
  for (std::size_t i = 0; i < 5; ++i)
    for (int j = 0; j < 64; ++j) CHECK(shifted.x(i, j) == (j == expected[i] ? 1 : 0));
}
