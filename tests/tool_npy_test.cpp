// The reader and writer of .npy, over bytes written by hand.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/message.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/npy.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

/// A file of that version with that dictionary, as short as may be.
std::string npy(int version, const std::string& header, const std::string& data) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> 8 * i & 255);
  return bytes + header + data;
}
std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  return npy(1, "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }", data);
}
template <std::size_t N> std::string bytes(const char (&text)[N]) { return std::string(text, N - 1); }

Npy parse(const std::string& file) { return parse_npy(file, "x.npy"); }
template <class T> void check(const std::string& file, const Array<T>& expected) {
  const Npy read = parse(file);
  REQUIRE(std::holds_alternative<Array<T>>(read.values));
  CHECK(read.shape() == expected.shape());
  CHECK(std::get<Array<T>>(read.values) == expected);
}
std::string refusal(const std::string& file) {
  return test::message<InputError>([&] { parse(file); });
}

const std::string three_floats = bytes("\0\0\x80\x3f\0\0\0\x40\0\0\x40\xc0");

}  // namespace

TEST_CASE("npy: each dtype, in either byte order") {
  check(npy("<f4", "(3,)", three_floats), Array<float>{1, 2, -3});
  check(npy(">f4", "(2,)", bytes("\x3f\x80\0\0\xc0\x40\0\0")), Array<float>{1, -3});
  check(npy("<f8", "(2,)", bytes("\0\0\0\0\0\0\xf0\x3f\x9a\x99\x99\x99\x99\x99\xb9\x3f")), Array<double>{1, 0.1});
  check(npy(">f8", "(1,)", bytes("\x3f\xb9\x99\x99\x99\x99\x99\x9a")), Array<double>{0.1});
  check(npy("|i1", "(3,)", bytes("\x01\xff\x80")), Labels{1, -1, -128});
  check(npy("<i2", "(2,)", bytes("\x02\x01\xff\xff")), Labels{258, -1});
  check(npy(">i4", "(2,)", bytes("\0\0\x01\x02\xff\xff\xff\xfe")), Labels{258, -2});
  check(npy("<i8", "(1,)", bytes("\x9c\xff\xff\xff\xff\xff\xff\xff")), Labels{-100});
  check(npy("|u1", "(2,)", bytes("\x01\xff")), Labels{1, 255});
  check(npy(">u2", "(1,)", bytes("\xff\xfe")), Labels{65534});
  check(npy("<u4", "(1,)", bytes("\xff\xff\xff\xff")), Labels{4294967295});
  check(npy("<u8", "(1,)", bytes("\xff\xff\xff\xff\xff\xff\xff\x7f")), Labels{9223372036854775807});
  check(npy("|b1", "(3,)", bytes("\0\x01\x02")), Labels{0, 1, 1});
  check(npy("f4", "(3,)", three_floats), Array<float>{1, 2, -3});
  check(npy("=f4", "(3,)", three_floats), Array<float>{1, 2, -3});
  check(npy("?", "(1,)", bytes("\x01")), Labels{1});
  CHECK(parse(npy("|b1", "(0,)", "")).dtype == "bool");
  CHECK(parse(npy(">i4", "(0,)", "")).dtype == "int32");
}

TEST_CASE("npy: float16, every one of them") {
  std::string all;
  for (int i = 0; i < 65536; ++i) all += static_cast<char>(i & 255), all += static_cast<char>(i >> 8);
  const Npy read = parse(npy("<f2", "(65536,)", all));
  CHECK(read.dtype == "float16");
  const auto& x = std::get<Array<float>>(read.values);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < 65536; ++i) {
    const float v = x(i), sign = i < 32768 ? 1.f : -1.f;
    const std::size_t exponent = i >> 10 & 31, mantissa = i & 1023;
    if (exponent == 31) {
      wrong += mantissa ? !std::isnan(v) : v != sign * INFINITY;
    } else {  // IEEE 754: the subnormal ones have the exponent of the smallest normal ones, and no leading 1
      const float lead = exponent ? 1 : 0, power = std::pow(2.f, exponent ? static_cast<float>(exponent) - 15 : -14);
      wrong += v != sign * power * (lead + static_cast<float>(mantissa) / 1024) || std::signbit(v) != (i >= 32768);
    }
  }
  CHECK(wrong == 0);
  check(npy(">f2", "(2,)", bytes("\x3c\0\xc2\0")), Array<float>{1, -3});
}

