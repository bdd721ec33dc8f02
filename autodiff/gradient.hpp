// How ops meet the tape: what a rule captures, and how a term reaches a gradient.
//
//   if (const auto [ga, gb] = edges(a, b); ga || gb)
//     record(op, y, [ga, gb, a = saved(a), b = saved(b)](Upstream<T>& g) {
//       g.add(ga, <term of a>);
//       g.add(gb, <term of b>);
//     });
//
// The capture list is the list of what is saved. A term is an object with
//   value()      the term as a Variable: the start of a gradient, or, when the backward is itself recorded, a node
//   add_to(p)    (optional) adds the term to the gradient at p in one pass
// and the sweep picks; that is the whole difference between a first derivative and create_graph. While a first
// derivative is computed nothing is recorded, so value() may use ops on variables: simple rules need no more.
#pragma once

#include <new>
#include <type_traits>

#include "autodiff/tape.hpp"
#include "autodiff/trace.hpp"

namespace wengert {

/// Where terms of an input's gradient go; false if the input wants none.
template <class T> class Edge {
 public:
  Edge(Node* node = nullptr) noexcept : at_(reinterpret_cast<std::intptr_t>(node)) {}
  // The copy of a rule, whose captures are const then, may be there to describe it; when one is recorded, variables are
  // captured and captures are moved: that costs nothing.
  Edge(const Edge& other) : at_(other.at_) {
    if (Description::open) [[unlikely]]
      Description::open->note(at_);
  }
  Edge(Edge& other) noexcept : at_(other.at_) {}
  Edge(const Edge&& other) noexcept : at_(other.at_) {}
  Edge& operator=(const Edge&) = default;
  /// Of the n-th constant, from 1, that a traced tape was asked for.
  static Edge constant(std::size_t n) {
    Edge e;
    e.at_ = -static_cast<std::intptr_t>(n);
    return e;
  }

  explicit operator bool() const { return at_ > 0; }
  Node* operator->() const { return reinterpret_cast<Node*>(at_); }

 private:
  std::intptr_t at_;  // addresses are positive
};

template <class T> Edge<T> edge(const Variable<T>& x) {
  Tape* const tape = Tape::current();
  x.held();  // or an error, before anything is computed
  if (!tape) return {};
  Node* const node = tape->node_of(x);
  if (!node && tape->traced()) [[unlikely]]
    return Edge<T>::constant(tape->trace_constant(x));
  return node;
}

/// Whether the rules that run are being recorded themselves (create_graph).
inline bool recording() { return Tape::current() != nullptr; }

/// What stands in the slot of an input whose gradient nobody asked for.
inline void* unwanted() { return reinterpret_cast<void*>(std::uintptr_t{1}); }

/// Thrown out of line: a saved value has changed since it was recorded.
[[noreturn]] void throw_changed(const Shape& shape);

/// A value that a rule keeps until backward. It notices when the value is changed meanwhile.
template <class T> class Saved {
 public:
  Saved() = default;
  explicit Saved(Variable<T> x) : x_(std::move(x)), version_(x_.block()->version) {}
  Saved(const Saved& other) : x_(other.x_), version_(other.version_) {
    if (Description::open && x_) [[unlikely]]
      Description::open->note(x_);
  }
  Saved(Saved&&) = default;
  Saved& operator=(const Saved&) = default;
  Saved& operator=(Saved&&) = default;
  const Variable<T>& operator*() const {
    if (x_.block()->version != version_) throw_changed(x_.shape());
    return x_;
  }
  const Variable<T>* operator->() const { return &**this; }
  explicit operator bool() const { return bool(x_); }

 private:
  Variable<T> x_;
  std::uint32_t version_ = 0;
};

template <class T> Saved<T> saved(Variable<T> x) { return Saved<T>(std::move(x)); }
/// Saves x only if someone will ask for it.
template <class T> Saved<T> saved_if(bool needed, const Variable<T>& x) { return needed ? Saved<T>(x) : Saved<T>(); }
template <class T> Saved<T> saved_if(bool needed, Variable<T>&& x) {
  return needed ? Saved<T>(std::move(x)) : Saved<T>();
}

/// What a rule is called with: the gradient of its result, and the way to those of its inputs.
template <class T> class Upstream {
 public:
  Upstream(Variable<T> g, bool last) : g_(std::move(g)), last_(last) {}

  const Variable<T>& operator*() const { return g_; }
  const Variable<T>* operator->() const { return &g_; }
  /// The gradient itself, for the last term: if nobody else holds it, the term may take over its memory.
  Variable<T> take() { return std::move(g_); }
  /// Whether the rule runs for the last time: it may give away what it saved.
  bool last() const { return last_; }

  /// The gradient of an input as far as it is added up, for a term to be added in place; null if there is none yet, or
  /// if the backward is recorded.
  template <class U> U* added_up(const Edge<U>& to) {
    const auto slot = static_cast<Block<U>*>(to->slot);
    if (!slot || Tape::current()) return nullptr;
    if (slot->unique()) return slot->value.storage().data();
    Variable<U> own = Variable<U>::adopt(Block<U>::make(slot->value.shape()));  // the user, or a node, holds it too
    own.block()->value.storage() = slot->value.storage();
    slot->release();
    to->slot = own.block();
    return own.disown()->value.storage().data();
  }

  template <class U, class Term> void add(const Edge<U>& to, Term term) {
    if (!wanted(to)) return;
    if constexpr (requires(U * p) { term.add_to(p); })
      if (U* const sum = added_up(to)) return term.add_to(sum);
    Variable<U> value = term.value();
    if (to->slot)
      value = Variable<U>::adopt(static_cast<Block<U>*>(std::exchange(to->slot, nullptr))) + std::move(value);
    to->slot = value.disown();
  }

  /// A term that is there already.
  template <class U> void add(const Edge<U>& to, Variable<U> term) {
    struct Ready {
      Variable<U> term;
      Variable<U> value() { return std::move(term); }
    };
    add(to, Ready{std::move(term)});
  }

  template <class U> static bool wanted(const Edge<U>& to) { return to && to->slot != unwanted(); }

 private:
  Variable<T> g_;
  bool last_;
};

template <class T, class Rule> struct RuleNode : Node {
  template <class R> RuleNode(const Node& node, R&& rule) : Node(node), rule(std::forward<R>(rule)) {}
  Rule rule;
};

template <class T, class Rule> [[gnu::cold, gnu::noinline]] void describe_rule(const Rule& rule) {
  Description::open->result = Variable<T>();
  if constexpr (std::is_copy_constructible_v<Rule>) [[maybe_unused]]
    const Rule copy = rule;
  else
    Description::open->complete = false;
}

template <class T, class Rule> void run_rule(Node* node, Action action) {
  auto* const n = static_cast<RuleNode<T, Rule>*>(node);
  if (action == Action::describe) [[unlikely]]
    return describe_rule<T>(n->rule);
  if (n->slot) {
    auto g = Variable<T>::adopt(static_cast<Block<T>*>(std::exchange(n->slot, nullptr)));
    if (action != Action::destroy) {
      Upstream<T> upstream(std::move(g), action == Action::apply_and_destroy);
      n->rule(upstream);
    }
  }
  if (action != Action::apply) n->rule.~Rule();
}

/// Appends a node for y, the result of `op`, to the current tape.
template <class T, class Rule> void record(const Op& op, const Variable<T>& y, Rule&& rule) {
  Tape* const tape = Tape::current();
  Node* const node =
      tape->append<RuleNode<T, std::decay_t<Rule>>>(run_rule<T, std::decay_t<Rule>>, op, std::forward<Rule>(rule));
  tape->made_by(y, node);
  if (tape->traced()) [[unlikely]]
    tape->trace(y.block(), node);
}

}  // namespace wengert
