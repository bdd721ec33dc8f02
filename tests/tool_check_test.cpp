// What gradcheck check says of what was found: the table, the summary, and the forms for programs.
#include <doctest/doctest.h>

#include <cmath>

#include "tools/gradcheck/check.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

OpReport report(const std::string& op, int order, Dtype dtype, Verdict verdict, double analytic, double numeric) {
  const Comparison c{.where = "x[1,2]",
                     .input = "x",
                     .index = 5,
                     .analytic = analytic,
                     .numeric = numeric,
                     .bound = 1e-9,
                     .ulp = 3,
                     .verdict = verdict};
  GradcheckReport sample{.op = op + " x=[2,3]", .verdict = verdict, .comparisons = {c}, .worst = c};
  sample.wrong = verdict == Verdict::wrong;
  sample.inconclusive = verdict == Verdict::inconclusive;
  sample.kinks = verdict == Verdict::kink;
  return {.op = op, .dtype = dtype, .order = order, .verdict = verdict, .samples = {sample}};
}

CheckResult all_right() {
  return {.reports = {report("tanh", 1, Dtype::f64, Verdict::right, 2, 2),
                      report("tanh", 1, Dtype::f32, Verdict::right, 2.5, 2.5 + 1e-10),
                      report("exp", 1, Dtype::f64, Verdict::right, -1, -1)}};
}

CheckResult with(Verdict verdict) {
  CheckResult result = all_right();
  result.reports[0] = report("tanh", 1, Dtype::f64, verdict, 2, 1);
  return result;
}

}  // namespace

TEST_CASE("check: every order and type that the options leave open") {
  CHECK(checks_of({}).size() == 4);
  CHECK(checks_of({.order = 2}).size() == 2);
  const auto one = checks_of({.dtype = "f32", .order = 2, .directions = 3, .seed = 8});
  REQUIRE(one.size() == 1);
  CHECK(one[0].dtype == Dtype::f32);
  CHECK(one[0].order == 2);
  CHECK(one[0].directions == 3);
  CHECK(one[0].seed == 8);
}

TEST_CASE("check: the worst verdict is the status") {
  CHECK(status_of(all_right()) == good);
  CHECK(status_of({}) == good);
  CHECK(status_of(with(Verdict::kink)) == undecided);
  CHECK(status_of(with(Verdict::inconclusive)) == undecided);
  CHECK(status_of(with(Verdict::unstable)) == unstable);
  CHECK(status_of(with(Verdict::wrong)) == wrong);
  CheckResult both = with(Verdict::unstable);
  both.reports[2].verdict = Verdict::kink;
  CHECK(status_of(both) == unstable);
  both.reports[1].verdict = Verdict::wrong;
  CHECK(status_of(both) == wrong);
}

TEST_CASE("check: where all is right, a line an op; else all checks of the op") {
  CHECK(check_text(all_right()) ==
        "op    order  dtype  entry   analytic  numeric    bound  ulp  verdict\n"
        "tanh      1  f32    x[1,2]       2.5      2.5  1.0e-09    3  right\n"
        "exp       1  f64    x[1,2]        -1       -1  1.0e-09    3  right\n"
        "\n2 ops, 3 checks, seed 1: all right\n");
  CHECK(check_text(with(Verdict::wrong)) ==
        "op    order  dtype  entry   analytic  numeric    bound  ulp  verdict\n"
        "tanh      1  f64    x[1,2]         2        1  1.0e-09    3  WRONG\n"
        "tanh      1  f32    x[1,2]       2.5      2.5  1.0e-09    3  right\n"
        "exp       1  f64    x[1,2]        -1       -1  1.0e-09    3  right\n"
        "\nf64, order 1, seed 1: tanh x=[2,3]: WRONG, 1 of 1 comparison, worst x[1,2]: analytic 2, numeric 1, off "
        "by 1, bound 1e-09\n\n2 ops, 3 checks, seed 1: 1 WRONG, 2 right\n");
  CheckResult named = all_right();
  named.named = true;
  CHECK(check_text(named).find("tanh      1  f64") != std::string::npos);
}

TEST_CASE("check: what directions may miss") {
  CheckResult result = all_right();
  result.directions = 2;
  result.reports[0].samples[0].visible = 1e-9;
  result.reports[0].samples[0].missed = 0.002;
  result.reports[2].samples[0].visible = 3e-8;
  result.reports[2].samples[0].missed = 0.001;
  CHECK(check_summary(result) ==
        "Along 2 random directions, an error of the gradient of length 3.0e-08 is missed with a probability of at most "
        "2.0e-03.\n2 ops, 3 checks, seed 1: all right\n");
}

TEST_CASE("check: a report survives the way from a child") {
  // One that has another number of members does not compile: they have to be in check_report.cpp and the schema, too.
  [[maybe_unused]] const auto& [op, dtype, order, seed, verdict, samples, worst, suspicion, oracle] = OpReport();
  [[maybe_unused]] const auto& [c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11] = Comparison();
  [[maybe_unused]] const auto& [g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11, g12] = GradcheckReport();
  OpReport sent = report("tanh", 2, Dtype::f32, Verdict::unstable, NAN, INFINITY);
  sent.seed = ~std::uint64_t{0};
  sent.samples[0].note = "not \xff UTF-8";
  sent.suspicion = "the sign";
  const OpReport got = unpack(pack(sent));
  CHECK(got.op == "tanh");
  CHECK(got.dtype == Dtype::f32);
  CHECK(got.order == 2);
  CHECK(got.seed == sent.seed);
  CHECK(got.verdict == Verdict::unstable);
  REQUIRE(got.samples.size() == 1);
  CHECK(got.suspicion == "the sign");
  CHECK(got.samples[0].note == sent.samples[0].note);
  CHECK(std::isnan(got.samples[0].comparisons[0].analytic));
  CHECK(got.samples[0].worst.numeric == INFINITY);
  CHECK(got.samples[0].worst.where == "x[1,2]");
}

TEST_CASE("check: JUnit's XML, with what XML does not allow") {
  CheckResult result = with(Verdict::wrong);
  result.seed = 9;
  result.reports[1].verdict = result.reports[1].samples[0].verdict = Verdict::kink;
  result.reports[0].samples[0].note = "a<b & \"c\"\n\x01";
  const std::string xml = check_junit(result);
  CHECK(xml.find("<testsuites tests=\"3\" failures=\"1\" skipped=\"1\">") != std::string::npos);
  CHECK(xml.find("<property name=\"seed\" value=\"9\"/>") != std::string::npos);
  CHECK(xml.find("<failure type=\"wrong\" message=\"f64, order 1, seed 1: tanh x=[2,3]: WRONG, a&lt;b &amp; "
                 "&quot;c&quot;&#10;?\"/>") != std::string::npos);
  CHECK(xml.find("<skipped message=\"f32") != std::string::npos);
  CHECK(check_json(result).find("\"status\": 1") != std::string::npos);
}
