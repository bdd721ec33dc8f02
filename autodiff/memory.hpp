// Recycled memory. The first touch of a fresh page costs 14 to 38 times its reuse, so buffers that are let go wait
// in a list of their thread, by size class, for the next array of that size.
#pragma once

#include <cstddef>
#include <limits>
#include <new>

namespace wengert {

/// Memory of at least `bytes` bytes, aligned to 64; std::bad_alloc if there is none.
void* acquire(std::size_t bytes);

/// Gives back what acquire(bytes) returned; any thread may do so. Never throws.
void recycle(void* memory, std::size_t bytes) noexcept;

/// What the lists of a thread may hold, in bytes. Nothing under AddressSanitizer, which could not see into them.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t recycled_bytes = 0;
#else
inline constexpr std::size_t recycled_bytes = std::size_t{1} << 30;
#endif

/// Returns the buffers that wait in this thread to the system; see release_memory() in variable.hpp.
void release_buffers() noexcept;

/// The allocator of Array<T>: stateless, so that arrays swap and move freely.
template <class T> struct Allocator {
  using value_type = T;

  Allocator() = default;
  template <class U> Allocator(const Allocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(acquire(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept { recycle(p, n * sizeof(T)); }

  friend bool operator==(const Allocator&, const Allocator&) { return true; }
};

}  // namespace wengert
