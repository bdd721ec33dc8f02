// The loss of one row of scores, worked out step by step beside the engine's result: the figures of `explain`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wengert::tool {

/// Where the weights w of the classes come from.
enum class Answer {
  label,    ///< one class: w_k = [k = t]
  shared,   ///< multilabel: 1/M on each of the M classes whose target is not 0
  targets,  ///< w_k = t_k
};

/// As typed: numbers with commas between them; empty: not given.
struct Question {
  std::string scores = {}, label = {}, targets = {};
  bool multilabel = false;
};

/// Loss and gradient as the tape has them.
struct Engine {
  double loss = 0;
  std::vector<double> gradient;
};

inline constexpr std::string_view holds = "holds", fails = "FAILS", cannot_tell = "cannot tell";
struct Check {
  std::string what;
  std::string verdict;
};

struct Row {
  Answer answer;
  std::vector<double> scores, targets, weights;  // s, t, w
  std::size_t label = 0, positives = 0;          // M: targets that are not 0
  double weight = 0;                             // W

  std::size_t top = 0;                           // the class of the largest score
  double most = 0, tail = 0;                     // m; T, the sum of e^(s - m) but for that class
  double gap = 0, loss = 0;                      // sum of w (m - s)
  std::vector<double> shifted, powers, softmax;  // s - m, e^(s - m), p
  std::vector<double> pulls, pushes, gradient;   // -w, W p, their sum

  Engine engine;
  std::vector<double> moved, threefold, quarter;  // the tape's at s + 1000, for the upstream 3, of N = 4 such rows
  double step = 0, bound = 0;                     // of the central differences: h, and what they may be off by
  std::vector<double> differences;
  std::vector<Check> checks;

  bool positive(std::size_t k) const { return weights[k] != 0; }
};

/// An InputError if there are no scores, or both or neither of label and targets, or what is no number or too large, or
/// does not fit the scores.
Row work_out(const Question& question);

/// For targets that are no 0 and 1: what becomes of them divided by M, and of a layer that forgets the label's value in
/// its backward, p_k - 1/M on every positive class.
struct Divided {
  Row row;  // of the targets t/M
  std::vector<double> forgetful;
};
Divided divided_by_positives(const Row& row);

}  // namespace wengert::tool
