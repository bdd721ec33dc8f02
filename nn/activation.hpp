// Elementwise ops as layers, for Sequential.
#pragma once

#include "nn/module.hpp"

namespace wengert::nn {

/// y = max(x, 0), any shape.
template <class T = float> struct ReLU : Module<T> {
  Variable<T> operator()(Variable<T> x) const override { return relu(std::move(x)); }
  std::string name() const override { return "ReLU"; }
};

/// y = tanh x, any shape.
template <class T = float> struct Tanh : Module<T> {
  Variable<T> operator()(Variable<T> x) const override { return tanh(std::move(x)); }
  std::string name() const override { return "Tanh"; }
};

}  // namespace wengert::nn
