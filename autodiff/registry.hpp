// The list of ops. Every family declares its own, beside their code; tests, checker and tools walk the list.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autodiff/op.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

template <class T> using Function = std::function<Variable<T>(const std::vector<Variable<T>>&)>;

/// A call of an op that the checker makes: the shapes of its inputs, which it draws from the domains of the Op.
struct Sample {
  std::string call;  ///< as one would write it
  std::vector<Shape> shapes;
  Function<float> f32;
  Function<double> f64;
};

/// A sample from a generic lambda over the inputs, a vector of variables of either type.
template <class F> Sample sample(std::string call, std::vector<Shape> shapes, F f) {
  return {std::move(call), std::move(shapes), f, f};
}

struct Declared {
  const Op* op;
  std::vector<Sample> samples;
};

/// All ops of autodiff/.
std::vector<Declared> declared_ops();

// Of each family, in its own file.
std::vector<Declared> declared_elementwise();
std::vector<Declared> declared_binary();
std::vector<Declared> declared_reduce();
std::vector<Declared> declared_shape();
std::vector<Declared> declared_matmul();
std::vector<Declared> declared_index();

}  // namespace wengert
