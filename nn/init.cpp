#include "nn/init.hpp"

#include <cmath>

namespace wengert::nn {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const char* op, const Shape& shape) {
  if (shape.size() < 2)
    throw ShapeError(std::string(op) + ": the shape is " + to_string(shape) +
                     "; it must be [out,in] or [out,in,...]; a bias starts from zeros");
  double kernel = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) kernel *= static_cast<double>(shape[i]);
  return {static_cast<double>(shape[1]) * kernel, static_cast<double>(shape[0]) * kernel};
}

template <class T> Array<T> uniform(const Shape& shape, double variance, Random& random) {
  const double bound = std::sqrt(3 * variance);  // U(-a, a) has the variance a^2/3
  Array<T> w = empty<T>(shape);
  for (T& x : w.storage()) x = static_cast<T>(bound * (2 * random.uniform() - 1));
  return w;
}

template <class T> Array<T> normal(const Shape& shape, double variance, Random& random) {
  const double deviation = std::sqrt(variance);
  Array<T> w = empty<T>(shape);
  for (T& x : w.storage()) x = static_cast<T>(deviation * random.normal());
  return w;
}

double he(const char* op, const Shape& shape) { return 2 / fans(op, shape).in; }

double glorot(const char* op, const Shape& shape) {
  const Fans f = fans(op, shape);
  return 2 / (f.in + f.out);
}

}  // namespace

template <class T> Array<T> he_uniform(const Shape& shape, Random& random) {
  return uniform<T>(shape, he("he_uniform", shape), random);
}
template <class T> Array<T> he_normal(const Shape& shape, Random& random) {
  return normal<T>(shape, he("he_normal", shape), random);
}
template <class T> Array<T> glorot_uniform(const Shape& shape, Random& random) {
  return uniform<T>(shape, glorot("glorot_uniform", shape), random);
}
template <class T> Array<T> glorot_normal(const Shape& shape, Random& random) {
  return normal<T>(shape, glorot("glorot_normal", shape), random);
}

#define WENGERT_INSTANTIATE(T)                             \
  template Array<T> he_uniform(const Shape&, Random&);     \
  template Array<T> he_normal(const Shape&, Random&);      \
  template Array<T> glorot_uniform(const Shape&, Random&); \
  template Array<T> glorot_normal(const Shape&, Random&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
