#include "nn/linear.hpp"

#include "autodiff/ops/matmul.hpp"

namespace wengert::nn {
namespace {

std::string name_of(std::ptrdiff_t in, std::ptrdiff_t out) {
  return "Linear(" + std::to_string(in) + " -> " + std::to_string(out) + ")";
}

Shape weight_shape(std::ptrdiff_t in, std::ptrdiff_t out) {
  if (in < 1 || out < 1) throw ValueError(name_of(in, out) + ": both extents must be at least 1");
  return {static_cast<std::size_t>(out), static_cast<std::size_t>(in)};
}

template <class T> Array<T> zeros(std::size_t n) {
  Array<T> a = empty<T>({n});
  a.fill(T(0));
  return a;
}

}  // namespace

Random& default_random() {
  thread_local Random random(0);
  return random;
}

template <class T>
Linear<T>::Linear(std::ptrdiff_t in, std::ptrdiff_t out, Random& random)
    : Linear(parameter(he_uniform<T>(weight_shape(in, out), random)),
             parameter(zeros<T>(static_cast<std::size_t>(out)))) {}

template <class T>
Linear<T>::Linear(Variable<T> weight, Variable<T> bias) : weight_(std::move(weight)), bias_(std::move(bias)) {
  if (weight_.rank() != 2)
    throw ShapeError("Linear: weight is " + to_string(weight_.shape()) + "; it must be a matrix [out,in]");
  const std::size_t out = weight_.shape()[0];
  if (bias_.shape() != Shape{out})
    throw ShapeError("Linear: bias is " + to_string(bias_.shape()) + " but weight is " + to_string(weight_.shape()) +
                     "; bias must be [" + std::to_string(out) + "]");
}

template <class T> Variable<T> Linear<T>::operator()(Variable<T> x) const {
  const std::size_t in = weight_.shape()[1];
  if (x.rank() != 2)
    throw ShapeError(name() + ": x is " + to_string(x.shape()) + "; it must be a matrix [N," + std::to_string(in) +
                     "]");
  if (x.shape()[1] != in)
    throw ShapeError(name() + ": x is " + to_string(x.shape()) + "; x.shape[1] must be " + std::to_string(in));
  return linear(std::move(x), weight_, bias_);
}

template <class T> std::string Linear<T>::name() const {
  return name_of(static_cast<std::ptrdiff_t>(weight_.shape()[1]), static_cast<std::ptrdiff_t>(weight_.shape()[0]));
}

template <class T> void Linear<T>::collect(const std::string& prefix, std::vector<Parameter<T>>& to) const {
  to.push_back({prefix + "weight", weight_});
  to.push_back({prefix + "bias", bias_});
}

template class Linear<float>;
template class Linear<double>;

}  // namespace wengert::nn
