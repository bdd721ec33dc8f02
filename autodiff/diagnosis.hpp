// What a wrong gradient looks like: the mistakes that are made when a rule is written, each recognised by its pattern.
#pragma once

#include <string>
#include <vector>

#include "autodiff/array.hpp"

namespace wengert {

/// A gradient that was found wrong, and what it should have been; one array an input, in its shape.
struct Evidence {
  std::vector<std::string> names = {};       // of the inputs
  std::vector<Array<double>> analytic = {};  // for the upstream u
  std::vector<Array<double>> for_ones = {};  // the same for an upstream of ones; empty if it is not known
  std::vector<Array<double>> numeric = {}, bound = {};
};

/// What the error looks like, a sentence; "" if it looks like nothing known.
std::string diagnose(const Evidence& evidence);

}  // namespace wengert
