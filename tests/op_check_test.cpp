// The check of a declared op: what it calls right, and what it says of ops that are not.
#include "autodiff/op_check.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/autodiff.hpp"
#include "autodiff/custom.hpp"
#include "autodiff/sample.hpp"
#include "losses/losses.hpp"

using namespace wengert;

namespace {

Declared declared(const std::string& name) {
  for (Declared& d : declared_ops())
    if (d.op->name == name) return std::move(d);
  FAIL(name);
  return {};
}

std::vector<Declared> all_declared() {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  return all;
}

}  // namespace

TEST_CASE("check_op: every op is right, in both orders and types") {
  for (const Declared& op : all_declared())
    for (const Dtype dtype : {Dtype::f64, Dtype::f32})
      for (const int order : {1, 2}) {
        const OpReport report = check_op(op, {.dtype = dtype, .order = order, .seed = 7, .variants = order == 1});
        CHECK_MESSAGE(report.verdict == Verdict::right, report);
        CHECK(report.samples.size() >= op.samples.size());
      }
}

TEST_CASE("check_op: every op, with other seeds") {
  for (std::uint64_t seed = 1000; seed <= 4000; seed += 1000)
    for (const Declared& op : all_declared()) {
      const OpReport f64 = check_op(op, {.directions = 2, .seed = seed}),
                     f32 = check_op(op, {.dtype = Dtype::f32, .seed = seed});
      CHECK_MESSAGE(f64.verdict == Verdict::right, f64);
      CHECK_MESSAGE(f32.verdict == Verdict::right, f32);
    }
}

TEST_CASE("check_op: ops with a formula are held against an oracle, to a few ulp") {
  std::size_t oracles = 0;
  double most = 0;
  for (const Declared& op : all_declared())
    for (const int order : {1, 2}) {
      const OpReport report = check_op(op, {.order = order, .directions = order == 1 ? std::size_t{1} : 0});
      if (!report.oracle) break;
      ++oracles;
      for (const GradcheckReport& sample : report.samples)
        for (const Comparison& c : sample.comparisons) most = std::max(most, c.ulp);
    }
  CHECK(oracles == 2 * (ops::Elementwise::size - 2 + ops::Binary::size));  // gelu and pow have two formulas each
  CHECK(most < 16);
  MESSAGE("furthest from an oracle: " << most << " ulp");
}

TEST_CASE("check_op: an oracle sees what differences cannot") {
  const Declared right = declared("exp");
  Declared off = right;
  off.samples = {"x=[3]"};
  off.f64 = [right](const auto& a) {  // 2^-46, far below the bound of a difference
    return std::vector{right.f64(a)[0] * 1 + 0x1p-46 * square(a["x"])};
  };
  const OpReport report = check_op(off);
  CHECK(report.verdict == Verdict::wrong);
  CHECK(std::abs(worst_sample(report).worst.analytic - worst_sample(report).worst.numeric) <=
        worst_sample(report).worst.bound);
}

TEST_CASE("check_op: other shapes are tried as far as an op takes them") {
  const auto samples_of = [](const char* name) {
    std::vector<std::string> calls;
    for (const GradcheckReport& r : check_op(declared(name)).samples) calls.push_back(r.op);
    return calls;
  };
  const auto has = [](const std::vector<std::string>& all, const char* call) {
    return std::find(all.begin(), all.end(), call) != all.end();
  };
  const auto linear = samples_of("linear");
  CHECK(has(linear, "linear x=[0,3] weight=[2,3] bias=[2]"));
  CHECK(!has(linear, "linear x=[] weight=[] bias=[]"));
  CHECK(has(samples_of("solve"), "solve a=[3,3] b=[3]"));
  CHECK(has(samples_of("tanh"), "tanh x=[]"));
  const auto tried = variants(declared("mul"));
  CHECK(has(tried, "a=[3,5] b=[1,5]"));
  CHECK(has(tried, "a=[2,3,4,0] b=[3,1,0]"));
}

TEST_CASE("check_op: float32 is compared with float64, by a mistake that only float32 has") {
  Declared op = declared("exp");
  const auto right = op.f32;
  op.f32 = [right](const Arguments<float>& a) { return std::vector{right(a)[0] + 1e-5f * square(a["x"])}; };
  CHECK(check_op(op));
  const OpReport report = check_op(op, {.dtype = Dtype::f32});
  CHECK(report.verdict == Verdict::wrong);
  CHECK(worst_sample(report).worst.ulp > 16);
  op.f32 = [right](const Arguments<float>& a) { return std::vector{3 * right(a)[0]}; };
  CHECK(check_op(op, {.dtype = Dtype::f32}).suspicion == "all derivatives are 3 times too large: a missing 1/N? N = 3");
  CHECK(check_op(op, {.dtype = Dtype::f32, .order = 2}).verdict == Verdict::wrong);
}

TEST_CASE("check_op: a wrong second derivative is caught") {
  // Its rule is right, but what it records is constant.
  const CustomOp op(
      "once", "y = x^3", {{"x"}}, {"x=[3]"}, [](const auto& x) { return x[0] * x[0] * x[0]; },
      [](const auto& g, const auto& x, const auto&) { return std::vector{3 * g * square(x[0].detach())}; });
  const OpReport first = check_op(declared("once"));
  CHECK_MESSAGE(first.verdict == Verdict::right, first);
  const OpReport second = check_op(declared("once"), {.order = 2});
  CHECK(second.verdict == Verdict::wrong);
  CHECK(second.suspicion == "all derivatives are 0: no term reaches it");
}

TEST_CASE("check_op: what an op throws is told, and ends nothing") {
  const CustomOp throws(
      "throws", "y = x", {{"x"}}, {"x=[3]"}, [](const auto& x) { return x[0] * 1; },
      [](const auto& g, const auto&, const auto&) -> std::vector<std::decay_t<decltype(g)>> {
        throw std::runtime_error("no rule");
      });
  const OpReport report = check_op(declared("throws"));
  CHECK(report.verdict == Verdict::wrong);
  CHECK(worst_sample(report).note == "no rule");
  const CustomOp shape(
      "shape", "y = x", {{"x"}}, {"x=[3]"}, [](const auto& x) { return x[0] * 1; },
      [](const auto& g, const auto&, const auto&) { return std::vector{sum(g)}; });
  CHECK(to_string(check_op(declared("shape"))) ==
        "f64, order 1, seed 1: shape x=[3]: WRONG, shape: its rule returned a gradient [] for x, which is [3]");
}

TEST_CASE("check_op: an op of float64 alone is inconclusive in float32") {
  const CustomOp op(
      "double_only", "y = 2 x", {{"x"}}, {"x=[3]"}, [](const Arrays<double>& x) { return 2 * x[0]; },
      [](const Variable<double>& g, const std::vector<Variable<double>>&, const Variable<double>&) {
        return std::vector{2 * g};
      });
  CHECK(check_op(declared("double_only")));
  const OpReport report = check_op(declared("double_only"), {.dtype = Dtype::f32});
  CHECK(report.verdict == Verdict::inconclusive);
  CHECK(worst_sample(report).note == "double_only: it has no form for float32; its functions take one type alone");
}

TEST_CASE("check_op: the same seed, the same report") {
  const Declared op = declared("softmax");
  CHECK(to_string(check_op(op, {.seed = 5})) == to_string(check_op(op, {.seed = 5})));
  CHECK(to_string(check_op(op, {.seed = 5})) != to_string(check_op(op, {.seed = 6})));
}
