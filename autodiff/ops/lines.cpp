#include "autodiff/ops/lines.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace wengert {

kernels::Lines lines(const Shape& x, std::size_t first, std::size_t last) {
  const auto product = [&](std::size_t from, std::size_t to) {
    return std::accumulate(x.begin() + from, x.begin() + to, kernels::Index{1}, std::multiplies<>());
  };
  return {product(0, first), product(first, last), product(last, x.size())};
}

std::pair<std::size_t, std::size_t> last_run(const Flags& reduced) {
  std::size_t last = reduced.size();
  while (last > 0 && !reduced[last - 1]) --last;
  std::size_t first = last;
  while (first > 0 && reduced[first - 1]) --first;
  return {first, last};
}

Shape without(const Shape& shape, const Flags& reduced, bool keepdims) {
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (!reduced[i])
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  return result;
}

template <class T> kernels::Lines join_axes(Variable<T>& x, const Flags& reduced) {
  const auto [first, last] = last_run(reduced);
  if (std::count(reduced.begin(), reduced.begin() + static_cast<std::ptrdiff_t>(first), true) == 0)
    return lines(x.shape(), first, last);
  Axes order;
  for (const bool pass : {false, true})
    for (std::size_t i = 0; i < reduced.size(); ++i)
      if (reduced[i] == pass) order.push_back(static_cast<std::ptrdiff_t>(i));
  x = transpose(x, order);
  return lines(x.shape(), static_cast<std::size_t>(std::count(reduced.begin(), reduced.end(), false)), reduced.size());
}
template kernels::Lines join_axes(Variable<float>&, const Flags&);
template kernels::Lines join_axes(Variable<double>&, const Flags&);

}  // namespace wengert
