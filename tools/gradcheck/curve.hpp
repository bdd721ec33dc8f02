// The V curve, drawn.
#pragma once

#include <string>

#include "autodiff/error_curve.hpp"
#include "tools/gradcheck/chart.hpp"

namespace wengert::tool {

Chart chart_of(const ErrorCurve& curve);
/// The same in characters: o central and . forward differences, the chosen step a column of bars.
std::string plot_of(const ErrorCurve& curve);

}  // namespace wengert::tool
