// How far a long job has come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

namespace wengert::nn {

/// On a terminal one line that is rewritten, at most ten times a second:
///
///   training [=========>          ] 23/50  loss 0.0312
///
/// In a log plain lines, "training 25/50  loss 0.0312": at most `lines` of them, evenly spread by count and
/// not by time, so that two runs write the same.
class Progress {
 public:
  Progress(std::string task, std::size_t total, std::FILE* out = stdout, std::size_t lines = 10);
  /// Ends the line on a terminal.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total` are done.
  void at(std::size_t done, const std::string& text = "");

 private:
  std::string task_;
  std::size_t total_, lines_;
  std::FILE* out_;
  bool terminal_, drawn_ = false;
  std::chrono::steady_clock::time_point next_{};  // nothing is drawn before
};

}  // namespace wengert::nn
