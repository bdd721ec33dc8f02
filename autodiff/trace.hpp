// What can be known of a tape, for printing it: print.hpp.
//
// Nothing is recorded for it. The captures of a rule cannot be listed, but they can be copied, and whoever wants to know
// has the node do so (Action::describe): while a description is open, every Edge and Saved that is copied is noted in it.
// So the capture list, in its order, says what the inputs are and what is saved, whatever the op.
//
// A traced tape keeps besides what no rule does: the values of all results, their gradients, and the constants.
#pragma once

#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "autodiff/variable.hpp"

namespace wengert {

/// A value of either type; an empty handle where only the type is known.
using AnyVariable = std::variant<Variable<float>, Variable<double>>;

/// What a node says of itself.
struct Description {
  AnyVariable result;          // its value where the node holds it: that of a parameter
  std::optional<Shape> shape;  // of a result that was freed
  std::vector<AnyVariable> saved;
  std::vector<std::intptr_t>
      inputs;            // nodes; -n: the n-th constant of a traced tape; 0: anything else without gradient
  bool complete = true;  // false: the rule cannot be copied, there is nothing to be known of it

  /// The one that is open in this thread, nearly always null.
  static constinit thread_local Description* open;

  [[gnu::cold]] void note(std::intptr_t input) { inputs.push_back(input); }
  template <class T> [[gnu::cold]] void note(const Variable<T>& saved_value) { saved.push_back(saved_value); }
};

Description describe(Node* node);

/// What a traced tape keeps.
struct Trace {
  struct Kept {
    AnyVariable value, adjoint;  // what the last walk that retained the tape has computed
  };
  std::unordered_map<const Node*, Kept> nodes;
  std::vector<AnyVariable> constants;  // that were asked for an edge
};

}  // namespace wengert
