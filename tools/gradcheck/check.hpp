// What check found, and the forms it is given in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autodiff/error_curve.hpp"
#include "autodiff/op_check.hpp"
#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {

struct CheckResult {
  std::uint64_t seed = 1;
  std::size_t directions = 0;
  bool named = false;  ///< ops were asked for by name
  std::vector<OpReport> reports = {};
  std::map<std::string, ErrorCurve> curves = {};  ///< by op, of in_double(); for the page only
};

/// The checks that the options ask for, in every order and type that they leave open.
std::vector<OpCheck> checks_of(const CheckOptions& options);

/// How bad: 0 is right.
int badness(Verdict verdict);
Status status_of(const CheckResult& result);

/// The table, what is not right in words, and a line that sums it up. The table has a line for each check where ops
/// were asked for by name or where not all is right, else one an op: the check that came closest to its bound.
std::string check_text(const CheckResult& result);
/// Directions see errors of a length, and only with a probability: a sentence; "" if nothing was compared along any.
std::string what_directions_miss(const CheckResult& result);
/// What is not right, and the last line.
std::string check_summary(const CheckResult& result);

// For programs: docs/gradcheck.schema.json, docs/gradcheck.xsd.
std::string check_json(const CheckResult& result);
std::string check_junit(const CheckResult& result);

/// A page for people.
std::string check_page(const CheckResult& result);

/// The first report of each op in float64, where there is one.
std::vector<const OpReport*> in_double(const std::vector<OpReport>& reports);

// A report or a curve as bytes, and back.
std::string pack(const OpReport& report);
std::string pack(const ErrorCurve& curve);
OpReport unpack(const std::string& bytes);
ErrorCurve unpack_curve(const std::string& bytes);

}  // namespace wengert::tool
