// The picture of examples/digits.cpp.
#pragma once

#include <string>
#include <vector>

#include "digits_data.hpp"

namespace digits {

struct Epoch {
  double loss, held_out_loss;
};

struct Picture {
  std::vector<Epoch> history;
  Array<double> weights;  // of the first layer, [units,64]
  Array<double> votes;    // of the second layer, [10,units]
  Digits held_out;
  Labels answers;  // of the net to the held-out digits
};

/// Writes digits.gp into the directory, a script for gnuplot, and lets gnuplot draw digits.png and digits.svg by it.
/// False if there is no gnuplot. A FileError if nothing can be written there.
bool draw(const Picture& picture, const std::string& directory);

}  // namespace digits
