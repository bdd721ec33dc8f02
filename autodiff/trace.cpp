#include "autodiff/trace.hpp"

#include <cstdlib>
#include <cstring>

#include "autodiff/gradient.hpp"

namespace wengert {

constinit thread_local Description* Description::open = nullptr;

Description describe(Node* node) {
  struct Open {
    Description* before;
    ~Open() { Description::open = before; }
  };
  Description d;
  const Open open{std::exchange(Description::open, &d)};
  node->run(node, Action::describe);
  return d;
}

bool traced_by_default() {
  static const bool asked = [] {
    const char* const text = std::getenv("WENGERT_TRACE");
    return text && *text && std::strcmp(text, "0") != 0;
  }();
  return asked;
}

namespace {
template <class T> Variable<T> handle(Block<T>* block) {
  block->hold();
  return Variable<T>::adopt(block);
}
}  // namespace

template <class T> void Tape::trace(Block<T>* y, const Node* node) { trace_->nodes[node] = {handle(y), Variable<T>()}; }

template <class T> std::size_t Tape::trace_constant(const Variable<T>& x) {
  trace_->constants.push_back(x);
  return trace_->constants.size();
}

void Tape::trace_adjoint(Node* node) {
  if (!node->slot || node->slot == unwanted()) return;
  const auto [at, fresh] = trace_->nodes.try_emplace(node);
  if (fresh) at->second.adjoint = describe(node).result;  // for its type: a parameter's node
  std::visit([&]<class T>(Variable<T>& adjoint) { adjoint = handle(static_cast<Block<T>*>(node->slot)); },
             at->second.adjoint);
}

#define WENGERT_INSTANTIATE(T)                       \
  template void Tape::trace(Block<T>*, const Node*); \
  template std::size_t Tape::trace_constant(const Variable<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
