#include "nn/batches.hpp"

#include <algorithm>
#include <numeric>

namespace wengert::nn {

template <class T>
Batches<T>::Batches(Array<T> x, Labels y, std::ptrdiff_t size, std::uint64_t seed)
    : x_(std::move(x)), y_(std::move(y)), size_(static_cast<std::size_t>(size)), random_(seed) {
  if (size < 1) throw ValueError("Batches: the size is " + std::to_string(size) + "; it must be at least 1");
  if (x_.dimension() == 0) throw ShapeError("Batches: x is []; it must be [N,...], a row for every label");
  if (y_.shape() != Shape{x_.shape()[0]})
    throw ShapeError("Batches: x is " + to_string(x_.shape()) + " but y is " + to_string(y_.shape()) + "; y must be [" +
                     std::to_string(x_.shape()[0]) + "], a label for every row");
  order_.resize(x_.shape()[0]);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

template <class T> typename Batches<T>::Iterator Batches<T>::begin() {
  shuffle(order_.begin(), order_.size(), random_);
  taken_ = 0;
  next();
  return Iterator(this);
}

template <class T> void Batches<T>::next() {
  const std::size_t rows = std::min(size_, order_.size() - taken_);
  ended_ = rows == 0;
  if (ended_) return;
  Shape shape = x_.shape();
  shape[0] = rows;
  if (!batch_.x || !batch_.x.block()->unique()) batch_.x = Variable<T>(empty<T>(shape));  // someone kept the last one
  Array<T>& x = batch_.x.mutable_value();
  x.resize(shape);
  batch_.y.resize({rows});
  const std::size_t width = x_.size() / order_.size();
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t row = order_[taken_ + i];
    std::copy_n(x_.storage().data() + row * width, width, x.storage().data() + i * width);
    batch_.y.storage()[i] = y_.storage()[row];
  }
  taken_ += rows;
}

template class Batches<float>;
template class Batches<double>;

}  // namespace wengert::nn
