// What a person sees: text on stdout, in colour where that is wanted, tables, and progress on stderr.
#pragma once

#include <string>
#include <vector>

namespace wengert::tool {

/// Once, in main. Colour is off if stdout is no terminal, with NO_COLOR set, or TERM=dumb; progress if stderr is no
/// terminal.
void set_up_terminal(bool no_color, bool quiet);

bool quiet();
/// Columns of the terminal; 100 if it is none.
std::size_t terminal_width();

enum class Style { plain, bold, dim, red, green, yellow, blue };
/// In that style if stdout takes colour; else the text as it is. A meaning must not hang on colour alone.
std::string styled(Style style, const std::string& text);

/// To stdout, at once. An InputError if it cannot be written; if the reader of a pipe has left, the rest is dropped.
void print(const std::string& text);

/// Columns that `text` takes: UTF-8, one a code point, escape sequences none.
std::size_t width_of(const std::string& text);

/// Rows of cells in aligned columns, two spaces between them; cells may be styled. The heading is bold.
class Table {
 public:
  enum class Align { left, right };
  explicit Table(std::vector<std::string> headings, std::vector<Align> aligns = {});  ///< left where not said
  void add(std::vector<std::string> cells);  ///< as many as there are headings, or fewer
  std::string str() const;

 private:
  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;  // the first: headings
};

/// A line on stderr that is written over: "[12/80] softmax". Nothing if stderr is no terminal, or --quiet.
class Progress {
 public:
  explicit Progress(std::size_t steps) : steps_(steps) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step(const std::string& what);  ///< `what` begins now

 private:
  std::size_t steps_, at_ = 0;
};

}  // namespace wengert::tool
