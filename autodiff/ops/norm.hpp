// Normalisation. Each op is one node with one kernel forward and one backward; x, weight and bias are float32 or float64.
//
//   xhat = (x - mean) r,   r = (var + eps)^(-1/2),   y = xhat weight + bias
//
// mean and var (the biased one, 1/n) are taken over a group of n elements. Its derivative, with h = gy weight the gradient
// of xhat, <.> the mean over the group, and d = x - mean:
//
//   dxhat = r (dx - <dx>) + d dr,   dr = -r^3/2 dvar,   dvar = 2 <d dx>       (<d <dx>> = 0)
//         = r (dx - <dx> - xhat <xhat dx>)
//
// which is its own adjoint: what is constant, and what goes along xhat, is taken away. So
//
//   gx += r (h - <h> - xhat <h xhat>)      gweight += sum of gy xhat      gbias += sum of gy
//
// Saved are x, weight and three numbers a group (the mean in two parts, and r); xhat is computed again. Far from 0 the mean
// needs two numbers: see kernels/norm.cpp. When the backward is itself recorded, mean, r and xhat are functions of x again.
//
// A ShapeError names the shapes that do not fit.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert {

/// Groups: one a row, x [..., M...] with weight and bias [M...] over the trailing axes M. bias may be left empty.
/// J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", 2016.
template <class T> Variable<T> layer_norm(Variable<T> x, Variable<T> weight, Variable<T> bias, double eps = 1e-5);
/// The same without weight and bias, over the last `axes` axes of x.
template <class T> Variable<T> layer_norm(Variable<T> x, std::size_t axes, double eps = 1e-5);

/// y = x r weight,   r = (<x^2> + eps)^(-1/2): as layer_norm where the mean is 0, so that no <h> is taken away.
/// B. Zhang, R. Sennrich, "Root mean square layer normalization", 2019. (PyTorch's eps, if none is given, is the
/// distance from 1 to the next number of the type.)
template <class T> Variable<T> rms_norm(Variable<T> x, Variable<T> weight, double eps = 1e-5);
template <class T> Variable<T> rms_norm(Variable<T> x, std::size_t axes, double eps = 1e-5);

struct BatchNorm {
  bool training = false;  ///< the statistics of the batch; otherwise the running ones
  double momentum = 0.1;  ///< how far the running statistics move towards those of a batch
  double eps = 1e-5;
};

/// Groups: one a channel, x [N,C,...]; weight, bias, running_mean and running_var [C]. weight and bias may be left empty.
///
/// In training, running_mean += momentum (mean - running_mean), and running_var likewise with the unbiased variance, 1/(n-1);
/// both are changed in place, through mutable_value(), or may be left empty. n = 1 is a ShapeError, N = 0 leaves them as
/// they are. Otherwise mean and var are constants: gx += gy weight r. No gradient reaches the running statistics.
/// S. Ioffe, C. Szegedy, "Batch normalization", 2015.
template <class T>
Variable<T> batch_norm(Variable<T> x, Variable<T> weight, Variable<T> bias, Variable<T> running_mean,
                       Variable<T> running_var, BatchNorm options = {});

}  // namespace wengert
