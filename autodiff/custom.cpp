#include "autodiff/custom.hpp"

#include "autodiff/gradient.hpp"
#include "autodiff/sample.hpp"

namespace wengert {

CustomOp::CustomOp(std::shared_ptr<Definition> definition, std::vector<std::string> samples) {
  definition->op = {definition->name.c_str(), definition->formula.c_str()};
  definition_ = definition;
  Declared declared =
      declare(definition->op, definition->inputs, {}, std::move(samples), [d = definition_](const auto& a) {
        std::vector<std::decay_t<decltype(a[""])>> x;
        for (const Input& input : d->inputs) x.push_back(a[input.name]);
        return apply(d, std::move(x));
      });
  for (const std::string& sample : declared.samples) draw(declared, sample, 1);
  register_op(std::move(declared));
}

CustomOp::~CustomOp() { unregister_op(&definition_->op); }

template <class T> Variable<T> CustomOp::apply(const std::shared_ptr<const Definition>& d, std::vector<Variable<T>> x) {
  const Functions<T>& f = d->functions<T>();
  if (!f.forward)
    throw ValueError(d->name + ": it has no form for " + (sizeof(T) == 4 ? "float32" : "float64") +
                     "; its functions take one type alone");
  if (x.size() != d->inputs.size())
    throw ValueError(d->name + ": it was given " + std::to_string(x.size()) + " inputs and takes " +
                     std::to_string(d->inputs.size()));
  std::vector<Edge<T>> edges;
  bool wanted = false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    edges.push_back(d->inputs[i].differentiable() ? edge(x[i]) : Edge<T>());
    wanted |= bool(edges[i]);
  }
  Array<T> value = f.forward(Arrays<T>(x));
  const Variable<T> y = Variable<T>::adopt(Block<T>::make(value.shape()));
  std::swap(y.block()->value, value);
  if (!wanted) return y;
  std::vector<Saved<T>> kept;
  for (Variable<T>& input : x) kept.push_back(saved(std::move(input)));
  record(d->op, y, [d, edges = std::move(edges), x = std::move(kept), y = saved(y)](Upstream<T>& g) {
    std::vector<Variable<T>> inputs;
    for (const Saved<T>& input : x) inputs.push_back(*input);
    std::vector<Variable<T>> terms = d->functions<T>().rule(*g, inputs, *y);
    if (terms.size() != x.size())
      throw TapeError(d->name + ": its rule returned " + std::to_string(terms.size()) + " gradients for " +
                      std::to_string(x.size()) + " inputs; return one for each");
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!edges[i]) continue;
      const std::string name = d->inputs[i].name;
      if (!terms[i]) throw TapeError(d->name + ": its rule returned no gradient for " + name);
      if (terms[i].shape() != inputs[i].shape())
        throw ShapeError(d->name + ": its rule returned a gradient " + to_string(terms[i].shape()) + " for " + name +
                         ", which is " + to_string(inputs[i].shape()));
      g.add(edges[i], std::move(terms[i]));
    }
  });
  return y;
}

template Variable<float> CustomOp::apply(const std::shared_ptr<const Definition>&, std::vector<Variable<float>>);
template Variable<double> CustomOp::apply(const std::shared_ptr<const Definition>&, std::vector<Variable<double>>);

}  // namespace wengert
