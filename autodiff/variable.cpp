#include "autodiff/variable.hpp"

#include <array>

namespace wengert {
namespace {

/// Free blocks of a thread, by size. Several sizes may share a list: if there is no block of the right size near its head,
/// one of another size is resized; its buffer then comes from the recycled memory.
template <class T> struct FreeBlocks {
  std::array<Block<T>*, 256> heads{};
  std::size_t held = 0;

  static std::size_t list_of(std::size_t size) { return (size ^ (size >> 8) ^ (size >> 16)) % 256; }
  static std::size_t cost(const Block<T>& b) { return sizeof(b) + b.value.storage().size() * sizeof(T); }
  void clear() noexcept {
    for (Block<T>*& head : heads)
      while (head) delete std::exchange(head, head->next);
    held = 0;
  }
  ~FreeBlocks();
};

enum class State : unsigned char { unborn, alive, ended };
template <class T> constinit thread_local State state = State::unborn;
template <class T> constinit thread_local FreeBlocks<T>* free_blocks = nullptr;

template <class T> FreeBlocks<T>::~FreeBlocks() {
  state<T> = State::ended;
  free_blocks<T> = nullptr;
  clear();
}

template <class T> FreeBlocks<T>* free_blocks_of_thread() {
  if (!free_blocks<T> && state<T> == State::unborn) {
    static thread_local FreeBlocks<T> own;
    free_blocks<T> = &own;
    state<T> = State::alive;
  }
  return free_blocks<T>;
}

}  // namespace

void release_memory() noexcept {
  if (free_blocks<float>) free_blocks<float>->clear();
  if (free_blocks<double>) free_blocks<double>->clear();
  release_buffers();
}

template <class T> Block<T>* Block<T>::make(const Shape& shape) {
  FreeBlocks<T>* const f = free_blocks_of_thread<T>();
  Block* b = nullptr;
  if (f) {
    const std::size_t size = wengert::count(shape);
    Block** const head = &f->heads[FreeBlocks<T>::list_of(size)];
    Block** at = head;
    for (int looks = 0; looks < 4 && *at && (*at)->value.storage().size() != size; ++looks) at = &(*at)->next;
    if (!*at) at = head;
    if (*at) {
      b = std::exchange(*at, (*at)->next);
      f->held -= FreeBlocks<T>::cost(*b);
    }
  }
  if (!b) b = new Block;
  try {
    if (!same_shape(b->value.shape(), shape)) b->value.resize(shape);
  } catch (...) {
    delete b;
    throw;
  }
  b->count = 1;
  return b;
}

template <class T> void Block<T>::recycle() noexcept {
  if (gradient) std::exchange(gradient, nullptr)->release();
  const std::size_t size = value.storage().size(), bytes = FreeBlocks<T>::cost(*this);
  FreeBlocks<T>* const f = free_blocks_of_thread<T>();
  if (!f || f->held + bytes >= recycled_bytes) {
    delete this;
    return;
  }
  version = 0;
  leaf = wants_gradient = false;
  node = nullptr;
  tape = 0;
  Block*& head = f->heads[FreeBlocks<T>::list_of(size)];
  next = head;
  head = this;
  f->held += bytes;
}

template <class T> Variable<T>::Variable(T number) : block_(Block<T>::make({})) {
  *block_->value.storage().data() = number;
  block_->leaf = true;
}

template <class T> Variable<T>::Variable(Array<T> value) : block_(Block<T>::make(value.shape())) {
  std::swap(block_->value, value);  // the block's own buffer goes back to the recycled memory
  block_->leaf = true;
}

template <class T> void Variable<T>::throw_empty() {
  throw ValueError("Variable: the handle is empty; give it a value before it is used");
}

template <class T> Array<T> Variable<T>::value() && {
  Block<T>* const b = held();
  if (!b->unique() || b->wants_gradient) return b->value;
  Array<T> array;
  std::swap(array, b->value);
  return array;
}

template <class T> T Variable<T>::item() const {
  if (size() != 1)
    throw ShapeError("item: the value is " + to_string(shape()) + "; only a value of one element is a number");
  return *data();
}

template <class T> Array<T>& Variable<T>::mutable_value() {
  if (!held()->leaf)
    throw TapeError(
        "mutable_value: this is the result of an op; only parameters and constants can be changed, use detach()");
  ++held()->version;
  return held()->value;
}

template <class T> const Array<T>& Variable<T>::grad() const {
  if (held()->gradient) return held()->gradient->value;
  throw TapeError(held()->wants_gradient ? "grad: this parameter has no gradient yet; call tape.backward(loss) first"
                                         : "grad: only parameters have gradients; make it with parameter(value)");
}

template <class T> void Variable<T>::zero_grad() {
  if (held()->gradient) std::exchange(held()->gradient, nullptr)->release();
}

template <class T> Variable<T> parameter(Array<T> value) {
  Variable<T> v(std::move(value));
  v.block()->wants_gradient = true;
  return v;
}

template struct Block<float>;
template struct Block<double>;
template class Variable<float>;
template class Variable<double>;
template Variable<float> parameter(Array<float>);
template Variable<double> parameter(Array<double>);

}  // namespace wengert
