#include "autodiff/memory.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

namespace wengert {
namespace {

constexpr std::size_t alignment = 64;
constexpr int steps = 4;  // size classes to an octave: at most a quarter is unused
constexpr int octaves = 34;

struct Free {
  Free* next;
};

// Class c holds buffers of (4 + c % 4) << (c / 4) cache lines; the first octave is 1, 2, 3 lines.
struct SizeClass {
  int index;
  std::size_t bytes;
};

SizeClass size_class(std::size_t bytes) {
  const std::size_t lines = bytes == 0 ? 1 : (bytes - 1) / alignment + 1;
  if (lines < steps) return {static_cast<int>(lines), lines * alignment};
  const int octave = std::bit_width(lines) - std::bit_width(std::size_t{steps});
  const std::size_t quantum = std::size_t{1} << octave;
  const std::size_t rounded = (lines + quantum - 1) / quantum * quantum;
  const int top = std::bit_width(rounded) - std::bit_width(std::size_t{steps});
  return {top * steps + static_cast<int>(rounded >> top), rounded * alignment};
}

struct Lists {
  std::array<Free*, (octaves + 2) * steps> heads{};
  std::size_t held = 0;

  void clear() noexcept {
    for (Free*& head : heads)
      while (head) std::free(std::exchange(head, head->next));
    held = 0;
  }
  ~Lists();
};

// Buffers may be let go after the lists of their thread have ended: by static variables, for instance.
enum class State : unsigned char { unborn, alive, ended };
constinit thread_local State state = State::unborn;
constinit thread_local Lists* lists = nullptr;

Lists::~Lists() {
  clear();
  state = State::ended;
  lists = nullptr;
}

Lists* lists_of_thread() {
  if (state == State::unborn) {
    static thread_local Lists own;
    lists = &own;
    state = State::alive;
  }
  return lists;
}

}  // namespace

void* acquire(std::size_t bytes) {
  if (bytes > (std::size_t{1} << (octaves + 6))) throw std::bad_alloc();
  const SizeClass c = size_class(bytes);
  Lists* const l = lists ? lists : lists_of_thread();
  if (l && l->heads[c.index]) {
    Free* const f = std::exchange(l->heads[c.index], l->heads[c.index]->next);
    l->held -= c.bytes;
    return f;
  }
  void* fresh = nullptr;
  if (posix_memalign(&fresh, alignment, recycled_bytes || bytes == 0 ? c.bytes : bytes) != 0) throw std::bad_alloc();
  return fresh;
}

void recycle(void* memory, std::size_t bytes) noexcept {
  if (!memory) return;
  const SizeClass c = size_class(bytes);
  Lists* const l = lists ? lists : lists_of_thread();
  if (!l || l->held + c.bytes > recycled_bytes) {
    std::free(memory);
    return;
  }
  l->heads[c.index] = ::new (memory) Free{l->heads[c.index]};
  l->held += c.bytes;
}

void release_buffers() noexcept {
  if (lists) lists->clear();
}

}  // namespace wengert
