// The fully connected layer.
#pragma once

#include "nn/init.hpp"
#include "nn/module.hpp"

namespace wengert::nn {

/// The generator of this thread that layers draw from unless they are given one. It starts from seed 0, so
/// that a program gives the same bits every time it runs; default_random() = Random(seed) begins another
/// sequence.
Random& default_random();

/// Y = X W^T + b,   X [N,in]   weight [out,in]   bias [out]   Y [N,out]: PyTorch's layout.
/// A ShapeError for an X of another shape names the layer:
/// "Linear(64 -> 32): x is [5,63]; x.shape[1] must be 64".
template <class T = float> class Linear : public Module<T> {
 public:
  /// The weight by he_uniform, the bias 0. A ValueError if an extent is below 1.
  Linear(std::ptrdiff_t in, std::ptrdiff_t out, Random& random = default_random());
  /// From given handles: parameters, constants, or results of ops. A ShapeError if they are not [out,in] and [out].
  Linear(Variable<T> weight, Variable<T> bias);

  const Variable<T>& weight() const { return weight_; }
  const Variable<T>& bias() const { return bias_; }

  Variable<T> operator()(Variable<T> x) const override;
  std::string name() const override;
  void collect(const std::string& prefix, std::vector<Parameter<T>>& to) const override;

 private:
  Variable<T> weight_, bias_;
};

extern template class Linear<float>;
extern template class Linear<double>;

}  // namespace wengert::nn
