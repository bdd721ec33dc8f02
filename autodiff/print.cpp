#include "autodiff/print.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/listing.hpp"

namespace wengert {
namespace {

// --- the numbers of an array ----------------------------------------------------------------------------------------

/// As NumPy writes them: nested brackets, the middle of long axes left out.
template <class T> class Brackets {
 public:
  Brackets(const Variable<T>& x, bool abbreviate, const char* between_rows)
      : shape_(x.shape()), at_(x.data()), between_rows_(between_rows) {
    if (abbreviate) edge_ = x.rank() == 1 ? 3 : x.rank() == 2 ? 2 : 1;
    write(0, x.size());
  }
  std::string text() && { return std::move(text_); }

 private:
  void write(std::size_t axis, std::size_t size) {
    if (axis == shape_.size()) {
      text_ += number_text(static_cast<double>(*at_++));
      return;
    }
    const std::size_t extent = shape_[axis];
    const char* const between = axis + 1 < shape_.size() ? between_rows_ : ", ";
    text_ += "[";
    for (std::size_t i = 0; i < extent && size > 0; ++i) {
      if (i > 0) text_ += between;
      if (extent > 2 * edge_ && i == edge_) {
        text_ += "...";
        text_ += between;
        at_ += (extent - 2 * edge_) * (size / extent);
        i = extent - edge_;
      }
      write(axis + 1, size / extent);
    }
    text_ += "]";
  }

  const Shape& shape_;
  const T* at_;
  const char* between_rows_;
  std::size_t edge_ = std::numeric_limits<std::size_t>::max() / 2;
  std::string text_;
};

/// "min -1, mean 0.25, max 2": of the finite numbers; then how many are not.
template <class T> std::string statistics(const Variable<T>& x) {
  double least = INFINITY, most = -INFINITY, mean = 0;
  std::size_t finite = 0, nans = 0;
  for (const T v : x.value()) {
    nans += std::isnan(v);
    if (!std::isfinite(v)) continue;
    const double d = static_cast<double>(v);
    least = std::min(least, d), most = std::max(most, d);
    mean += (d - mean) / static_cast<double>(++finite);
  }
  std::string text;
  if (finite > 0) text = ", min " + number_text(least) + ", mean " + number_text(mean) + ", max " + number_text(most);
  if (nans > 0) text += ", " + std::to_string(nans) + " nan";
  if (finite + nans < x.size()) text += ", " + std::to_string(x.size() - finite - nans) + " inf";
  return text.substr(2);
}

std::string digest(const AnyVariable& v, const PrintOptions& options, const char* between_rows,
                   const char* before_statistics) {
  return std::visit(
      [&]<class T>(const Variable<T>& x) {
        const bool abbreviate = x.size() > options.whole;
        std::string text = Brackets<T>(x, abbreviate, between_rows).text();
        return abbreviate ? text + before_statistics + statistics(x) : text;
      },
      v);
}

// --- text -----------------------------------------------------------------------------------------------------------

std::string call(const Listing::Line& line) {
  if (line.kind != Listing::Line::result) return line.op;
  std::string text = line.op + "(";
  for (std::size_t i = 0; i < line.inputs.size(); ++i) text += (i ? ", " : "") + line.inputs[i].text;
  return text + ")";
}

std::string saves(const Listing::Line& line) {
  std::string text;
  for (const std::string& what : line.saves) text += (text.empty() ? "saves " : ", ") + what;
  return text;
}

/// In characters of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}
std::string padded(const std::string& text, std::size_t to) {
  return text + std::string(to > width(text) ? to - width(text) : 0, ' ');
}

// --- graphviz -------------------------------------------------------------------------------------------------------

/// A quoted string: lines end in \l, which sets them to the left; & would begin an entity.
std::string quoted(const std::vector<std::string>& lines) {
  std::string text = "\"";
  for (const std::string& line : lines) {
    for (const char c : line) {
      if (c == '"' || c == '\\') text += '\\';
      if (c == '\n')
        text += "\\l";
      else if (c == '&')
        text += "&amp;";
      else
        text += c;
    }
    text += lines.size() > 1 || line.find('\n') != std::string::npos ? "\\l" : "";
  }
  return text + "\"";
}

const char* style(const Listing::Line& line) {
  switch (line.kind) {
    case Listing::Line::parameter: return "shape=box, style=bold";
    case Listing::Line::freed: return "shape=box, style=dotted";
    case Listing::Line::result: break;
  }
  return line.is_loss() ? "shape=box, style=rounded, peripheries=2" : "shape=box, style=rounded";
}

}  // namespace

void Tape::print(std::ostream& os) const { print(os, PrintOptions{}); }
void Tape::print(std::ostream& os, const PrintOptions& options) const {
  const Listing listing(*this, options);
  std::size_t names = 0, calls = 0, types = 0;
  for (const Listing::Line& line : listing.lines()) {
    names = std::max(names, width(line.name));
    calls = std::max(calls, width(call(line)));
    types = std::max(types, width(line.type));
  }
  for (const Listing::Line& line : listing.lines()) {
    const std::string kept = saves(line);
    os << padded(line.name, names) << " = " << padded(call(line), calls) << "  "
       << (kept.empty() ? line.type : padded(line.type, types) + "  " + kept) << '\n';
    const auto below = [&](const char* what, const AnyVariable& v) {
      if (!is_empty(v)) os << "    " << what << "  " << digest(v, options, ", ", "  ") << '\n';
    };
    if (options.values) below("value  ", line.value);
    if (options.adjoints) below("adjoint", line.adjoint);
  }
  if (!listing.remark().empty()) os << '(' << listing.remark() << ")\n";
}

void Tape::to_dot(std::ostream& os) const { to_dot(os, PrintOptions{}); }
void Tape::to_dot(std::ostream& os, const PrintOptions& options) const {
  const Listing listing(*this, options);
  os << "digraph tape {\n  node [fontname=\"monospace\", fontsize=10];\n";
  if (!listing.remark().empty()) os << "  label=" << quoted({listing.remark()}) << ";\n";
  const auto with_numbers = [&](std::vector<std::string> label, const AnyVariable& value, const AnyVariable& adjoint) {
    if (options.values && !is_empty(value))
      label.push_back("value " + digest(value, options, ",\n       ", "\n      "));
    if (options.adjoints && !is_empty(adjoint))
      label.push_back("adjoint " + digest(adjoint, options, ",\n         ", "\n        "));
    return quoted(label);
  };
  std::size_t constants = 0;
  for (std::size_t i = 0; i < listing.lines().size(); ++i) {
    const Listing::Line& line = listing.lines()[i];
    std::vector<std::string> label{line.name + " = " + call(line), line.type};
    if (!line.saves.empty()) label.push_back(saves(line));
    os << "  n" << i << " [" << style(line) << ", label=" << with_numbers(std::move(label), line.value, line.adjoint)
       << "];\n";
    for (const Listing::Operand& input : line.inputs) {
      std::string from = "n" + std::to_string(input.line);
      if (input.line == Listing::none) {
        from = "c" + std::to_string(constants++);
        const bool said = !is_empty(input.constant) && digest(input.constant, options, "", "") == input.text;
        os << "  " << from << " [shape=plaintext, label="
           << (said ? quoted({input.text}) : with_numbers({input.text}, input.constant, {})) << "];\n";
      }
      os << "  " << from << " -> n" << i << ";\n";
    }
  }
  os << "}\n";
}

}  // namespace wengert
