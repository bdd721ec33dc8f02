// What a wrong gradient looks like: the mistakes that are made when a rule is written, each known by its pattern.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/registry.hpp"

namespace wengert {

/// What is known of a function besides its values: where an input without gradient, an attribute may have been ignored.
struct Clues {
  /// Functions whose gradient would say something: "the value of targets is ignored", and f with targets of 0 and 1.
  std::vector<std::pair<std::string, Function<double>>> alternatives = {};
  std::vector<std::pair<std::string, Array<double>>> constants = {};
  std::vector<std::pair<std::string, Labels>> indices = {};
};

/// A gradient that was found wrong, and what it should have been; one array an input, in its shape.
struct Evidence {
  std::vector<std::string> names;
  std::vector<Array<double>> inputs;
  Array<double> y, u;                                         // f(inputs), the upstream
  std::vector<Array<double>> analytic = {};                   // for u,
  std::vector<Array<double>> for_ones = {}, for_double = {};  // for ones, for 2u
  std::vector<Array<double>> numeric = {}, bound = {};        // for u
  Function<double> f = {};
  Clues clues = {};
};

/// What the error looks like, a sentence; "" if it looks like nothing known.
std::string diagnose(const Evidence& evidence);

}  // namespace wengert
