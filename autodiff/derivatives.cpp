#include "autodiff/derivatives.hpp"

#include <algorithm>

#include "autodiff/ops/reduce.hpp"
#include "autodiff/tape.hpp"

namespace wengert {
namespace {

template <class T> std::vector<Variable<T>> parameters(const std::vector<Variable<T>>& x) {
  std::vector<Variable<T>> own;
  for (const Variable<T>& input : x) own.push_back(parameter(input.value()));
  return own;
}

template <class T> std::vector<Variable<T>> zeros_like(const std::vector<Variable<T>>& x) {
  std::vector<Variable<T>> all;
  for (const Variable<T>& input : x) all.push_back(Array<T>(input.shape(), T(0)));
  return all;
}

}  // namespace

template <class T>
std::vector<Variable<T>> hvp(const Function<T>& f, const std::vector<Variable<T>>& x,
                             const std::vector<Variable<T>>& v) {
  if (x.size() != v.size())
    throw ShapeError("hvp: there are " + std::to_string(x.size()) + " x but " + std::to_string(v.size()) + " v");
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].shape() != v[i].shape())
      throw ShapeError("hvp: x[" + std::to_string(i) + "] is " + to_string(x[i].shape()) + " but v[" +
                       std::to_string(i) + "] is " + to_string(v[i].shape()) + "; they must be equal");
  const std::vector<Variable<T>> own = parameters(x);
  Tape tape;
  const Variable<T> y = f(own);
  if (!tape.node_of(y)) return zeros_like(x);  // constant
  const auto g = tape.gradient(y, own, {.create_graph = true});
  Variable<T> product = 0;
  for (std::size_t i = 0; i < g.size(); ++i) product += sum(g[i] * v[i].detach());
  if (!tape.node_of(product)) return zeros_like(x);  // linear
  return tape.gradient(product, own);
}

template <class T> Variable<T> jacobian(const Function<T>& f, const Variable<T>& x) {
  const std::vector<Variable<T>> own = parameters(std::vector{x});
  Tape tape;
  const Variable<T> y = f(own);
  Shape shape = y.shape();
  for (const std::size_t extent : x.shape()) shape.push_back(extent);
  Array<T> rows(shape, T(0));
  if (!tape.node_of(y)) return rows;
  Variable<T> one = Array<T>(y.shape(), T(0));
  for (std::size_t i = 0; i < y.size(); ++i) {
    one.mutable_value().storage()[i] = 1;
    const Variable<T> row = tape.gradient(y, own, {.upstream = one, .retain = true})[0];
    std::copy_n(row.data(), row.size(), rows.storage().begin() + static_cast<std::ptrdiff_t>(i * row.size()));
    one.mutable_value().storage()[i] = 0;
  }
  return rows;
}

#define WENGERT_INSTANTIATE(T)                                                               \
  template std::vector<Variable<T>> hvp(const Function<T>&, const std::vector<Variable<T>>&, \
                                        const std::vector<Variable<T>>&);                    \
  template Variable<T> jacobian(const Function<T>&, const Variable<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
