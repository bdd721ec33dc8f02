#include "autodiff/checkpoint.hpp"

#include <algorithm>

#include "autodiff/ops/result.hpp"

namespace wengert {
namespace {

constexpr Op checkpoint_op{"checkpoint", "y = f(x), computed again for the backward"}, hook_op{"hook", "y = x"};

/// x's value in a block of its own.
template <class T> Variable<T> same_value(const Variable<T>& x) {
  if (is_free(x) && !x.block()->leaf) return make_result_in(x);
  Variable<T> y = make_result<T>(x.shape());
  std::copy_n(x.data(), x.size(), out(y));
  return y;
}

}  // namespace

template <class T> Variable<T> checkpoint(Function<T> f, std::vector<Variable<T>> x) {
  Tape* const tape = Tape::current();
  Variable<T> y;
  {
    const NoGrad value_only;
    y = f(x);
    y = same_value(std::move(y));
  }
  if (!tape) return y;
  std::vector<Saved<T>> kept;
  for (Variable<T>& input : x) kept.push_back(saved(std::move(input)));
  record(checkpoint_op, y, [tape, f = std::move(f), x = std::move(kept)](Upstream<T>& g) {
    std::vector<Variable<T>> inputs;
    for (const Saved<T>& input : x) inputs.push_back(*input);
    tape->walk_again<T>([&] { return f(inputs); }, g.take());
  });
  return y;
}

template <class T> Variable<T> hook(Variable<T> x, std::function<Variable<T>(const Variable<T>&)> f) {
  const Edge<T> gx = edge(x);
  if (!gx) return x;
  Variable<T> y = same_value(std::move(x));
  record(hook_op, y, [gx, f = std::move(f)](Upstream<T>& g) {
    Variable<T> changed = f(*g);
    if (changed && changed.shape() != g->shape())
      throw ShapeError("hook: it returned " + to_string(changed.shape()) + " for a gradient " + to_string(g->shape()) +
                       "; they must be equal");
    g.add(gx, changed ? std::move(changed) : g.take());
  });
  return y;
}

#define WENGERT_INSTANTIATE(T)                                            \
  template Variable<T> checkpoint(Function<T>, std::vector<Variable<T>>); \
  template Variable<T> hook(Variable<T>, std::function<Variable<T>(const Variable<T>&)>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
