#include <doctest/doctest.h>

#include "tools/gradcheck/check.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

std::size_t count_of(const std::string& part, const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

Comparison entry(std::size_t row, std::size_t column, double off, Verdict verdict) {
  Comparison c;
  c.where = "x[" + std::to_string(row) + "," + std::to_string(column) + "]";
  c.input = "x";
  c.index = 2 * row + column;
  c.analytic = 1 + off;
  c.numeric = 1;
  c.bound = 1e-10;
  c.verdict = verdict;
  return c;
}

/// An op of a plug-in, with a name as nasty as can be.
CheckResult wrong_result() {
  OpReport r;
  r.op = "<my & \"op\">";
  r.verdict = Verdict::wrong;
  GradcheckReport sample;
  sample.op = r.op + " x=[2,2]";
  sample.verdict = Verdict::wrong;
  sample.comparisons = {entry(0, 0, 1e-12, Verdict::right), entry(0, 1, 0, Verdict::right),
                        entry(1, 0, 0.5, Verdict::wrong), entry(1, 1, 1e-3, Verdict::kink)};
  sample.worst = sample.comparisons[2];
  sample.wrong = 1;
  sample.suspicion = "a factor <of> 1.5";
  r.samples = {sample};
  CheckResult result;
  result.reports = {r};
  return result;
}

}  // namespace

TEST_CASE("check page: what is wrong is framed, named and open") {
  const std::string html = check_page(wrong_result());
  CHECK(count_of("<td class=\"framed\"", html) == 2);
  CHECK(count_of("<details open=\"\">", html) == 1);
  CHECK(count_of("WRONG", html) >= 2);
  CHECK(count_of(">kink</td>", html) == 1);
  CHECK(html.find("a factor &lt;of&gt; 1.5") != std::string::npos);
  CHECK(html.find("not all right") != std::string::npos);
  CHECK(count_of("<my", html) == 0);
  CHECK(count_of("<svg", html) == 0);  // there is no curve
}

TEST_CASE("check page: an input with a great many entries does not flood it") {
  CheckResult result = wrong_result();
  std::vector<Comparison>& all = result.reports[0].samples[0].comparisons;
  all.clear();
  for (std::size_t i = 0; i < 5000; ++i) all.push_back(entry(i, 0, 0, Verdict::right));
  const std::string html = check_page(result);
  CHECK(count_of("--heat:", html) == 1000);
  CHECK(html.find("the first 1000 entries of 5000") != std::string::npos);
}

TEST_CASE("check page: nothing was checked") { CHECK(check_page({}).find("0 ops, 0 checks") != std::string::npos); }
