// A plug-in that goes wrong in the way that PLANTED says: "crash" while the op is checked, "load_crash" while the
// library is loaded.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "autodiff/autodiff.hpp"
#include "autodiff/plugin.hpp"

using namespace wengert;

namespace {

const std::string planted = std::getenv("PLANTED") ? std::getenv("PLANTED") : "";

int overflow_stack(volatile int* below) {
  volatile int here = *below + 1;
  return overflow_stack(&here) + here;
}

void go_wrong(const std::string& what) {
  if (what == "throw") throw std::runtime_error("the dog ate it");
  if (what == "throw_int") throw 42;
  if (what == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
  if (what == "crash") *static_cast<volatile int*>(nullptr) = 1;
  if (what == "abort") std::abort();
  if (what == "terminate") std::thread([] { throw std::runtime_error("in a thread"); }).join();
  if (what == "exit") std::exit(0);
  volatile int zero = 0;
  if (what == "overflow") std::printf("%d\n", overflow_stack(&zero));
  if (what == "print") std::puts("to stdout"), std::fflush(stdout);
}

template <class V> V slope(const V& x, const V& g) {
  go_wrong(planted);
  static int calls = 0;
  if (planted == "unstable") return 2 * x * g * (1 + 1e-9 * ++calls);
  if (planted == "factor") return x * g;
  if (planted == "shape") return sum(2 * x * g);
  if (planted == "empty") return V();
  return 2 * x * g;
}

struct Load {
  Load() {
    if (planted.rfind("load_", 0) == 0) go_wrong(planted.substr(5));
  }
} load;

const CustomOp before(
    "innocent", "y = -x", {{"x"}}, {"x=[2]"}, [](const auto& x) { return -x[0]; },
    [](const auto& g, const auto&, const auto&) { return std::vector{-g}; });
const CustomOp op(
    planted == "name" ? "tanh" : "planted", "y = x^2", {{"x"}}, {planted == "sample" ? "x=2" : "x=[2,3]"},
    [](const auto& x) { return x[0] * x[0]; },
    [](const auto& g, const auto& x, const auto&) { return std::vector{slope(x[0], g)}; });
const CustomOp after(
    "also_innocent", "y = 2 x", {{"x"}}, {"x=[2]"}, [](const auto& x) { return 2 * x[0]; },
    [](const auto& g, const auto&, const auto&) { return std::vector{2 * g}; });

}  // namespace
