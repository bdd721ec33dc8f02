// Chooses the kernels for this processor, once.
#include <cstdlib>
#include <cstring>
#include <string>

#include "autodiff/error.hpp"
#include "autodiff/kernels/kernels.hpp"

namespace wengert::kernels {
namespace {

struct Choice {
  const char* name;
  bool runs_here;
  void (*fill32)(Kernels<float>&);
  void (*fill64)(Kernels<double>&);
};

Choice choose() {
  const Choice choices[] = {
#if defined(WENGERT_HAS_v4)
    {"v4", bool(__builtin_cpu_supports("x86-64-v4")), v4::fill, v4::fill},
#endif
#if defined(WENGERT_HAS_v3)
    {"v3", bool(__builtin_cpu_supports("x86-64-v3")), v3::fill, v3::fill},
#endif
    {"baseline", true, baseline::fill, baseline::fill},
  };
  if (const char* forced = std::getenv("WENGERT_SIMD"); forced && *forced) {
    for (const Choice& c : choices) {
      if (std::strcmp(c.name, forced) != 0) continue;
      if (!c.runs_here)
        throw ValueError("WENGERT_SIMD: this processor cannot run " + std::string(forced) + "; unset it");
      return c;
    }
    throw ValueError("WENGERT_SIMD: no kernels named " + std::string(forced) +
                     "; baseline, v3 and v4 exist on x86-64, baseline elsewhere");
  }
  for (const Choice& c : choices)
    if (c.runs_here) return c;
  __builtin_unreachable();
}

template <class T> Kernels<T> make() {
  const Choice choice = choose();
  Kernels<T> k{};
  k.name = choice.name;
  if constexpr (sizeof(T) == 4)
    choice.fill32(k);
  else
    choice.fill64(k);
  return k;
}

}  // namespace

template <class T> const Kernels<T>& of() {
  static const Kernels<T> kernels = make<T>();
  return kernels;
}
template const Kernels<float>& of();
template const Kernels<double>& of();

}  // namespace wengert::kernels
