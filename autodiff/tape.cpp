#include "autodiff/tape.hpp"

#include <atomic>

#include "autodiff/gradient.hpp"
#include "autodiff/kernels/kernels.hpp"

namespace wengert {
namespace {

constinit thread_local const Op* walked = nullptr;  // the op whose rule runs, for messages
constinit std::atomic<std::uint64_t> tapes = 0;

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr Op parameter_op{"parameter", "y = a parameter"}, freed_op{"freed", "y = a result of a freed tape"};

template <class T> struct LeafNode : Node {
  LeafNode(const Node& node, const Variable<T>& leaf) : Node(node), leaf(leaf) {}
  Variable<T> leaf;
};

template <class T> void run_leaf(Node* node, Action action) {
  auto* const n = static_cast<LeafNode<T>*>(node);
  Block<T>*& gradient = n->leaf.block()->gradient;
  switch (action) {
    case Action::begin:
      if (gradient) gradient->hold();  // shared until a term is added to it: a rule that throws leaves it as it was
      n->slot = gradient;
      break;
    case Action::keep:
      if (gradient) gradient->release();
      gradient = static_cast<Block<T>*>(std::exchange(n->slot, nullptr));
      if (gradient && gradient->leaf) {  // the user's own upstream gradient came through as it was
        Variable<T> upstream = Variable<T>::adopt(gradient);
        gradient = Block<T>::make(upstream.shape());
        gradient->value.storage() = upstream.value().storage();
      }
      break;
    case Action::refuse: n->slot = unwanted(); break;
    case Action::drop:
    case Action::destroy:
      if (n->slot && n->slot != unwanted()) static_cast<Block<T>*>(n->slot)->release();
      n->slot = nullptr;
      if (action == Action::destroy) n->leaf.~Variable<T>();
      break;
    case Action::describe: Description::open->result = n->leaf; break;
    case Action::apply:
    case Action::apply_and_destroy: break;
  }
}

/// Stands for a result whose graph an earlier backward has freed: it may be used, but no gradient can go through it.
struct FreedNode : Node {
  FreedNode(const Node& node, const Shape& shape) : Node(node), shape(shape) {}
  Shape shape;
};

template <class T> void run_freed(Node* node, Action action) {
  auto* const n = static_cast<FreedNode*>(node);
  if (action == Action::describe) {
    Description::open->result = Variable<T>();
    Description::open->shape = n->shape;
    return;
  }
  if (n->slot && action != Action::destroy)
    throw TapeError("backward: it leads to a result " + to_string(n->shape) +
                    " whose part of the tape an earlier backward() has freed; retain that one, or use detach()");
  if (n->slot) static_cast<Block<T>*>(std::exchange(n->slot, nullptr))->release();
  if (action != Action::apply) n->shape.~Shape();
}

bool is_leaf(const Node* n) { return n->op == &parameter_op; }

template <class T> Variable<T> filled(const Shape& shape, T number) {
  auto v = Variable<T>::adopt(Block<T>::make(shape));
  v.block()->value.fill(number);
  return v;
}

}  // namespace

void throw_changed(const Shape& shape) {
  throw TapeError(std::string(walked ? walked->name : "backward") + ": a value " + to_string(shape) +
                  " that was saved for backward has been changed since; call backward() before the update");
}

constinit thread_local Tape* Tape::recorder = nullptr;

Recorder::Recorder(Tape* tape) : before_(std::exchange(Tape::recorder, tape)) {}
Recorder::~Recorder() { Tape::recorder = before_; }

Tape::Tape(TapeOptions options)
    : trace_(options.trace ? new Trace : nullptr), outer_(std::exchange(Tape::recorder, this)), id_(++tapes) {}

Tape::~Tape() {
  if (recorder == this) recorder = outer_;
  for (Tape* t = recorder; t; t = t->outer_)  // tapes need not end in the order in which they began
    if (t->outer_ == this) t->outer_ = outer_;
  clear();
}

void Tape::add_chunk(std::size_t bytes) {
  const std::size_t size = std::max(chunk_bytes, bytes + sizeof(Chunk));
  chunk_ = ::new (acquire(size)) Chunk{chunk_, size};
  free_ = reinterpret_cast<char*>(chunk_ + 1);
  end_ = reinterpret_cast<char*>(chunk_) + size;
}

std::size_t Tape::bytes() const {
  std::size_t sum = 0;
  for (const Chunk* c = chunk_; c; c = c->before) sum += c->bytes - sizeof(Chunk);
  return sum - static_cast<std::size_t>(end_ - free_);
}

// --- parameters ---------------------------------------------------------------------------------------------------

Node*& Tape::leaf_slot(const void* block) {
  const std::size_t mask = leaves_.size() - 1;
  for (std::size_t i = (reinterpret_cast<std::uintptr_t>(block) >> 5) * 0x9E3779B97F4A7C15u >> 32;; ++i) {
    Leaf& leaf = leaves_[i & mask];
    if (leaf.block == block || !leaf.block) {
      leaf.block = block;
      return leaf.node;
    }
  }
}

void Tape::grow_leaves() {
  std::vector<Leaf, Allocator<Leaf>> old(std::max<std::size_t>(16, leaves_.size() * 2));
  old.swap(leaves_);
  for (const Leaf& leaf : old)
    if (leaf.block) leaf_slot(leaf.block) = leaf.node;
}

template <class T> Node* Tape::node_of(const Variable<T>& x) {
  Block<T>* const b = x.block();
  if (!b->leaf) {
    if (b->tape != id_) return nullptr;
    if (b->generation != generation_) made_by(x, append<FreedNode>(run_freed<T>, freed_op, x.shape()));
    return b->node;
  }
  if (!b->wants_gradient) return nullptr;
  if (leaf_count_ * 2 >= leaves_.size()) grow_leaves();
  Node*& node = leaf_slot(b);
  if (!node) {
    node = append<LeafNode<T>>(run_leaf<T>, parameter_op, x);
    ++leaf_count_;
    node->run(node, of_new_leaves_);
  }
  return node;
}
template Node* Tape::node_of(const Variable<float>&);
template Node* Tape::node_of(const Variable<double>&);

void Tape::each_leaf(Action action) {
  if (leaf_count_ == 0) return;
  for (const Leaf& leaf : leaves_)
    if (leaf.block) leaf.node->run(leaf.node, action);
}

// --- walking back -------------------------------------------------------------------------------------------------

// Runs the rules from `from` to the first; visit(node) comes before the rule of node.
template <class Visit> void Tape::walk(Node* from, bool retain, Visit visit) {
  if (!retain) {
    destroy(last_, from);
    last_ = from;
  }
  const Action action = retain ? Action::apply : Action::apply_and_destroy;
  const bool traced = trace_ && retain;
  if (traced)
    for (auto& [node, kept] : trace_->nodes) std::visit([](auto& adjoint) { adjoint = {}; }, kept.adjoint);
  for (Node* n = from; n; n = n->before) {
    if (!retain) last_ = n;  // should its rule throw, this is what is left
    if (is_leaf(n)) continue;
    if (traced) trace_adjoint(n);
    visit(n);
    walked = n->op;
    n->run(n, action);
  }
  if (!retain) last_ = nullptr;
  if (traced)
    for (const Leaf& leaf : leaves_)
      if (leaf.block) trace_adjoint(leaf.node);
}

template <class T> void Tape::walk_again(const std::function<Variable<T>()>& f, Variable<T> gradient) {
  Node* const end = last_;
  const bool recorded = recording();
  Variable<T> y;
  {
    const Recorder on(this);
    y = f();
  }
  if (y.shape() != gradient.shape())
    throw ShapeError("backward: what is computed again is " + to_string(y.shape()) + " but was " +
                     to_string(gradient.shape()) + "; it must be a function of its arguments alone");
  Node* const made = node_of(y);
  if (made) Upstream<T>({}, true).add(Edge<T>{made}, std::move(gradient));
  const Op* const outer = walked;
  for (Node *n = last_, *before; n != end; n = before) {
    before = n->before;
    if (is_leaf(n)) continue;
    walked = n->op;
    if (!recorded) last_ = before, --nodes_;
    n->run(n, recorded ? Action::apply : Action::apply_and_destroy);
  }
  walked = outer;
  if (!recorded) last_ = end;
}

// Destroys the rules from `from` back to, not including, `end`. Those of the parameters go with the table.
void Tape::destroy(Node* from, const Node* end) noexcept {
  for (Node* n = from; n != end; n = n->before)
    if (!is_leaf(n)) n->run(n, Action::destroy);
}

void Tape::clear() noexcept {
  of_new_leaves_ = Action::apply;
  destroy(std::exchange(last_, nullptr), nullptr);
  each_leaf(Action::destroy);
  std::fill(leaves_.begin(), leaves_.end(), Leaf{});
  leaf_count_ = nodes_ = 0;
  ++generation_;
  while (chunk_) {
    Chunk* const chunk = std::exchange(chunk_, chunk_->before);
    recycle(chunk, chunk->bytes);
  }
  free_ = end_ = nullptr;
  if (trace_) *trace_ = {};
}

template <class T> Node* Tape::find(const Variable<T>& x) {
  const Block<T>* const b = x.held();
  return b->leaf || b->generation == generation_ ? node_of(x) : nullptr;
}

// Checks, and puts the upstream gradient in its place.
template <class T> Node* Tape::start(const char* op, const Variable<T>& y, Variable<T> upstream) {
  const std::string who = op;
  if (!y) throw TapeError(who + ": y is an empty handle");
  if (!upstream && y.size() != 1)
    throw ShapeError(who + ": y is " + to_string(y.shape()) +
                     ", not one number; reduce it with sum() or mean(), or pass an upstream gradient of its shape");
  if (upstream && upstream.shape() != y.shape())
    throw ShapeError(who + ": the upstream gradient is " + to_string(upstream.shape()) + " but y is " +
                     to_string(y.shape()) + "; they must be equal");
  if (!y.block()->leaf && y.block()->tape == id_ && y.block()->generation != generation_)
    throw TapeError(
        who + ": this tape was freed by an earlier backward; pass {.retain = true} to the first one to walk it twice");
  Node* const node = node_of(y);
  if (!node)
    throw TapeError(
        who +
        ": y was not recorded on this tape; nothing it was computed from is a parameter, or it was computed "
        "outside the tape's scope");
  return node;
}

namespace {
template <class T> void seed(Node* node, const Variable<T>& y, Variable<T> upstream) {
  if (!upstream) upstream = filled<T>(y.shape(), 1);
  Upstream<T>({}, true).add(Edge<T>{node}, std::move(upstream));
}
}  // namespace

template <class T> void Tape::backward(const Variable<T>& y, BackwardOptions<T> options) {
  Node* const node = start("backward", y, options.upstream);
  const Recorder none(nullptr);
  each_leaf(of_new_leaves_ = Action::begin);
  try {
    seed(node, y, options.upstream);
    walk(node, options.retain, [](Node*) {});
  } catch (...) {
    clear();
    throw;
  }
  each_leaf(Action::keep);
  of_new_leaves_ = Action::apply;
  if (!options.retain) clear();
}

template <class T>
void Tape::gradient(const Variable<T>& y, const Variable<T>* xs, std::size_t n, Variable<T>* results,
                    const GradientOptions<T>& options) {
  Node* const node = start("gradient", y, options.upstream);
  if (options.create_graph && recorder != this)
    throw TapeError(
        "gradient: create_graph records the backward, but another tape, or none, records in this thread now");
  std::vector<Node*, Allocator<Node*>> nodes(n);
  bool results_among_them = false;
  for (std::size_t i = 0; i < n; ++i) {
    nodes[i] = find(xs[i]);
    if (!nodes[i])
      throw TapeError("gradient: xs[" + std::to_string(i) + "] " + to_string(xs[i].shape()) +
                      " is neither a parameter nor a result on this tape; make it with parameter(value)");
    results_among_them |= !is_leaf(nodes[i]);
  }
  const auto take = [&](const Node* at) {
    for (std::size_t i = 0; i < n; ++i)
      if (nodes[i] == at && at->slot) {
        static_cast<Block<T>*>(at->slot)->hold();
        results[i] = Variable<T>::adopt(static_cast<Block<T>*>(at->slot));
      }
  };
  const bool retain = options.retain || options.create_graph;
  try {
    const Recorder scope(options.create_graph ? this : nullptr);
    each_leaf(of_new_leaves_ = Action::refuse);
    for (Node* x : nodes) x->slot = nullptr;
    seed(node, y, options.upstream);
    walk(node, retain, [&](Node* at) {
      if (results_among_them) take(at);
    });
  } catch (...) {
    clear();
    throw;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (is_leaf(nodes[i])) take(nodes[i]);
    if (!results[i]) results[i] = filled<T>(xs[i].shape(), 0);
  }
  each_leaf(Action::drop);
  of_new_leaves_ = Action::apply;
  if (!retain) clear();
}

#define WENGERT_INSTANTIATE(T)                                                                    \
  template void Tape::walk_again(const std::function<Variable<T>()>&, Variable<T>);               \
  template void Tape::backward(const Variable<T>&, BackwardOptions<T>);                           \
  template void Tape::gradient(const Variable<T>&, const Variable<T>*, std::size_t, Variable<T>*, \
                               const GradientOptions<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
