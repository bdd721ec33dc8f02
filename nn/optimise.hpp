// What turns gradients into better parameters. The rules are PyTorch's (torch.optim.SGD, torch.optim.Adam),
// operation by operation; g is the gradient of the parameter w, t counts its steps from 1.
//
//   nn::Adam optimiser(net.parameters(), {.rate = 3e-3});
//   tape.backward(loss);
//   optimiser.step();
//   optimiser.zero_grad();
#pragma once

#include <vector>

#include "nn/module.hpp"

namespace wengert::nn {

/// A list of parameters, float32 or float64, and what is done with their gradients.
template <class T> class Optimiser {
 public:
  virtual ~Optimiser() = default;

  /// One update of every parameter that has a gradient; the others, and what is remembered of them, stay.
  /// Allocates nothing. A ShapeError, before anything is updated, if the shape of a parameter has changed.
  virtual void step() = 0;

  /// Drops the gradients. backward() adds to those that are there.
  void zero_grad();

  const std::vector<Parameter<T>>& parameters() const { return parameters_; }

 protected:
  /// A ValueError, begun with `op`, for no parameters, a constant or a parameter given twice.
  Optimiser(const char* op, std::vector<Parameter<T>> parameters);
  /// Zeros in the shape of every parameter.
  std::vector<Array<T>> zeros() const;
  void check_shapes() const;

  const char* op_;
  std::vector<Parameter<T>> parameters_;
  std::vector<Shape> shapes_;
};

struct SgdOptions {
  double rate = 1e-3;       ///< >= 0
  double momentum = 0;      ///< in [0, 1)
  double weight_decay = 0;  ///< >= 0
  bool nesterov = false;    ///< needs momentum
};

/// Stochastic gradient descent:
///
///   d = g + weight_decay w          the gradient of L + weight_decay/2 |w|^2
///   v = momentum v + d              v starts from 0
///   w = w - rate v                  heavy ball: B. T. Polyak, 1964; or, nesterov:
///   w = w - rate (d + momentum v)   Y. Nesterov, 1983, as in I. Sutskever et al., ICML 2013
///
/// A ValueError for an option out of its range.
template <class T> class Sgd : public Optimiser<T> {
 public:
  Sgd(std::vector<Parameter<T>> parameters, SgdOptions options);
  void step() override;
  const SgdOptions& options() const { return options_; }
  void set_rate(double rate);

 private:
  SgdOptions options_;
  std::vector<Array<T>> velocity_;  // none without momentum
};

struct AdamOptions {
  double rate = 1e-3;       ///< >= 0
  double beta1 = 0.9;       ///< in [0, 1)
  double beta2 = 0.999;     ///< in [0, 1)
  double epsilon = 1e-8;    ///< >= 0
  double weight_decay = 0;  ///< >= 0
};

/// Adam (D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015):
///
///   d = g + weight_decay w
///   m = beta1 m + (1 - beta1) d           a running mean of the gradient, begun at 0
///   v = beta2 v + (1 - beta2) d^2         and of its square
///   w = w - rate/(1 - beta1^t) m / (sqrt(v)/sqrt(1 - beta2^t) + epsilon)
///
/// The divisors 1 - beta^t undo the start from 0.
/// A ValueError for an option out of its range.
template <class T> class Adam : public Optimiser<T> {
 public:
  explicit Adam(std::vector<Parameter<T>> parameters, AdamOptions options = {});
  void step() override;
  const AdamOptions& options() const { return options_; }
  void set_rate(double rate);

 private:
  AdamOptions options_;
  std::vector<Array<T>> mean_, square_;
  std::vector<long> steps_;  // t of every parameter
};

extern template class Optimiser<float>;
extern template class Optimiser<double>;
extern template class Sgd<float>;
extern template class Sgd<double>;
extern template class Adam<float>;
extern template class Adam<double>;

}  // namespace wengert::nn
