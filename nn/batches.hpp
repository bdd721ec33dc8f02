// Training data, a few rows at a time.
#pragma once

#include <iterator>
#include <vector>

#include "autodiff/variable.hpp"
#include "nn/random.hpp"

namespace wengert::nn {

template <class T> struct Batch {
  Variable<T> x;  ///< [n,...], a constant
  Labels y;       ///< [n]
};

/// Batches of `size` rows, in another random order every time a loop begins, every row once; the last batch
/// is what is left. The same seed gives the same order on every machine.
///
///   nn::Batches batches(images, labels, 32, seed);     // images [N,...], labels [N]
///   for (const auto& [x, y] : batches) ...
///
/// A batch is good until the next one, which takes over its memory (a copy of the handle x keeps it): no step
/// allocates. One loop at a time.
template <class T> class Batches {
 public:
  /// ShapeError: labels are not [N]. ValueError: size is below 1.
  Batches(Array<T> x, Labels y, std::ptrdiff_t size, std::uint64_t seed);

  /// How many batches a loop sees.
  std::size_t size() const { return (order_.size() + size_ - 1) / size_; }

  class Iterator {
   public:
    using value_type = Batch<T>;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Batches* of) : of_(of) {}
    const Batch<T>& operator*() const { return of_->batch_; }
    Iterator& operator++() {
      of_->next();
      return *this;
    }
    void operator++(int) { of_->next(); }
    bool operator==(std::default_sentinel_t) const { return of_->ended_; }

   private:
    Batches* of_;
  };
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  void next();

  Array<T> x_;
  Labels y_;
  std::size_t size_;
  Random random_;
  std::vector<std::size_t> order_;
  std::size_t taken_ = 0;  // rows of this epoch that were in a batch, this one included
  bool ended_ = false;
  Batch<T> batch_;
};

extern template class Batches<float>;
extern template class Batches<double>;

}  // namespace wengert::nn
