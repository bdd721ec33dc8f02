// Seeing a tape: as the list it is, and as a graph.
//
//   Tape tape({.trace = true});
//   const auto loss = losses::softmax_ce(net(x), labels);
//   tape.print(std::cout, {.names = net.parameters()});
//
//   0.weight = parameter                             f32[128,64]
//   0.bias   = parameter                             f32[128]
//   %2       = linear(f32[32,64], 0.weight, 0.bias)  f32[32,128]  saves f32[32,64]
//   %3       = tanh(%2)                              f32[32,128]  saves y
//   2.weight = parameter                             f32[10,128]
//   2.bias   = parameter                             f32[10]
//   %6       = linear(%3, 2.weight, 2.bias)          f32[32,10]   saves %3, 2.weight
//   %7       = softmax_ce(%6)                        f32[]
//
// A line a node, in the order of recording: its number or name, the op and its inputs, type and shape of the result, and
// what the rule saves of them: y is the result itself. Inputs and saved values that are not on the tape, constants, are
// shown by their type and shape, numbers as they are. Inputs are those that a gradient could be asked of: labels, masks
// and attributes are not among them.
//
// Any tape can be printed, whoever wrote its ops. Of one that is not traced there is less to know: the shape of a
// result that no rule saves is then f32[?], and an input that is a constant is called so. Tracing is asked for where
// the tape is made, or from outside by WENGERT_TRACE=1; it keeps all results until the tape is freed, and gradients once
// a backward that retains the tape has computed them.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/tape.hpp"
#include "autodiff/trace.hpp"

namespace wengert {

/// What to call parameters, results and constants: (name, variable) pairs, or what a net's parameters() returns.
class Names {
 public:
  Names() = default;
  template <class T> Names(const std::vector<std::pair<std::string, Variable<T>>>& names) {
    for (const auto& [name, value] : names) all_.emplace_back(name, value);
  }
  template <class Named>
  requires requires(const Named& n) { AnyVariable(n.value), std::string(n.name); }
  Names(const std::vector<Named>& names) {
    for (const Named& n : names) all_.emplace_back(n.name, n.value);
  }
  Names(std::initializer_list<std::pair<std::string, AnyVariable>> names) : all_(names) {}

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<std::pair<std::string, AnyVariable>> all_;
};

struct PrintOptions {
  bool values = false;     ///< below each line, the value as far as it is known
  bool adjoints = false;   ///< and the gradient of the last backward; of a parameter, what has been added up
  Names names = {};        ///< instead of numbers
  std::size_t whole = 12;  ///< arrays of more elements are abbreviated, with their least, mean and largest finite one
};

}  // namespace wengert
