// The tape: what was computed, in order, and how to walk it back. Read this first.
//
// While a Tape lives, every op of its thread whose inputs depend on a parameter appends a node: a rule (how the
// gradient of the result becomes terms of the gradients of the inputs) and a slot where the result's own gradient is added up.
// A parameter gets a node of its own when it is first used. Backward puts the upstream gradient into the slot of the
// loss and walks the nodes from last to first: R. E. Wengert, "A simple automatic derivative evaluation program",
// Comm. ACM 7 (8), 1964; the reverse direction: S. Linnainmaa, 1970.
//
//   Tape tape;                                    // recording, until the end of the scope
//   auto loss = mean(square(matmul(x, w) - y));
//   tape.backward(loss);                          // w.grad() is d loss / d w
//
// Tapes nest: the innermost records, and what an outer one has recorded is constant to it. One tape serves one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "autodiff/variable.hpp"

namespace wengert {

/// What a node may be asked to do: to apply its rule, or to let go of what the rule captured. The others are for
/// the nodes of parameters: begin with the gradient that is stored, keep what has been added up, or drop it, or refuse
/// all terms. Or to say what it knows of itself: trace.hpp.
enum class Action { apply, apply_and_destroy, destroy, begin, keep, drop, refuse, describe };

/// A line of the tape: 32 bytes, followed by what the rule captured.
struct Node {
  void (*run)(Node*, Action);
  const Op* op;
  Node* before;  // the node recorded before it
  void* slot;    // Block<T>: the gradient of the result, or null
};

template <class T> struct BackwardOptions {
  Variable<T> upstream = {};  ///< in the shape of y; 1 if left out, for a y of one element
  bool retain = false;        ///< keep the tape for another backward
};

template <class T> struct GradientOptions {
  Variable<T> upstream = {};  ///< as above
  bool retain = false;        ///< as above
  bool create_graph = false;  ///< record the backward too, so that the gradients have gradients; retains
};

/// Whether the environment variable WENGERT_TRACE is set, and neither empty nor 0.
bool traced_by_default();

struct TapeOptions {
  bool trace = traced_by_default();  ///< keep all values, gradients and constants for print() and to_dot()
};

struct PrintOptions;
struct Trace;

class Tape {
 public:
  explicit Tape(TapeOptions options = {});
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Adds dy/dp to the gradient of every parameter p that y depends on. y has one element unless an upstream gradient
  /// is given: then it is d sum(upstream y) / dp. The tape is freed on the way, unless retained.
  /// TapeError: y is not on this tape, or it was freed, or a value it needs has changed. If a rule throws, the tape
  /// is freed and all gradients are as they were.
  template <class T> void backward(const Variable<T>& y, BackwardOptions<T> options = {});

  /// Returns dy/dx for every x, in the shape of x, and leaves all stored gradients alone. An x may be a parameter or
  /// any result on this tape; where y does not depend on it, the gradient is 0.
  template <class T, std::size_t N>
  std::array<Variable<T>, N> gradient(const Variable<T>& y, const Variable<T> (&xs)[N],
                                      GradientOptions<T> options = {}) {
    std::array<Variable<T>, N> result;
    gradient(y, xs, N, result.data(), options);
    return result;
  }
  template <class T>
  std::vector<Variable<T>> gradient(const Variable<T>& y, const std::vector<Variable<T>>& xs,
                                    GradientOptions<T> options = {}) {
    std::vector<Variable<T>> result(xs.size());
    gradient(y, xs.data(), xs.size(), result.data(), options);
    return result;
  }

  /// How many nodes are recorded, those of the parameters included.
  std::size_t size() const { return nodes_; }
  /// What they take with all they captured, in bytes; values that are saved and memory on the heap do not count.
  std::size_t bytes() const;

