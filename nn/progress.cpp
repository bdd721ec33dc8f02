#include "nn/progress.hpp"

#include <algorithm>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace wengert::nn {
namespace {

bool is_terminal(std::FILE* out) {
#if __has_include(<unistd.h>)
  return isatty(fileno(out)) == 1;
#else
  return out == nullptr;
#endif
}

/// "[====>     ]"
std::string bar(std::size_t done, std::size_t total) {
  constexpr std::size_t width = 20;
  std::string cells(width, ' ');
  const std::size_t full = total == 0 ? width : std::min(done, total) * width / total;
  cells.replace(0, full, full, '=');
  if (full < width) cells[full] = '>';
  return "[" + cells + "]";
}

}  // namespace

Progress::Progress(std::string task, std::size_t total, std::FILE* out, std::size_t lines)
    : task_(std::move(task)),
      total_(std::max<std::size_t>(1, total)),
      lines_(std::max<std::size_t>(1, lines)),
      out_(out),
      terminal_(is_terminal(out)) {}

Progress::~Progress() {
  if (drawn_) std::fputc('\n', out_);
}

void Progress::at(std::size_t done, const std::string& text) {
  const std::string count =
      " " + std::to_string(done) + "/" + std::to_string(total_) + (text.empty() ? "" : "  ") + text;
  if (terminal_) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_ && done < total_) return;
    next_ = now + std::chrono::milliseconds(100);
    std::fputs(("\r" + task_ + " " + bar(done, total_) + count + "\033[K").c_str(), out_);
    drawn_ = true;
  } else if (done > 0 && done * lines_ / total_ > (done - 1) * lines_ / total_) {
    std::fputs((task_ + count + "\n").c_str(), out_);
  }
  std::fflush(out_);
}

}  // namespace wengert::nn
