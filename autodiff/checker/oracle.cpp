#include "autodiff/checker/oracle.hpp"

#include "autodiff/broadcast.hpp"
#include "autodiff/checker/dual.hpp"
#include "autodiff/checker/run.hpp"
#include "autodiff/ops/binary.hpp"
#include "autodiff/ops/elementwise.hpp"

namespace wengert {
namespace {

using First = ops::Dual<long double>;
using Second = ops::Dual<First>;
using Gradients = std::vector<std::vector<long double>>;

/// Of which entry of an input each entry of the output is made, row by row.
std::vector<std::size_t> sources(const Shape& input, const Shape& output) {
  std::vector<std::size_t> all(count(output));
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::size_t rest = i, stride = 1;
    for (std::size_t axis = 0; axis < output.size(); ++axis) {  // from the last one
      const std::size_t extent = output[output.size() - 1 - axis], at = rest % extent;
      rest /= extent;
      if (axis >= input.size()) continue;
      const std::size_t own = input[input.size() - 1 - axis];
      if (own > 1) all[i] += at * stride;
      stride *= own;
    }
  }
  return all;
}

/// f(numbers of one output entry) over dual numbers, for every entry.
template <class F> Gradients gradients(const Sample& s, std::uint64_t seed, int order, F f) {
  const std::size_t inputs = s.inputs.size();
  Shape shape = s.inputs[0].shape();
  for (std::size_t k = 1; k < inputs; ++k) shape = broadcast_shape("oracle", shape, s.inputs[k].shape());
  const Array<double> u = random_weights<double>(shape, order == 2 ? first_order_seed : seed);
  Gradients all;
  std::vector<std::vector<std::size_t>> from;
  std::vector<Array<double>> weights;  // that join the gradients to one output, in gradient_of()
  for (std::size_t k = 0; k < inputs; ++k) {
    all.emplace_back(s.inputs[k].size(), 0);
    from.push_back(sources(s.inputs[k].shape(), shape));
    weights.push_back(random_weights<double>(s.inputs[k].shape(), first_order_seed + 1 + k));
  }
  const long double last = order == 2 ? random_weights<double>({}, seed).storage()[0] : 1;
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t k = 0; k < inputs; ++k) {
      long double slope;
      if (order == 1) {
        First x[2];
        for (std::size_t m = 0; m < inputs; ++m) x[m] = {s.inputs[m].storage()[from[m][i]], m == k ? 1.L : 0.L};
        slope = f(x).slope;
      } else {
        Second x[2];
        for (std::size_t m = 0; m < inputs; ++m)
          x[m] = {First{s.inputs[m].storage()[from[m][i]], m == k ? 1.L : 0.L},
                  First{weights[m].storage()[from[m][i]], 0.L}};
        slope = last * f(x).slope.slope;
      }
      all[k][from[k][i]] += u.storage()[i] * slope;
    }
  return all;
}

template <class O> Gradients elementwise(const Declared& op, const Sample& s, std::uint64_t seed, int order) {
  double numbers[2] = {0, 0};
  std::size_t n = 0;
  for (const Attribute& a : op.attributes)
    if (a.type == std::string("number") && n < 2) numbers[n++] = s.arguments.number(a.name);
  return gradients(s, seed, order, [&]<class N>(const N* x) -> N {
    const N p[2] = {N(numbers[0]), N(numbers[1])};
    return ops::with_parameters<O>(p, [&](const auto&... number) { return O::value(x[0], number...); });
  });
}

}  // namespace

Gradients exact_gradients(const Declared& op, const Sample& s, std::uint64_t seed, int order) {
  if (op.op == &ops::Gelu::op && s.arguments.word("approximate") == "tanh")
    return elementwise<ops::GeluTanh>(op, s, seed, order);
  if (op.op == &ops::Pow::op && s.inputs.size() == 1) return elementwise<ops::PowNumber>(op, s, seed, order);
  Gradients all;
  ops::Elementwise::each([&]<class O>(std::size_t) {
    if (op.op == &O::op) all = elementwise<O>(op, s, seed, order);
  });
  ops::Binary::each([&]<class O>(std::size_t) {
    if (op.op == &O::op) all = gradients(s, seed, order, [](const auto* x) { return O::value(x[0], x[1]); });
  });
  return all;
}

}  // namespace wengert
