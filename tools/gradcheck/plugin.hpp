// Ops of a plug-in, checked in processes of their own: whatever it does there, gradcheck goes on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autodiff/error_curve.hpp"
#include "autodiff/op_check.hpp"
#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {

/// All checks of each of its ops, or of those that options.names names. An op that crashes, ends the process or takes
/// longer than options.limit is wrong, and its note says what happened. A PluginError if the library cannot be loaded.
std::vector<OpReport> check_plugin(const CheckOptions& options, const std::vector<OpCheck>& checks);

/// By op, of their reports in float64. Without an op that does not come back with one.
std::map<std::string, ErrorCurve> curves_of_plugin(const CheckOptions& options, const std::vector<OpReport>& reports);

}  // namespace wengert::tool
