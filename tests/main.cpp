// The tests' main: says which kernels are tested.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "autodiff/error.hpp"
#include "autodiff/kernels/kernels.hpp"

int main(int argc, char** argv) {
  try {
    std::printf("kernels: %s\n", wengert::kernels::of<float>().name);
  } catch (const wengert::ValueError& e) {
    std::printf("skipped: %s\n", e.what());
    return 77;  // what ctest takes for "skipped"
  }
  return doctest::Context(argc, argv).run();
}
