// The heap of this process, watched: benchmarks/heap.cpp replaces malloc and its relatives (glibc).
#pragma once

#include <cstddef>

namespace bench::heap {

extern std::size_t calls;       ///< of malloc, calloc, realloc, aligned_alloc, posix_memalign
extern std::size_t live, peak;  ///< bytes

}  // namespace bench::heap
