#include "nn/optimise.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "autodiff/kernels/kernels.hpp"

namespace wengert::nn {
namespace {

void check(const char* op, const char* name, double value, bool allowed, const char* range) {
  if (allowed && std::isfinite(value)) return;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  throw ValueError(std::string(op) + ": " + name + " is " + std::string(digits, end) + "; it must be " + range);
}
void check_not_negative(const char* op, const char* name, double value) {
  check(op, name, value, value >= 0, "finite and at least 0");
}
void check_fraction(const char* op, const char* name, double value) {
  check(op, name, value, value >= 0 && value < 1, "in [0, 1)");
}

SgdOptions checked(const SgdOptions& o) {
  check_not_negative("Sgd", "rate", o.rate);
  check_fraction("Sgd", "momentum", o.momentum);
  check_not_negative("Sgd", "weight_decay", o.weight_decay);
  if (o.nesterov) check("Sgd", "momentum", o.momentum, o.momentum > 0, "above 0 for nesterov");
  return o;
}

AdamOptions checked(const AdamOptions& o) {
  check_not_negative("Adam", "rate", o.rate);
  check_fraction("Adam", "beta1", o.beta1);
  check_fraction("Adam", "beta2", o.beta2);
  check_not_negative("Adam", "epsilon", o.epsilon);
  check_not_negative("Adam", "weight_decay", o.weight_decay);
  return o;
}

template <class T> kernels::Index size_of(const Variable<T>& x) { return static_cast<kernels::Index>(x.size()); }

template <class T> T* to_update(Variable<T>& x) { return x.mutable_value().storage().data(); }

}  // namespace

// --- all optimisers
// -----------------------------------------------------------------------------------------------

template <class T>
Optimiser<T>::Optimiser(const char* op, std::vector<Parameter<T>> parameters)
    : op_(op), parameters_(std::move(parameters)) {
  if (parameters_.empty()) throw ValueError(std::string(op) + ": there are no parameters; pass net.parameters()");
  for (auto p = parameters_.begin(); p != parameters_.end(); ++p) {
    if (!p->value || !p->value.wants_gradient())
      throw ValueError(std::string(op) + ": " + p->name + " is no parameter; make it with parameter(value)");
    const auto same = [&](const Parameter<T>& q) { return q.value.block() == p->value.block(); };
    if (const auto q = std::find_if(parameters_.begin(), p, same); q != p)
      throw ValueError(std::string(op) + ": " + q->name + " and " + p->name +
                       " are the same parameter; it would be updated twice a step");
    shapes_.push_back(p->value.shape());
  }
}

template <class T> void Optimiser<T>::zero_grad() {
  for (Parameter<T>& p : parameters_) p.value.zero_grad();
}

template <class T> std::vector<Array<T>> Optimiser<T>::zeros() const {
  std::vector<Array<T>> state;
  for (const Shape& shape : shapes_) state.emplace_back(empty<T>(shape)).fill(T(0));
  return state;
}

template <class T> void Optimiser<T>::check_shapes() const {
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const auto& [name, w] = parameters_[i];
    const Shape& now = w.has_grad() && w.grad().shape() != shapes_[i] ? w.grad().shape() : w.shape();
    if (now != shapes_[i])
      throw ShapeError(std::string(op_) + ": " + name + " or its gradient is " + to_string(now) + " now and was " +
                       to_string(shapes_[i]) + "; the shape of a parameter must stay");
  }
}

// --- Sgd
// ----------------------------------------------------------------------------------------------------------

template <class T>
Sgd<T>::Sgd(std::vector<Parameter<T>> parameters, SgdOptions options)
    : Optimiser<T>("Sgd", std::move(parameters)), options_(checked(options)) {
  if (options.momentum > 0) velocity_ = this->zeros();
}

template <class T> void Sgd<T>::step() {
  this->check_shapes();
  const auto& [rate, momentum, decay, nesterov] = options_;
  for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
    Variable<T>& w = this->parameters_[i].value;
    if (!w.has_grad()) continue;
    T* const velocity = velocity_.empty() ? nullptr : velocity_[i].storage().data();
    kernels::of<T>().sgd(w.grad().storage().data(), velocity, to_update(w), size_of(w), static_cast<T>(rate),
                         static_cast<T>(momentum), static_cast<T>(decay), nesterov);
  }
}

template <class T> void Sgd<T>::set_rate(double rate) {
  check_not_negative("Sgd", "rate", rate);
  options_.rate = rate;
}

// --- Adam
// ---------------------------------------------------------------------------------------------------------

template <class T>
Adam<T>::Adam(std::vector<Parameter<T>> parameters, AdamOptions options)
    : Optimiser<T>("Adam", std::move(parameters)),
      options_(checked(options)),
      mean_(this->zeros()),
      square_(this->zeros()),
      steps_(mean_.size(), 0) {}

template <class T> void Adam<T>::step() {
  this->check_shapes();
  const auto& [rate, beta1, beta2, epsilon, decay] = options_;
  for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
    Variable<T>& w = this->parameters_[i].value;
    if (!w.has_grad()) continue;
    const auto t = static_cast<double>(++steps_[i]);
    kernels::of<T>().adam(w.grad().storage().data(), mean_[i].storage().data(), square_[i].storage().data(),
                          to_update(w), size_of(w),
                          {rate, beta1, beta2, epsilon, decay, 1 - std::pow(beta1, t), 1 - std::pow(beta2, t)});
  }
}

template <class T> void Adam<T>::set_rate(double rate) {
  check_not_negative("Adam", "rate", rate);
  options_.rate = rate;
}

template class Optimiser<float>;
template class Optimiser<double>;
template class Sgd<float>;
template class Sgd<double>;
template class Adam<float>;
template class Adam<double>;

}  // namespace wengert::nn
