#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/gradcheck/accuracy.hpp"
#include "tools/gradcheck/chart.hpp"

using namespace wengert::tool;

TEST_CASE("compare: what counts as an error, as lost, as not finite") {
  Accuracy a;
  a.add(1.f, 1.L);
  CHECK(a.ulp == 0);
  a.add(1 + 0x1p-22f, 1.L);
  CHECK(a.ulp == 2);
  a.add(0.f, 1e-50L);  // rounds to 0
  CHECK(a.lost == 0);
  a.add(0.f, 1e-44L);  // does not
  CHECK(a.lost == 1);
  a.add(std::numeric_limits<float>::quiet_NaN(), 1.L);
  a.add(INFINITY, 1.L);
  CHECK(a.not_finite == 2);
  CHECK(a.values == 6);
  CHECK(a.ulp == 2);
}

TEST_CASE("compare: the fused loss keeps its digits at every margin and offset") {
  for (const double margin : margins)
    for (const double offset : offsets) {
      CAPTURE(margin);
      CAPTURE(offset);
      const Measured f32 = measure<float>(margin, offset), f64 = measure<double>(margin, offset);
      for (const Measured& m : {f32, f64})
        for (const Accuracy& a : {m.loss[fused], m.gradient[fused]}) CHECK(a.lost + a.not_finite == 0);
      CHECK(f32.loss[fused].ulp <= 1);
      CHECK(f32.gradient[fused].ulp <= 1);
      CHECK(f64.loss[fused].ulp <= 3);
      CHECK(f64.gradient[fused].ulp <= 4);
    }
}

TEST_CASE("compare: what other ways lose") {
  // The table that the project aims at says for libtorch: 106 and 98 ulp at 5, 1.8e6 at 15, all lost at 20.
  const Measured m5 = measure<float>(5, 0), m15 = measure<float>(15, 0), m20 = measure<float>(20, 0);
  CHECK(m5.loss[log_softmax_nll].ulp > 20);
  CHECK(m15.loss[log_softmax_nll].ulp > 1e5);
  CHECK(m20.loss[log_softmax_nll].lost == compared_rows);
  CHECK(m20.gradient[log_softmax_nll].lost == compared_rows);  // those of the labels
  CHECK(measure<double>(40, 0).loss[log_softmax_nll].lost == compared_rows);
  CHECK(measure<float>(5, 100).loss[unfused].not_finite == compared_rows);
  CHECK(measure<float>(5, 100).loss[log_softmax_nll].not_finite == 0);
}

TEST_CASE("chart: a curve breaks where it has no value, and names are escaped") {
  Chart chart{.title = "<t>",
              .x_label = "x",
              .y_label = "y",
              .curves = {{"<c>", {{0, 1}, {1, 10}, {2, 0, true}, {3, 100}, {4, 10}}}}};
  chart.categories = {"a", "b", "c", "<d>", "e"};
  chart.off_label = "lost";
  const std::string svg = chart_html(chart).str();
  CHECK(svg.find("<c>") == std::string::npos);
  CHECK(svg.find("&lt;d&gt;") != std::string::npos);
  const std::size_t at = svg.find(" d=\"M");
  REQUIRE(at != std::string::npos);
  const std::string path = svg.substr(at, svg.find('>', at) - at);
  CHECK(std::count(path.begin(), path.end(), 'M') == 2);
  CHECK(std::count(path.begin(), path.end(), 'L') == 2);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("chart: nothing to draw is no error") {
  const std::string svg = chart_html({.title = "empty", .x_label = "x", .y_label = "y", .curves = {}}).str();
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
}