  /// The list, a line a node, and the same as a graph for graphviz. Options and what is known of a tape that is not
  /// traced: print.hpp.
  void print(std::ostream& os) const;
  void print(std::ostream& os, const PrintOptions& options) const;
  void to_dot(std::ostream& os) const;
  void to_dot(std::ostream& os, const PrintOptions& options) const;

  /// The tape that records in this thread, or null.
  static Tape* current() { return recorder; }

  // For ops, through gradient.hpp.

  /// The node that x's gradient goes to: null if x is constant to this tape. A result whose part of the tape was freed
  /// gets a node that refuses gradients.
  template <class T> Node* node_of(const Variable<T>& x);
  /// For a rule that runs: records y = f() here and walks that part back at once from the gradient of y, so that terms
  /// reach whatever f has used. What was recorded is destroyed again unless this backward is recorded itself.
  template <class T> void walk_again(const std::function<Variable<T>()>& f, Variable<T> gradient);
  /// Appends an N(node, fields...): a constructor, for an aggregate is cleared before it is filled (3 ns).
  template <class N, class... Fields> N* append(void (*run)(Node*, Action), const Op& op, Fields&&... fields) {
    static_assert(alignof(N) <= 8, "nodes lie at multiples of 8 bytes");
    N* const node = ::new (room(sizeof(N))) N(Node{run, &op, last_, nullptr}, std::forward<Fields>(fields)...);
    last_ = node;
    ++nodes_;
    return node;
  }
  template <class T> void made_by(const Variable<T>& y, Node* node) const {
    y.block()->node = node;
    y.block()->tape = id_;
    y.block()->generation = generation_;
  }
  bool traced() const { return trace_ != nullptr; }
  template <class T> void trace(Block<T>* y, const Node* node);
  template <class T> std::size_t trace_constant(const Variable<T>& x);

 private:
  friend class Recorder;
  friend class Listing;
  static constinit thread_local Tape* recorder;

  template <class T>
  void gradient(const Variable<T>& y, const Variable<T>* xs, std::size_t n, Variable<T>* results,
                const GradientOptions<T>&);
  template <class T> Node* start(const char* op, const Variable<T>& y, Variable<T> upstream);
  template <class T> Node* find(const Variable<T>& x);
  template <class Visit> void walk(Node* from, bool retain, Visit visit);
  Node*& leaf_slot(const void* block);
  void each_leaf(Action action);
  void grow_leaves();
  void destroy(Node* from, const Node* end) noexcept;
  void clear() noexcept;
  void* room(std::size_t bytes) {
    bytes = (bytes + 7) / 8 * 8;
    if (static_cast<std::size_t>(end_ - free_) < bytes) add_chunk(bytes);
    return std::exchange(free_, free_ + bytes);
  }
  void add_chunk(std::size_t bytes);

  void trace_adjoint(Node* node);

  std::unique_ptr<Trace> trace_;  // null: not traced
  Tape* outer_;
  std::uint64_t id_;
  std::uint32_t generation_ = 0;  // goes up when the tape is freed
  std::size_t nodes_ = 0;
  Node* last_ = nullptr;

  struct Chunk {
    Chunk* before;
    std::size_t bytes;
  };
  Chunk* chunk_ = nullptr;
  char *free_ = nullptr, *end_ = nullptr;

  /// The nodes of the parameters, by block: open addressing, a power of two, at most half full.
  struct Leaf {
    const void* block;
    Node* node;
  };
  std::vector<Leaf, Allocator<Leaf>> leaves_;
  std::size_t leaf_count_ = 0;
  Action of_new_leaves_ = Action::apply;  // what parameters that are met during a walk have to do first
};

/// While it lives, `tape` records in this thread; null: nothing does.
class Recorder {
 public:
  explicit Recorder(Tape* tape);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

 private:
  Tape* before_;
};

/// While it lives, this thread records nothing.
struct NoGrad : Recorder {
  NoGrad() : Recorder(nullptr) {}
};

}  // namespace wengert
