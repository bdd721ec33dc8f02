#include "losses/pointwise.hpp"

#include "autodiff/stretch.hpp"

namespace wengert::losses {

void need_same_shape(const char* op, const char* name, const Shape& x, const Shape& targets) {
  if (x != targets)
    throw ShapeError(std::string(op) + ": " + name + " is " + to_string(x) + " but targets are " + to_string(targets) +
                     "; they must be equal, nothing is stretched" +
                     (count(x) == count(targets) ? "; reshape one" : ""));
}

template <class T>
void need_targets(const char* op, const Variable<T>& targets, const Variable<T>& weight, bool (*valid)(T),
                  const char* rule) {
  Stretch walk(weight ? weight.shape() : Shape{}, targets.shape());
  const T* const t = targets.data();
  std::size_t i = 0;
  walk.next(static_cast<std::ptrdiff_t>(targets.size()), [&](std::ptrdiff_t at, std::ptrdiff_t n, bool steps) {
    for (std::ptrdiff_t k = 0; k < n; ++k, ++i)
      if (!valid(t[i]) && (!weight || weight.data()[at + (steps ? k : 0)] > 0))
        throw ValueError(std::string(op) + ": the target of row " + name_of_element(i, targets.shape()) + " is " +
                         text_of(static_cast<double>(t[i])) + "; " + rule);
  });
}

#define WENGERT_INSTANTIATE(T) \
  template void need_targets(const char*, const Variable<T>&, const Variable<T>&, bool (*)(T), const char*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::losses
