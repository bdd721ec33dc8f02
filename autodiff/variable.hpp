// Variable<T>: a value that the tape can follow. A handle of one pointer; copying it is one increment.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "autodiff/array.hpp"
#include "autodiff/ops/binary.hpp"
#include "autodiff/ops/elementwise.hpp"

namespace wengert {

struct Node;

/// What a handle points to. Blocks are recycled with their array inside, by size: a steady training step neither
/// allocates nor touches fresh memory.
///
/// Blocks that the user made (leaves) are counted atomically: threads may share parameters and data. The result of
/// an op belongs to the thread that computed it; hand detach() of it to another.
template <class T> struct Block {
  std::uint32_t count = 1;
  std::uint32_t version = 0;  // goes up with every mutable_value()
  bool leaf = false;          // made by the user, not by an op
  bool wants_gradient = false;
  std::uint32_t generation = 0;  // with `tape`: whether `node` still stands
  std::uint64_t tape = 0;
  Node* node = nullptr;       // that computed it, if recorded
  Block* gradient = nullptr;  // of a parameter
  Block* next = nullptr;      // in the list of free blocks
  Array<T> value;

  void hold() noexcept {
    if (leaf)
      std::atomic_ref(count).fetch_add(1, std::memory_order_relaxed);
    else
      ++count;
  }
  void release() noexcept {
    const std::uint32_t left = leaf ? std::atomic_ref(count).fetch_sub(1, std::memory_order_acq_rel) : count--;
    if (left == 1) recycle();
  }
  bool unique() const noexcept {
    return leaf ? std::atomic_ref(const_cast<std::uint32_t&>(count)).load(std::memory_order_acquire) == 1 : count == 1;
  }
  void recycle() noexcept;  // to the free list of this thread, or to the system

  /// A block of that shape from the free list, counted once, its elements not set.
  static Block* make(const Shape& shape);
};

template <class T> class Variable {
 public:
  using value_type = T;

  /// An empty handle: only good for being assigned to. Its value() and shape(), and ops on it, are a ValueError.
  Variable() = default;

  /// A constant: no gradient is computed for it.
  Variable(T number);
  Variable(Array<T> value);
  template <class E> Variable(const xt::xexpression<E>& value) : Variable(Array<T>(value)) {}

  Variable(const Variable& other) noexcept : block_(other.block_) {
    if (block_) block_->hold();
  }
  Variable(Variable&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Variable& operator=(Variable other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Variable() {
    if (block_) block_->release();
  }

  explicit operator bool() const { return block_ != nullptr; }

  const Array<T>& value() const& { return held()->value; }
  /// Of a handle that is about to end: the array itself, so that a loop over f(x).value() does not outlive it.
  Array<T> value() &&;
  const Shape& shape() const { return held()->value.shape(); }
  std::size_t rank() const { return shape().size(); }
  std::size_t size() const { return held()->value.storage().size(); }
  const T* data() const { return held()->value.storage().data(); }

  /// The one element of a value of size 1; a ShapeError otherwise.
  T item() const;

  /// The value of a parameter or constant, to be changed in place (its shape must stay). Whoever recorded the value
  /// before finds out: backward through it is a TapeError. Results of ops cannot be changed.
  Array<T>& mutable_value();

  /// Whether backward() keeps a gradient for it: parameters only.
  bool wants_gradient() const { return held()->wants_gradient; }
  bool has_grad() const { return held()->gradient != nullptr; }
  /// The gradient that backward() added up, in the shape of the value; a TapeError if there is none.
  const Array<T>& grad() const;
  void zero_grad();

  /// The same numbers without history: a constant that shares nothing with the tape.
  Variable detach() const { return Variable(Array<T>(value())); }

  friend Variable operator+(Variable a, Variable b) { return apply<ops::Add>(std::move(a), std::move(b)); }
  friend Variable operator-(Variable a, Variable b) { return apply<ops::Sub>(std::move(a), std::move(b)); }
  friend Variable operator*(Variable a, Variable b) { return apply<ops::Mul>(std::move(a), std::move(b)); }
  friend Variable operator/(Variable a, Variable b) { return apply<ops::Div>(std::move(a), std::move(b)); }
  friend Variable operator-(Variable a) { return apply<ops::Neg>(std::move(a)); }
  // Not in place: *this stays as it was if shapes do not fit.
  Variable& operator+=(Variable b) { return *this = *this + std::move(b); }
  Variable& operator-=(Variable b) { return *this = *this - std::move(b); }
  Variable& operator*=(Variable b) { return *this = *this * std::move(b); }
  Variable& operator/=(Variable b) { return *this = *this / std::move(b); }

  // For ops: the block behind the handle, and handles from and to a bare, counted pointer.
  Block<T>* block() const { return block_; }
  Block<T>* held() const {
    if (!block_) throw_empty();
    return block_;
  }
  static Variable adopt(Block<T>* counted) noexcept {
    Variable v;
    v.block_ = counted;
    return v;
  }
  Block<T>* disown() noexcept { return std::exchange(block_, nullptr); }

 private:
  [[noreturn]] static void throw_empty();

  Block<T>* block_ = nullptr;
};

/// Returns what waits in this thread for reuse to the system. It is bounded (1 GiB each for values of either type and for
/// other buffers) and goes when the thread ends, so this is only for a program that turns from large arrays to small ones.
void release_memory() noexcept;

/// A leaf for which backward() keeps a gradient.
template <class T> Variable<T> parameter(Array<T> value);
template <class E> auto parameter(const xt::xexpression<E>& value) {
  return parameter(Array<typename E::value_type>(value));
}

}  // namespace wengert
