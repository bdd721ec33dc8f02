// gradcheck() in GoogleTest: EXPECT_TRUE prints the report.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "autodiff/op_check.hpp"

using namespace wengert;
using V = Variable<double>;

TEST(Gradcheck, IsTrueWhereTheGradientIsRight) {
  const Array<double> x{-1, 0.5, 2};
  EXPECT_TRUE(gradcheck([](const V& v) { return tanh(v); }, x));
  EXPECT_TRUE(check_op(declared_softmax().front()));
}

TEST(Gradcheck, PrintsItsReportOtherwise) {
  GradcheckReport report{
      .op = "tanh", .verdict = Verdict::wrong, .comparisons = std::vector<Comparison>(3), .wrong = 2};
  report.suspicion = "all derivatives have the wrong sign";
  EXPECT_NONFATAL_FAILURE(EXPECT_TRUE(report), "tanh: WRONG, 2 of 3 comparisons");
  EXPECT_NONFATAL_FAILURE(EXPECT_TRUE(report), "all derivatives have the wrong sign");
  OpReport op{.op = "tanh", .verdict = Verdict::wrong, .samples = {report}};
  EXPECT_NONFATAL_FAILURE(EXPECT_TRUE(op), "f64, order 1, seed 1: tanh: WRONG");
}
