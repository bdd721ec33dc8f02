// Nets: functions with parameters.
//
// A module is a handle, as a Variable is: a copy shares the parameters. So a layer may be moved into a net
// and still be used where it was made, and a net may be passed by value.
//
//   nn::Random random(1);
//   nn::Sequential net{nn::Linear(64, 32, random), nn::ReLU(), nn::Linear(32, 10, random)};
//   for (const auto& [name, value] : net.parameters()) ...    // 0.weight  0.bias  2.weight  2.bias
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/variable.hpp"

namespace wengert::nn {

template <class T> struct Parameter {
  std::string name;  ///< dotted: from the net down to the layer
  Variable<T> value;
};

/// What maps x to y, and names its parameters. float32 or float64.
template <class T = float> class Module {
 public:
  using value_type = T;
  virtual ~Module() = default;

  virtual Variable<T> operator()(Variable<T> x) const = 0;

  /// How messages call it: "Linear(64 -> 32)".
  virtual std::string name() const = 0;

  /// Appends its parameters, `prefix` before their names; a module made of others calls theirs with
  /// prefix + "part.".
  virtual void collect(const std::string& /*prefix*/, std::vector<Parameter<T>>& /*to*/) const {}

  /// All parameters, each once, under the first name it is found by.
  std::vector<Parameter<T>> parameters() const;

 protected:
  Module() = default;
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
};

/// One after the other: y = layer_n(... layer_1(layer_0(x))). Layers are named by their number. A ShapeError
/// from one begins with it: "layer 2, Linear(32 -> 10): x is [5,31]; x.shape[1] must be 32".
///
/// Write braces where layers draw from one Random: arguments in braces are evaluated from left to right,
/// those in parentheses as the compiler likes.
template <class T = float> class Sequential : public Module<T> {
 public:
  Sequential() = default;
  template <std::derived_from<Module<T>>... Layers> explicit Sequential(Layers... layers) {
    (add(std::move(layers)), ...);
  }

  template <std::derived_from<Module<T>> Layer> void add(Layer layer) {
    layers_.push_back(std::make_shared<const Layer>(std::move(layer)));
  }
  std::size_t size() const { return layers_.size(); }
  const Module<T>& operator[](std::size_t i) const { return *layers_.at(i); }

  Variable<T> operator()(Variable<T> x) const override;
  std::string name() const override;
  void collect(const std::string& prefix, std::vector<Parameter<T>>& to) const override;

 private:
  std::vector<std::shared_ptr<const Module<T>>> layers_;
};

template <class Layer, class... Layers> Sequential(Layer, Layers...) -> Sequential<typename Layer::value_type>;

extern template class Module<float>;
extern template class Module<double>;
extern template class Sequential<float>;
extern template class Sequential<double>;

}  // namespace wengert::nn
