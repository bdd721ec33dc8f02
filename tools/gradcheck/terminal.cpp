#include "tools/gradcheck/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tools/gradcheck/files.hpp"

namespace wengert::tool {
namespace {

struct {
  bool color = false, progress = false, quiet = false;
} terminal;

bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);
  return value && *value;
}

}  // namespace

void set_up_terminal(bool no_color, bool quiet) {
  const char* const term = std::getenv("TERM");
  const bool dumb = term && std::strcmp(term, "dumb") == 0;
  terminal = {!no_color && !is_set("NO_COLOR") && !dumb && isatty(STDOUT_FILENO) == 1,
              !quiet && !dumb && isatty(STDERR_FILENO) == 1, quiet};
}

bool quiet() { return terminal.quiet; }

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

std::string styled(Style style, const std::string& text) {
  constexpr const char* codes[] = {"", "1", "2", "31", "32", "33", "34"};
  if (!terminal.color || style == Style::plain || text.empty()) return text;
  return std::string("\033[") + codes[static_cast<int>(style)] + "m" + text + "\033[0m";
}

void print(const std::string& text) { write_all(STDOUT_FILENO, text, "stdout"); }

std::size_t width_of(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      i = std::min(text.find('m', i), text.size());
    } else {
      width += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    }
  }
  return width;
}

Table::Table(std::vector<std::string> headings, std::vector<Align> aligns) : aligns_(std::move(aligns)) {
  aligns_.resize(headings.size(), Align::left);
  for (std::string& heading : headings) heading = styled(Style::bold, heading);
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(aligns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::str() const {
  std::vector<std::size_t> widths(aligns_.size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width_of(row[i]), ' ');
      line += (i ? "  " : "") + (aligns_[i] == Align::left ? row[i] + gap : gap + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

void Progress::step(const std::string& what) {
  if (!terminal.progress) return;
  const std::string line =
      "\r\033[K[" + std::to_string(++at_) + "/" + std::to_string(steps_) + "] " + what.substr(0, 60);
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

Progress::~Progress() {
  if (terminal.progress && at_) (void)!write(STDERR_FILENO, "\r\033[K", 4);
}

}  // namespace wengert::tool
