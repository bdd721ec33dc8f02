// Calls of an op with inputs drawn at random: what the checker, the tests and the benchmarks work on.
#pragma once

#include <cstdint>

#include "autodiff/registry.hpp"

namespace wengert {

struct Sample {
  std::string call;                   ///< "softmax x=[5,3] axis=0"
  std::vector<std::string> names;     ///< of the differentiable inputs
  std::vector<Array<double>> inputs;  ///< drawn as declared
  Function<float> f32;                ///< the op over them; several outputs are joined, one behind the other
  Function<double> f64;
  Arguments<double> arguments;  ///< the attributes, and the inputs that are not differentiable

  template <class T> const Function<T>& f() const {
    if constexpr (sizeof(T) == 4)
      return f32;
    else
      return f64;
  }
};

/// The call that `text`, one of d.samples or of the same form, describes; the same inputs for the same seed. A
/// ValueError if the text does not fit the declaration. `d` must outlive the sample. `rounded`: numbers that float32 has,
/// so that both types compute from the same.
Sample draw(const Declared& d, const std::string& text, std::uint64_t seed, bool rounded = false);

/// Calls like the samples with other shapes: all inputs without axes, without elements along the first or the last one,
/// and each input alone with an extent of 1, without its first axis, without any. Many an op refuses some of them.
std::vector<std::string> variants(const Declared& d);

/// The op over the inputs of those names, everything else as in `fixed`.
template <class T> Function<T> function_of(const Declared& d, Arguments<T> fixed, std::vector<std::string> names);

}  // namespace wengert
