// The check of a declared op: what it calls right, and what it says of ops that are not.
#include "autodiff/op_check.hpp"

#include <doctest/doctest.h>

#include "losses/losses.hpp"

using namespace wengert;

TEST_CASE("check_op: every op is right, both orders, both types") {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  for (const Declared& op : all)
    for (const int order : {1, 2}) {
      const OpReport f64 = check_op(op, {.order = order});
      CHECK_MESSAGE(f64, f64);
      CHECK(f64.samples.size() == op.samples.size());
    }
  for (const Declared& op : all) {
    const OpReport f32 = check_op(op, {.dtype = Dtype::f32});
    CHECK_MESSAGE(f32, f32);
  }
}
