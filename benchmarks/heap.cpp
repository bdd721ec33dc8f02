#include "benchmarks/heap.hpp"

#include <malloc.h>

#include <algorithm>
#include <cerrno>

// The benchmarks use one thread: plain counters do.
namespace bench::heap {
std::size_t calls = 0, live = 0, peak = 0;

namespace {
void* counted(void* p) {
  ++calls;
  live += malloc_usable_size(p);
  peak = std::max(peak, live);
  return p;
}
}  // namespace
}  // namespace bench::heap

using bench::heap::counted;

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t n) { return counted(__libc_malloc(n)); }
void* calloc(size_t n, size_t size) { return counted(__libc_calloc(n, size)); }
void* realloc(void* p, size_t n) {
  bench::heap::live -= malloc_usable_size(p);
  return counted(__libc_realloc(p, n));
}
void* memalign(size_t alignment, size_t n) { return counted(__libc_memalign(alignment, n)); }
void* aligned_alloc(size_t alignment, size_t n) { return counted(__libc_memalign(alignment, n)); }
int posix_memalign(void** p, size_t alignment, size_t n) {
  *p = counted(__libc_memalign(alignment, n));
  return *p ? 0 : ENOMEM;
}
void free(void* p) {
  bench::heap::live -= malloc_usable_size(p);
  __libc_free(p);
}
}
