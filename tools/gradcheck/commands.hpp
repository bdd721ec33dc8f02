// The commands of gradcheck: each a function of its options that returns the exit status. What is wrong with the
// options, the files or the arrays is an InputError.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autodiff/error.hpp"

namespace wengert::tool {

/// Usage or input. One line: what, where, what was expected. main prints it and ends with bad_input.
struct InputError : Error {
  using Error::Error;
};

/// A plug-in that cannot be loaded; main ends with bad_plugin.
struct PluginError : Error {
  using Error::Error;
};

/// Exit statuses.
enum Status {
  good = 0,        ///< everything holds
  wrong = 1,       ///< a gradient is wrong
  bad_input = 2,   ///< usage or input
  undecided = 3,   ///< inconclusive or a kink, and nothing wrong
  unstable = 4,    ///< not deterministic, or an input was changed
  bad_plugin = 5,  ///< a plug-in could not be loaded
};

struct ListOptions {
  std::string json;  ///< a file, "-" for stdout; the same wherever a file is written. Empty: none
};

struct CheckOptions {
  std::vector<std::string> names = {};  ///< empty: all, or all of the plug-in
  std::string dtype = {};               ///< "f64", "f32", or empty: both
  int order = 0;                        ///< 1, 2, or 0: both
  std::size_t directions = 0;           ///< random directions instead of every entry
  std::uint64_t seed = 1;
  std::string plugin = {};
  int limit = 60;  ///< seconds for an op of a plug-in
  std::string json = {}, junit = {}, html = {};
};

/// All but the name are "NAME=VALUE".
struct EvalOptions {
  std::string name;
  std::vector<std::string> inputs = {}, attributes = {};
  std::vector<std::string> upstreams = {}, outputs = {};  ///< or only the value
  std::vector<std::string> gradients = {}, tangents = {}, hvps = {};
};

struct ExplainOptions {
  std::string loss;
  std::string scores, label, targets;  ///< numbers with commas between them; empty: not given
  bool multilabel = false;
  std::string html;
};

struct CompareOptions {
  std::string loss;
  std::string dtype = "f32";
  std::string json, html;
};

struct SweepOptions {
  std::string name;
  std::string html;
};

int list(const ListOptions& options);
int check(const CheckOptions& options);
int eval(const EvalOptions& options);
int explain(const ExplainOptions& options);
int compare(const CompareOptions& options);
int sweep(const SweepOptions& options);

}  // namespace wengert::tool