TEST_CASE("npy: versions, orders, and headers as they may be") {
  const std::string six = bytes("\1\2\3\4\5\6");
  for (const int version : {1, 2, 3})
    check(npy(version, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", six),
          Labels{{1, 2, 3}, {4, 5, 6}});
  check(npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", six), Labels{{1, 3, 5}, {2, 4, 6}});
  check(npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 3, 2), }", six), Labels{{{1, 4}, {2, 5}, {3, 6}}});
  check(npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (), }", "\7"), Labels(7));
  check(npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (3,0), }", ""), Labels(Shape{3, 0}));
  check(npy("|u1", "()", "\7"), Labels(7));
  check(npy("|u1", "(0, 5)", ""), Labels(Shape{0, 5}));
  check(npy("|u1", "(1,)", "\7"), Labels{7});
  check(npy("|u1", "(2L, 3L)", six), Labels{{1, 2, 3}, {4, 5, 6}});
  check(npy(1, "{\"shape\":(6,),'fortran_order':False,\"descr\":\"|u1\"}", six), Labels{1, 2, 3, 4, 5, 6});
  check(npy(1, " { 'shape' : ( 6 , ) ,\n'fortran_order'\t: False , 'descr':'|u1' , } \n\n", six),
        Labels{1, 2, 3, 4, 5, 6});
  const std::string padded = "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }" + std::string(200, ' ') + "\n";
  check(npy(1, padded, six), Labels{1, 2, 3, 4, 5, 6});
  check(npy(2, padded + std::string(65536 - padded.size(), ' '), six), Labels{1, 2, 3, 4, 5, 6});
  std::string ones = "(";
  for (int i = 0; i < 32; ++i) ones += "1,";
  CHECK(parse(npy("|u1", ones + ")", "\7")).shape().size() == 32);
}

TEST_CASE("npy: what is refused, and how") {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
  CHECK(refusal("") == "x.npy: is empty; a .npy file was expected");
  CHECK(refusal("1,2,3\n") == "x.npy: is not a .npy file: it does not begin with \\x93NUMPY");
  CHECK(refusal("PK\3\4....................") ==
        "x.npy: is an archive, .npz perhaps; save one array alone, with numpy.save");
  CHECK(refusal("\x93NUMPY") == "x.npy: is cut short within its header");
  CHECK(refusal(npy(1, header, "").substr(0, 40)) == "x.npy: is cut short within its header");
  CHECK(refusal(npy(4, header, three_floats)) == "x.npy: is .npy of version 4.0; 1.0, 2.0 or 3.0 was expected");
  CHECK(refusal(npy(1, header, three_floats.substr(1))) ==
        "x.npy: is cut short: float32 [3] takes 12 bytes, and 11 are there");
  CHECK(refusal(npy(1, header, three_floats + "\n")) ==
        "x.npy: goes on after its data: float32 [3] takes 12 bytes, and 13 are there");
  CHECK(refusal(npy(2, header + std::string(65536, ' '), three_floats)) ==
        "x.npy: its header has 65593 bytes; more than 65536 are refused");
  CHECK(refusal(bytes("\x93NUMPY\2\0\xff\xff\xff\xff")) ==
        "x.npy: its header has 4294967295 bytes; more than 65536 are refused");
  CHECK(refusal(npy("<f4", "(4294967296, 4294967296)", "")) ==
        "x.npy: float32 [4294967296,4294967296] has more elements than can be counted");
  CHECK(refusal(npy("<f4", "(0, 4294967296, 4294967296)", "")) ==
        "x.npy: float32 [0,4294967296,4294967296] has more elements than can be counted");
  CHECK(refusal(npy("<f4", "(99999999999999999999,)", "")) ==
        "x.npy: its shape holds \"99999999999999999999\" where an extent was expected");
  CHECK(refusal(npy("<f4", "(1000000000000,)", three_floats)) ==
        "x.npy: is cut short: float32 [1000000000000] takes 4000000000000 bytes, and 12 are there");
  CHECK(refusal(npy("<u8", "(2,)", bytes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"))) ==
        "x.npy: element 1 is 9223372036854775808; no more than int64 holds was expected");
  const std::string expected =
      " cannot be read; bool, int8 to 64, uint8 to 64, float16, float32 or float64 was expected";
  CHECK(refusal(npy("|O", "(1,)", "")) == "x.npy: dtype '|O', which is Python objects," + expected);
  CHECK(refusal(npy("<c8", "(1,)", "")) == "x.npy: dtype '<c8', which is complex," + expected);
  CHECK(refusal(npy("<U3", "(1,)", "")) == "x.npy: dtype '<U3', which is text," + expected);
  for (const char* descr : {"<f16", "<M8[ns]", "|V8", "", "<", "<f", "f0", "<f4<f4"})
    CHECK(refusal(npy(descr, "(1,)", "")) == "x.npy: dtype '" + std::string(descr) + "'" + expected);
  CHECK(refusal(npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "")) ==
        "x.npy: structured dtypes cannot be read; save the fields one by one");
}

TEST_CASE("npy: headers that are none") {
  const std::string no_dictionary = "x.npy: its header is not the dictionary that .npy has: ";
  CHECK(refusal(npy(1, "", "")) == no_dictionary + "'{' was expected at its end");
  CHECK(refusal(npy(1, "[1, 2]", "")) == no_dictionary + "'{' was expected before \"[1, 2]\"");
  CHECK(refusal(npy(1, "{'descr' '<f4'}", "")) == no_dictionary + "':' was expected before \"'<f4'}\"");
  CHECK(refusal(npy(1, "{'descr': '<f4'", "")) == no_dictionary + "',' was expected at its end");
  CHECK(refusal(npy("<f4", "(3)", three_floats)) == no_dictionary + "',' was expected before \"), }\"");
  CHECK(refusal(npy("<f4", "3", three_floats)) == no_dictionary + "'(' was expected before \"3, }\"");
  CHECK(refusal(npy("<f4", "(-3,)", "")) == "x.npy: its shape holds \"-3,), }\" where an extent was expected");
  CHECK(refusal(npy("<f4", "(,)", "")) == "x.npy: its shape holds \",), }\" where an extent was expected");
  std::string ones = "(";
  for (int i = 0; i < 33; ++i) ones += "1,";
  CHECK(refusal(npy("|u1", ones + ")", "\7")) == "x.npy: its shape has more than 32 axes");
  CHECK(refusal(npy(1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,), }", "")) ==
        "x.npy: fortran_order is neither True nor False");
  CHECK(refusal(npy(1, "{'descr': '<f4', 'shape': (3,), }", "")) ==
        "x.npy: its header lacks descr, fortran_order or shape");
  const std::string keys = " where descr, fortran_order and shape were expected, once each";
  CHECK(refusal(npy(1, "{'descr': '<f4', 'descr': '<f4'}", "")) == "x.npy: its header has the key 'descr'" + keys);
  CHECK(refusal(npy(1, "{'order': 'C'}", "")) == "x.npy: its header has the key 'order'" + keys);
  CHECK(refusal(npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} #", "\7")) ==
        "x.npy: its header goes on after the dictionary");
  CHECK(refusal(npy(1, "{'descr': '<f4", "")) ==
        "x.npy: its header holds a string that does not end, or characters that no dtype has");
  CHECK(refusal(npy(1, "{'descr': '<f\\x34'}", "")) ==
        "x.npy: its header holds a string that does not end, or characters that no dtype has");
}

TEST_CASE("npy: a file cut anywhere, or with any byte changed, is read or refused") {
  const std::string good = npy("<f4", "(3,)", three_floats);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_THROWS_AS(parse(good.substr(0, n)), InputError);
  int read = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int c = 0; c < 256; ++c) {
      std::string changed = good;
      changed[i] = static_cast<char>(c);
      try {
        parse(changed);
        ++read;
      } catch (const InputError&) {}
    }
  CHECK(read > 12 * 256);  // those in the data, and the harmless ones
}

TEST_CASE("npy: what is written is read, and begins as NumPy's") {
  const Array<float> x{{1, 2, 3}, {-0.f, 1e-45f, INFINITY}};
  const std::string file = npy_bytes(x);
  const std::string start =
      bytes("\x93NUMPY\1\0\x76\0") + "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  CHECK(file.substr(0, start.size()) == start);
  CHECK(file.size() == 128 + 24);
  CHECK(file[127] == '\n');
  check(file, x);
  const std::pair<Shape, std::string> shapes[] = {
      {{}, "()"}, {{5}, "(5,)"}, {{0, 2}, "(0, 2)"}, {{1, 2, 3}, "(1, 2, 3)"}};
  for (const auto& [shape, text] : shapes) {
    const Array<double> y(shape, 0.1);
    CHECK(npy_bytes(y).find("'shape': " + text + ", }") != std::string::npos);
    check(npy_bytes(y), y);
  }
}

TEST_CASE("npy: directories, devices, pipes and what is not there") {
  const std::filesystem::path dir = std::filesystem::temp_directory_path() / "npy_test";
  std::filesystem::create_directory(dir);
  const auto refusal = [](const std::string& path) { return test::message<InputError>([&] { read_npy(path, "x"); }); };
  CHECK(refusal(dir) == "x: is a directory; a .npy file was expected");
  CHECK(refusal("/dev/zero") == "x: is a device or a pipe; a .npy file was expected");
  const std::string pipe = dir / "pipe";
  std::filesystem::remove(pipe);
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(refusal(pipe) == "x: is a device or a pipe; a .npy file was expected");
  CHECK(refusal(dir / "none.npy") == "x: No such file or directory");
  CHECK(refusal("") == "x: No such file or directory");

  const std::string path = dir / "x.npy", bytes = npy_bytes(Array<double>{1, 2});
  std::ofstream(path, std::ios::binary) << bytes;
  CHECK(std::get<Array<double>>(read_npy(path, "x").values) == Array<double>{1, 2});
  std::ofstream(path, std::ios::binary) << bytes.substr(0, 100);
  CHECK(refusal(path) == "x: is cut short within its header");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);  // a hole of a terabyte
  CHECK(refusal(path) == "x: its header goes on after the dictionary");
}
