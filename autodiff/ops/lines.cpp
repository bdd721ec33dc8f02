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

namespace {
std::optional<std::size_t> empty_axis(const Shape& shape, const Flags& reduced) {
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (reduced[i] && shape[i] == 0) return i;
  return {};
}
}  // namespace

bool has_empty_lines(const Shape& shape, const Flags& reduced) { return empty_axis(shape, reduced).has_value(); }

void need_elements(const char* op, const Shape& shape, const Flags& reduced) {
  if (const auto axis = empty_axis(shape, reduced))
    throw ShapeError(std::string(op) + ": x is " + to_string(shape) + ", there is no element along axis " +
                     std::to_string(*axis) + " to choose");
}

std::vector<Attribute> reduction_attributes(std::vector<Attribute> own) {
  own.insert(own.begin(), {"axes", "ints", "", "all axes if none is given"});
  own.push_back({"keepdims", "flag", "false"});
  return own;
}

std::vector<std::string> reduction_samples(std::vector<std::string> own) {
  own.insert(own.begin(), {"x=[3,4]", "x=[]", "x=[3,4] axes=0", "x=[3,2,4] axes=-1 keepdims=true", "x=[2,3,4] axes=1",
                           "x=[2,3,4] axes=0,2", "x=[2,3,2,2] axes=1,3 keepdims=true", "x=[0,3] axes=1"});
  return own;
}

}  // namespace wengert
