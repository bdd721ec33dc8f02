#include "autodiff/checker/run.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <xtensor/xstrided_view.hpp>

#include "autodiff/tape.hpp"

namespace wengert {
namespace {

template <class T> bool same_bits(const Array<T>& a, const Array<T>& b) {
  return a.shape() == b.shape() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// The same numbers by way of an array whose axes run the other way, and which is larger.
template <class T> Array<T> by_way_of_strides(const Array<T>& x) {
  Shape larger = x.shape();
  xt::xstrided_slice_vector part;
  for (std::size_t& extent : larger) part.push_back(xt::range(std::size_t{0}, extent)), ++extent;
  xt::xarray<T, xt::layout_type::column_major> wide(larger, T(0));
  auto view = xt::strided_view(wide, part);
  std::copy(x.begin(), x.end(), view.template begin<xt::layout_type::row_major>());
  return Array<T>(view);
}

/// u = weights(shape of y)
template <class T, class Weights>
Run<T> run_at(const Function<T>& f, const std::vector<Variable<T>>& parameters, Weights weights) {
  Tape tape;
  const Variable<T> y = f(parameters);
  Run<T> r{y.value(), weights(y.shape()), {}};
  for (const auto& g : tape.gradient(y, parameters, {.upstream = r.u})) r.gradients.push_back(g.value());
  return r;
}

template <class T> std::vector<Variable<T>> parameters(const std::vector<Array<double>>& inputs) {
  std::vector<Variable<T>> all;
  for (const auto& x : inputs) all.push_back(parameter(Array<T>(xt::cast<T>(x))));
  return all;
}

template <class T> auto random(std::uint64_t seed) {
  return [seed](const Shape& shape) { return random_weights<T>(shape, seed); };
}

}  // namespace

template <class T> Array<T> random_weights(const Shape& shape, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Array<T> u(shape);
  for (T& w : u.storage()) {
    const float x = static_cast<float>(random() >> 40) * 0x1p-24f;
    w = x < 0.5f ? -0.5f - 2 * x : 2 * x - 0.5f;
  }
  return u;
}

template <class T>
Run<T> run(const Function<T>& f, const std::vector<Array<double>>& inputs, const std::vector<std::string>& names,
           std::uint64_t seed) {
  Run<T> r = run_at(f, parameters<T>(inputs), random<T>(seed));
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (r.gradients[k].shape() != inputs[k].shape())
      throw ShapeError("the gradient of " + names[k] + " is " + to_string(r.gradients[k].shape()) + ", but " +
                       names[k] + " is " + to_string(inputs[k].shape()) +
                       (r.gradients[k].shape() == r.y.shape() ? ": a broadcast was not summed back?" : ""));
  return r;
}

template <class T> Run<T> run_with(const Function<T>& f, const std::vector<Array<double>>& inputs, const Array<T>& u) {
  return run_at(f, parameters<T>(inputs), [&](const Shape&) { return u; });
}

template <class T>
std::string run_again(const Function<T>& f, const std::vector<Array<double>>& inputs, const Run<T>& first,
                      std::uint64_t seed, const std::vector<std::string>& names) {
  std::vector<Variable<T>> again;
  for (const auto& x : parameters<T>(inputs)) again.push_back(parameter(by_way_of_strides(x.value())));
  const Run<T> second = run_at(f, again, random<T>(seed));
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (!same_bits(again[k].value(), Array<T>(xt::cast<T>(inputs[k])))) return names[k] + " was changed";
  if (!same_bits(first.y, second.y)) return "the second forward gave another value";
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (!same_bits(first.gradients[k], second.gradients[k]))
      return "the second backward gave another gradient of " + names[k];
  return "";
}

#define WENGERT_INSTANTIATE(T)                                                                                        \
  template Array<T> random_weights(const Shape&, std::uint64_t);                                                      \
  template Run<T> run(const Function<T>&, const std::vector<Array<double>>&, const std::vector<std::string>&,         \
                      std::uint64_t);                                                                                 \
  template Run<T> run_with(const Function<T>&, const std::vector<Array<double>>&, const Array<T>&);                   \
  template std::string run_again(const Function<T>&, const std::vector<Array<double>>&, const Run<T>&, std::uint64_t, \
                                 const std::vector<std::string>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
