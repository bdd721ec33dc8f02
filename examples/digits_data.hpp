// The digits of examples/data/digits.csv: reading, splitting, moving them about.
#pragma once

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autodiff/array.hpp"
#include "nn/random.hpp"

namespace digits {

using wengert::Array;
using wengert::Labels;

constexpr std::size_t side = 8, pixels = side * side;

struct Digits {
  Array<double> x;  // [N,64], grey values in 0..1, row by row
  Labels y;         // [N], 0..9
};

/// A field as a whole number in 0..high; otherwise a FileError that begins with `at`.
inline int number(const std::string& at, std::string_view field, int high, const char* what) {
  int value = -1;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error == std::errc() && end == field.data() + field.size() && value >= 0 && value <= high) return value;
  throw wengert::FileError(at + "'" + std::string(field.substr(0, 20)) + "' is not " + what +
                           "; it must be a whole number from 0 to " + std::to_string(high));
}

/// Reads lines of 64 grey values 0..16 and a label 0..9, separated by commas. A FileError names file, line
/// and column.
inline Digits read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw wengert::FileError(path + ": cannot be opened");
  std::vector<int> grey, labels;
  std::string line;
  for (std::size_t row = 1; std::getline(file, line); ++row) {
    if (line.ends_with('\r')) line.pop_back();
    std::size_t column = 0;  // where the field begins
    for (std::size_t k = 0; k <= pixels; ++k) {
      const std::size_t end = std::min(line.find(',', column), line.size());
      const auto at = [&](std::size_t c) {
        return path + ":" + std::to_string(row) + ":" + std::to_string(c + 1) + ": ";
      };
      if ((end == line.size()) != (k == pixels))
        throw wengert::FileError(at(end) +
                                 (k < pixels ? "the line ends with field " + std::to_string(k + 1) + " of 65"
                                             : "the line goes on after 65 fields") +
                                 "; it must have 64 grey values and a label");
      const std::string_view field(line.data() + column, end - column);
      if (k < pixels)
        grey.push_back(number(at(column), field, 16, "a grey value"));
      else
        labels.push_back(number(at(column), field, 9, "a label"));
      column = end + 1;
    }
  }
  if (file.bad()) throw wengert::FileError(path + ": cannot be read");
  if (labels.empty()) throw wengert::FileError(path + ":1:1: the file is empty; it must have a digit a line");
  Digits d{Array<double>(wengert::Shape{labels.size(), pixels}), Labels(wengert::Shape{labels.size()})};
  for (std::size_t i = 0; i < grey.size(); ++i) d.x.storage()[i] = grey[i] / 16.0;
  std::copy(labels.begin(), labels.end(), d.y.storage().begin());
  return d;
}

/// The digits in those rows.
template <class Rows> Digits pick(const Digits& from, const Rows& rows) {
  Digits d{Array<double>(wengert::Shape{rows.size(), pixels}), Labels(wengert::Shape{rows.size()})};
  double* to = d.x.storage().data();
  for (std::size_t i = 0; i < rows.size(); ++i, to += pixels) {
    std::copy_n(from.x.storage().data() + rows[i] * pixels, pixels, to);
    d.y.storage()[i] = from.y.storage()[rows[i]];
  }
  return d;
}

/// The digits in two parts, at random: all but `held_out`, and those.
inline std::pair<Digits, Digits> split(const Digits& all, std::size_t held_out, wengert::nn::Random& random) {
  std::vector<std::size_t> rows(all.y.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  wengert::nn::shuffle(rows.begin(), rows.size(), random);
  const std::vector<std::size_t> first(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(held_out));
  const std::vector<std::size_t> rest(rows.end() - static_cast<std::ptrdiff_t>(held_out), rows.end());
  return {pick(all, first), pick(all, rest)};
}

/// Every digit five times: as it is, and moved by one pixel to each side. A seven that stands a little lower
/// is a seven still; nothing else in a net of full layers knows that.
inline Digits with_shifted(const Digits& d) {
  constexpr int moves[][2] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}};
  constexpr int n = side;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < d.y.size(); ++i) rows.insert(rows.end(), std::size(moves), i);
  Digits all = pick(d, rows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto [down, right] = moves[k % std::size(moves)];
    const double* const from = d.x.storage().data() + rows[k] * pixels;
    double* const to = all.x.storage().data() + k * pixels;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        const int r = i - down, c = j - right;
        to[i * n + j] = r < 0 || r >= n || c < 0 || c >= n ? 0 : from[r * n + c];
      }
  }
  return all;
}

}  // namespace digits
