#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tools/gradcheck/curve.hpp"
#include "tools/gradcheck/describe.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

ErrorCurve curve_of(const char* name) {
  const std::vector<Declared> all = all_declared();
  const Declared& d = find_declared(all, name);
  return error_curve(d, check_op(d));
}

double error_at(const ErrorCurve& c, double step) {
  std::size_t best = 0;
  for (std::size_t k = 0; k < c.steps.size(); ++k)
    if (std::abs(std::log(c.steps[k] / step)) < std::abs(std::log(c.steps[best] / step))) best = k;
  return c.errors[best];
}

}  // namespace

TEST_CASE("sweep: the error is a V over the step") {
  for (const char* const name : {"tanh", "softmax", "softmax_ce", "matmul"}) {
    CAPTURE(name);
    const ErrorCurve c = curve_of(name);
    REQUIRE(c.steps.size() > 40);
    const double least = *std::min_element(c.errors.begin(), c.errors.end());
    CHECK(least < 1e-9 * std::max(1., std::abs(c.derivative)));
    CHECK(error_at(c, 1e-14) > 1e4 * least);  // rounding
    CHECK(std::find(c.steps.begin(), c.steps.end(), c.step) != c.steps.end());
    CHECK(std::abs(c.tape - c.derivative) <= c.bound);
    CHECK(std::abs(c.numeric - c.derivative) <= c.bound);
  }
}

TEST_CASE("sweep: on the wide side the error falls with the square of the step") {
  const ErrorCurve c = curve_of("tanh");
  CHECK(c.oracle);
  for (const int k : {1, 2, 3}) CHECK(c.errors[k] / c.errors[k + 1] == doctest::Approx(4).epsilon(0.02));
}

TEST_CASE("sweep: the plot in characters") {
  ErrorCurve c;
  c.steps = {1, 0.5, 0.25, 0.125};
  c.errors = {2e-2, 3e-4, std::nan(""), 5e-3};
  c.forward_errors = {2e-1, 1e-3, 4e-2, std::nan("")};
  c.step = 0.5;
  c.derivative = 1;
  CHECK(
      plot_of(c).starts_with("   error\n"
                             " 1e-01    |.\n"
                             " 1e-02   .|o\n"
                             " 1e-03  o :\n"
                             " 1e-04    #\n"));
  c.forward_errors.clear();
  c.errors = {0, 0, 0, 0};  // an error of nothing lies at the lower edge
  CHECK(plot_of(c).starts_with("   error\n 1e-17  oo#o\n"));
  c.errors.assign(4, std::nan(""));
  CHECK(plot_of(c) == "There is no step at which the op is defined.\n");
}

TEST_CASE("sweep: no curve of what has no entry") {
  const std::vector<Declared> all = all_declared();
  CHECK(error_curve(find_declared(all, "tanh"), OpReport{}).steps.empty());
}
