#include "nn/module.hpp"

#include <algorithm>

namespace wengert::nn {

template <class T> std::vector<Parameter<T>> Module<T>::parameters() const {
  std::vector<Parameter<T>> all, once;
  collect("", all);
  for (Parameter<T>& p : all) {
    const auto same = [&](const Parameter<T>& q) { return q.value.block() == p.value.block(); };
    if (std::none_of(once.begin(), once.end(), same)) once.push_back(std::move(p));
  }
  return once;
}

template <class T> Variable<T> Sequential<T>::operator()(Variable<T> x) const {
  std::size_t i = 0;
  try {
    for (; i < layers_.size(); ++i) x = (*layers_[i])(std::move(x));
  } catch (const ShapeError& e) { throw ShapeError("layer " + std::to_string(i) + ", " + e.what()); }
  return x;
}

template <class T> std::string Sequential<T>::name() const {
  std::string text = "Sequential(";
  for (std::size_t i = 0; i < layers_.size(); ++i) text += (i ? ", " : "") + layers_[i]->name();
  return text + ")";
}

template <class T> void Sequential<T>::collect(const std::string& prefix, std::vector<Parameter<T>>& to) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->collect(prefix + std::to_string(i) + ".", to);
}

template class Module<float>;
template class Module<double>;
template class Sequential<float>;
template class Sequential<double>;

}  // namespace wengert::nn
