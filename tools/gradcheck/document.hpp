// What a command has to say, written once: text in a terminal, HTML on a page.
#pragma once

#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "tools/gradcheck/html.hpp"
#include "tools/gradcheck/terminal.hpp"

namespace wengert::tool {

/// A colour with a meaning that the words have, too.
enum class Tone { plain, dim, up, down, good, bad };

struct Heading {
  std::string text;
};

struct Paragraph {
  std::string prose;  ///< see math.hpp
};

struct Cell {
  std::string text;
  std::string name = {};  ///< under which a script changes it
  Tone tone = Tone::plain;
};

struct FormulaLine {
  std::string label;    ///< what it is about: "class 1, positive"
  std::string formula;  ///< see math.hpp
  Cell remark = {};
};
using Formulas = std::vector<FormulaLine>;

struct Column {
  std::string heading;  ///< prose
  Table::Align align = Table::Align::right;
};
struct DataTable {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

/// On the page only, or in the terminal only.
struct Picture {
  Html html;
};
struct Preformatted {
  std::string text;
};

using Block = std::variant<Heading, Paragraph, Formulas, DataTable, Picture, Preformatted>;
using Document = std::vector<Block>;

/// As the terminal shows it, in lines of that width; tables may be wider.
std::string document_text(const Document& document, std::size_t width = 100);
Html document_html(const Document& document);

/// To stdout, unless that is one of the files that were asked for ("-"), or files are all that --quiet leaves.
void show(const Document& document, std::initializer_list<std::string> files);

}  // namespace wengert::tool
