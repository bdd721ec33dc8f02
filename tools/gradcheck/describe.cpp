#include "tools/gradcheck/describe.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "losses/losses.hpp"
#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {
namespace {

/// Levenshtein's: how many characters to insert, delete or change.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

std::vector<Declared> all_declared() {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  return all;
}

const std::string* closest_name(const std::vector<std::string>& names, const std::string& name) {
  const std::string* closest = nullptr;
  std::size_t distance = std::min<std::size_t>(3, name.size());  // as much is another word
  if (name.size() > 60) return nullptr;
  for (const std::string& other : names) {
    const std::size_t d = edit_distance(name, other);
    if (d < distance) distance = d, closest = &other;
  }
  return closest;
}

const Declared& find_declared(const std::vector<Declared>& all, const std::string& name) {
  std::vector<std::string> names;
  for (const Declared& d : all) {
    if (name == d.op->name) return d;
    names.push_back(d.op->name);
  }
  const std::string* const meant = closest_name(names, name);
  throw InputError(name + ": there is no op or loss of that name; " +
                   (meant ? "did you mean " + *meant + "?" : "`gradcheck list` says them all"));
}

std::string to_text(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", x);
  return text;
}

std::string to_text(const Input& i) {
  std::string text;
  switch (i.draw) {
    case Draw::index: text = "int64"; break;
    case Draw::mask: text = "mask"; break;
    case Draw::sign: text = "-1 or 1"; break;
    case Draw::constant: text = "constant"; break;
    case Draw::regular: text = "regular matrices"; break;
    case Draw::positive_definite: text = "positive definite"; break;
    case Draw::uniform:
    case Draw::distinct: text = to_text(i.domain.low) + " .. " + to_text(i.domain.high); break;
  }
  return text + (i.optional ? ", optional" : "");
}

std::string type_of(const Attribute& a) { return std::strchr(a.type, '|') ? std::string("of ") + a.type : ""; }

std::string kinks_of(const Declared& d) {
  if (d.kinked_at_ties()) return "kinked at ties";
  if (d.kinks_at.empty()) return d.op->kinked ? "kinked where a loss becomes 0" : "smooth";
  std::string text;
  for (const double k : d.kinks_at) text += (text.empty() ? "kinked at " : ", ") + to_text(k);
  return text;
}

}  // namespace wengert::tool
