// The reports of check for programs: JSON, which is read back, too, and JUnit's XML.
#include <nlohmann/json.hpp>

#include "tools/gradcheck/check.hpp"

namespace wengert {

// What is not finite is null in JSON, and kept in CBOR.
NLOHMANN_JSON_SERIALIZE_ENUM(Verdict, {{Verdict::right, "right"},
                                       {Verdict::wrong, "wrong"},
                                       {Verdict::inconclusive, "inconclusive"},
                                       {Verdict::kink, "kink"},
                                       {Verdict::unstable, "unstable"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Dtype, {{Dtype::f64, "f64"}, {Dtype::f32, "f32"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Comparison, where, input, index, analytic, numeric, bound, exact, ulp, below, above,
                                   verdict)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GradcheckReport, op, verdict, comparisons, worst, wrong, inconclusive, kinks,
                                   suspicion, note, seed, visible, missed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ErrorCurve, call, entry, steps, errors, forward_errors, derivative, oracle, step,
                                   numeric, bound, tape)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OpReport, op, dtype, order, seed, verdict, samples, worst, suspicion, oracle)

}  // namespace wengert

namespace wengert::tool {
namespace {

using nlohmann::json;

std::string xml(const std::string& given) {
  const std::string text = json::parse(json(given).dump(-1, ' ', false, json::error_handler_t::replace));  // UTF-8
  std::string escaped;
  for (const char c : text) switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\n': escaped += "&#10;"; break;
      default: escaped += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
  return escaped;
}

/// Invalid UTF-8 of a plug-in's message must not end the report.
std::string dump(const json& j) { return j.dump(1, ' ', false, json::error_handler_t::replace) + "\n"; }

}  // namespace

namespace {
std::string bytes_of(const json& j) {
  const std::vector<std::uint8_t> bytes = json::to_cbor(j);
  return {bytes.begin(), bytes.end()};
}
}  // namespace

std::string pack(const OpReport& report) { return bytes_of(report); }
std::string pack(const ErrorCurve& curve) { return bytes_of(curve); }
OpReport unpack(const std::string& bytes) { return json::from_cbor(bytes).get<OpReport>(); }
ErrorCurve unpack_curve(const std::string& bytes) { return json::from_cbor(bytes).get<ErrorCurve>(); }

std::string check_json(const CheckResult& result) {
  return dump({{"version", WENGERT_VERSION},
               {"seed", result.seed},
               {"directions", result.directions},
               {"status", status_of(result)},
               {"checks", result.reports}});
}

std::string check_junit(const CheckResult& result) {
  std::string cases;
  std::size_t failures = 0, skipped = 0;
  for (const OpReport& r : result.reports) {
    cases += "    <testcase classname=\"gradcheck." + xml(r.op) + "\" name=\"order " + std::to_string(r.order) + ", " +
             to_string(r.dtype) + "\"";
    const bool failed = r.verdict == Verdict::wrong || r.verdict == Verdict::unstable;
    if (r.verdict == Verdict::right) {
      cases += "/>\n";
      continue;
    }
    failed ? ++failures : ++skipped;
    cases += std::string(">\n      <") +
             (failed ? "failure type=\"" + std::string(to_string(r.verdict)) + "\"" : "skipped") + " message=\"" +
             xml(to_string(r)) + "\"/>\n    </testcase>\n";
  }
  const std::string counts = " tests=\"" + std::to_string(result.reports.size()) + "\" failures=\"" +
                             std::to_string(failures) + "\" skipped=\"" + std::to_string(skipped) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n  <testsuite name=\"gradcheck\"" +
         counts + ">\n    <properties>\n      <property name=\"seed\" value=\"" + std::to_string(result.seed) +
         "\"/>\n    </properties>\n" + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace wengert::tool
