// What gradcheck() and check_op() share: a subject goes in, a report comes out.
#pragma once

#include "autodiff/checker/diagnosis.hpp"
#include "autodiff/gradcheck.hpp"

namespace wengert {

struct Subject {
  std::string name;
  Function<double> f64;
  std::function<Function<double>(std::uint64_t)> moved =
      {};                    ///< f64 with numbers moved that it holds: see rounding.hpp
  Function<float> f32 = {};  ///< needed for check<float>
  std::vector<Array<double>> inputs = {};
  std::vector<std::string> names = {};  ///< of the inputs
  Gradcheck options = {};
  std::vector<std::vector<long double>> exact = {};  ///< gradients from an oracle, or none: see oracle.hpp
  std::function<Clues()> clues = {};                 ///< asked for if it is wrong
};

/// The gradients in T. Of double by differences, and exact ones where there are any; of float, an entry each whatever the
/// options say, by the double run.
template <class T> GradcheckReport check(const Subject& subject);

/// gradient_of(), the weights in it moved: see rounding.hpp.
template <class T> Function<T> weighted_gradient_of(Function<T> f, std::uint64_t seed, std::uint64_t moved);

}  // namespace wengert
