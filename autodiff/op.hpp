// Op: what a declaration says of an op. Plain data, so that kernels, tape, checker and docs can all read it.
#pragma once

namespace wengert {

/// The interval from which the checker draws an input.
struct Domain {
  double low, high;
};

struct Op {
  const char* name;
  const char* formula;
  Domain a{-2, 2};      ///< of the first input
  Domain b = a;         ///< of the others
  bool kinked = false;  ///< somewhere in the domain the derivative jumps: checks keep away from there
};

}  // namespace wengert
