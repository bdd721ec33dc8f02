#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "tests/message.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/explain.hpp"
#include "tools/gradcheck/math.hpp"
#include "tools/gradcheck/numbers.hpp"
#include "tools/gradcheck/page.hpp"

using namespace wengert;
using namespace wengert::tool;
using test::message;

namespace {

/// W p - w in long double, by the definition.
std::vector<long double> exact_gradient(const Row& row) {
  long double sum = 0, weight = 0;
  for (const double s : row.scores) sum += std::exp(static_cast<long double>(s));
  for (const double w : row.weights) weight += w;
  std::vector<long double> g;
  for (std::size_t k = 0; k < row.scores.size(); ++k)
    g.push_back(weight * (std::exp(static_cast<long double>(row.scores[k])) / sum) - row.weights[k]);
  return g;
}

std::size_t count_of(const std::string& part, const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("html: text is escaped, in elements and in attributes") {
  CHECK(Html("a < b & \"c\" > 'd'").str() == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(element("td", {{"title", "\"><script>"}, {"class?", ""}}, "<b>").str() ==
        "<td title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;</td>");
  CHECK(Html(std::string("a\0\x1b[31m\n", 8)).str() == "a  [31m\n");
  CHECK(attribute_number(-0.001) == "0");
  CHECK(attribute_number(12.345) == "12.35");
  CHECK(count_of("<script>", page("<script>", Html("<script>"))) == 0);
}

TEST_CASE("math: one formula, text and MathML") {
  CHECK(math_text("p_k = \\frac{e^{s_k - m}}{1 + T}") == "p_k = e^(s_k - m)/(1 + T)");
  CHECK(math_text("\\frac{dl}{ds_{12}} = \\v{g.12}{-0.5} * (W - w_k)") == "dl/ds_12 = -0.5 * (W - w_k)");
  CHECK(math_text("l = W lse(s) - \\sum_k w_k s_k") == "l = W lse(s) - sum_k w_k s_k");
  CHECK(mathml("w_k >= 0").str() ==
        "<math><mrow><msub><mi>w</mi><mrow><mi>k</mi></mrow></msub><mo>≥</mo><mn>0</mn></mrow></math>");
  CHECK(mathml("\\v{g}{-1.5e-7}").str() == "<math><mrow><mn data-v=\"g\">−1.5e−7</mn></mrow></math>");
  CHECK(prose_text("the weight $w_k$, see `--targets`") == "the weight w_k, see --targets");
  CHECK(prose_html("a < $b$ `<`").str() == "a &lt; <math><mrow><mi>b</mi></mrow></math> <code>&lt;</code>");
  for (const char* const bad : {"e^", "e^{k", "\\frac{a}", "a ? b", "}"})
    CHECK_THROWS_AS(math_text(bad), std::logic_error);
}

TEST_CASE("numbers: as the page of explain writes them") {
  CHECK(number(0.2347314) == "0.234731");
  CHECK(number(-0.001) == "-0.001000");
  CHECK(number(0.0009994) == "9.994e-4");
  CHECK(number(-3.5e-101) == "-3.500e-101");
  CHECK(number(2e15) == "2.000e+15");
  CHECK(number(-0.) == "0");
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(0.1 + 0.2) == "0.30000000000000004");
  CHECK(brief(0.1 + 0.2) == "0.3");
  CHECK(rounded(1.4e6) == "1e6");
  CHECK(rounded(0.53) == "5e-1");
  CHECK(rounded(2e303) == "2e303");
}

TEST_CASE("explain: formulas, tape and differences agree with long double") {
  for (const Question& q : {Question{"2,1,0.1,-1", "1"},
                            {"2,1,0.1,-1", "", "0.7,0,2,0"},
                            {"2,1,0.1,-1", "", "0.7,0,2,0", true},
                            {"-3,4,4,1e-3", "", "-1,2.5,0,-0.25"},
                            {"0,0", "0"},
                            {"30,-30,12", "2"}}) {
    CAPTURE(q.scores);
    CAPTURE(q.targets);
    const Row row = work_out(q);
    const auto exact = exact_gradient(row);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      CHECK(row.gradient[k] == doctest::Approx(static_cast<double>(exact[k])).epsilon(1e-13));
      CHECK(row.engine.gradient[k] == doctest::Approx(static_cast<double>(exact[k])).epsilon(1e-13));
      CHECK(std::abs(row.differences[k] - static_cast<double>(exact[k])) <= row.bound);
      CHECK(row.pulls[k] + row.pushes[k] == doctest::Approx(row.gradient[k]));
    }
    CHECK(row.engine.loss == doctest::Approx(row.loss).epsilon(1e-14));
    CHECK(row.checks.size() == 6);
    for (const Check& c : row.checks) CHECK_MESSAGE(c.verdict == holds, c.what);
  }
}

TEST_CASE("explain: no false alarm") {
  std::mt19937_64 random(5);
  const auto draw = [&](double size) { return size * (2 * (static_cast<double>(random() >> 11) * 0x1p-53) - 1); };
  for (int trial = 0; trial < 1000; ++trial) {
    const std::size_t classes = 1 + random() % 9;
    const double spread = std::pow(10, draw(4.5)), weights = std::pow(10, draw(6));
    Question q;
    for (std::size_t k = 0; k < classes; ++k) {
      q.scores += (k ? "," : "") + shortest(draw(spread));
      q.targets += (k ? "," : "") + shortest(random() % 3 ? draw(weights) : 0);
    }
    q.multilabel = random() % 4 == 0;
    if (random() % 3 == 0) q = {q.scores, std::to_string(random() % classes)};
    CAPTURE(q.scores);
    CAPTURE(q.targets);
    CAPTURE(q.label);
    for (const Check& c : work_out(q).checks) CHECK_MESSAGE(c.verdict != fails, c.what);
  }
}

TEST_CASE("explain: a confident row keeps its digits") {
  const Row row = work_out({"50,1,-200", "0"});
  CHECK(row.gradient[0] == doctest::Approx(-std::exp(-49.)).epsilon(1e-14));
  CHECK(row.loss == doctest::Approx(std::exp(-49.)).epsilon(1e-14));
}

TEST_CASE("explain: the weights are those of the library") {
  CHECK(work_out({"2,1,0", "", "0.7,0,2"}).weights == std::vector<double>{0.7, 0, 2});
  CHECK(work_out({"2,1,0", "", "0.7,0,2", true}).weights == std::vector<double>{0.5, 0, 0.5});
  CHECK(work_out({"2,1,0", "2"}).weights == std::vector<double>{0, 0, 1});
}

TEST_CASE("explain: a layer that forgets the label's value is right if all are 1") {
  const Row ones = work_out({"2,1,0.1", "", "1,1,0"});
  const Divided by_m = divided_by_positives(ones);
  for (std::size_t k = 0; k < 3; ++k)
    CHECK(by_m.forgetful[k] == doctest::Approx(by_m.row.engine.gradient[k]).epsilon(1e-14));
  const Divided real = divided_by_positives(work_out({"2,1,0.1", "", "0.7,2,0"}));
  CHECK(real.row.weights == std::vector<double>{0.35, 1, 0});
  CHECK(std::abs(real.forgetful[1] - real.row.engine.gradient[1]) > 0.1);
}

TEST_CASE("explain: every class has its own formula, with its own numbers") {
  const std::string text = document_text(explanation(work_out({"2,1,0.1,-1", "1"})));
  CHECK(text.find("dl/ds_1 = p_1 - 1 = 0.234731 - 1 = -0.765269") != std::string::npos);
  CHECK(text.find("dl/ds_3 = p_3 = 0.031767") != std::string::npos);
  const std::string shared = document_text(explanation(work_out({"2,1,0.1,-1", "", "1,0,3,0", true})));
  CHECK(shared.find("1/2 (0.638066 - 1) + 1/2 * 0.638066 = 0.638066 - 1/2 = 0.138066") != std::string::npos);
}

TEST_CASE("explain: errors") {
  const auto error = [](const Question& q) { return message<InputError>([&] { work_out(q); }); };
  CHECK(error({"2,1,x", "1"}) ==
        "explain softmax_ce: --scores: \"x\" for class 2 is no number within 1e15; give one a class, as in 2,1,0.1,-1");
  CHECK(error({"2,1,", "1"}).find("\"\" for class 2") != std::string::npos);
  CHECK(error({"2,inf", "1"}).find("\"inf\" for class 1") != std::string::npos);
  CHECK(error({"2,1", "2"}) == "explain softmax_ce: --label 2 is no class in 0..1; there are 2 scores");
  CHECK(error({"2,1", "-1"}) == "explain softmax_ce: --label -1 is no class in 0..1; there are 2 scores");
  CHECK(error({"2,1", "", "1"}) ==
        "explain softmax_ce: --targets has 1 numbers; there are 2 scores, and each needs one");
  CHECK(error({"2,1"}) == "explain softmax_ce: neither --label nor --targets is given; give one of them");
}

TEST_CASE("explain: the page needs nothing but itself") {
  const std::string html = explanation_page(work_out({"2,1,0.1,-1", "1"}));
  for (const char* const outside : {"http:", "https:", "src=", "@import", "url(http"})
    CHECK(count_of(outside, html) == 0);
  CHECK(count_of("class=\"bar slider\"", html) == 4);
  CHECK(count_of("<table>", html) == 3);
}
