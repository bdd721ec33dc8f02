#include "nn/metrics.hpp"

#include <limits>

namespace wengert::nn {
namespace {

void check_pairs(const char* op, const Labels& predicted, const Labels& labels) {
  if (predicted.dimension() != 1 || predicted.shape() != labels.shape())
    throw ShapeError(std::string(op) + ": predicted is " + to_string(predicted.shape()) + " and labels are " +
                     to_string(labels.shape()) + "; both must be [N]");
}

}  // namespace

template <class T> Labels argmax(const Array<T>& scores) {
  if (scores.dimension() != 2 || scores.shape()[1] == 0)
    throw ShapeError("argmax: scores are " + to_string(scores.shape()) + "; they must be [N,C] with C > 0");
  const std::size_t rows = scores.shape()[0], classes = scores.shape()[1];
  Labels best = empty<std::int64_t>({rows});
  for (std::size_t i = 0; i < rows; ++i) {
    const T* const row = scores.storage().data() + i * classes;
    std::size_t k = 0;
    for (std::size_t j = 1; j < classes; ++j)
      if (row[k] == row[k] && !(row[j] <= row[k])) k = j;
    best.storage()[i] = static_cast<std::int64_t>(k);
  }
  return best;
}

double accuracy(const Labels& predicted, const Labels& labels) {
  check_pairs("accuracy", predicted, labels);
  if (labels.size() == 0) return std::numeric_limits<double>::quiet_NaN();
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted.storage()[i] == labels.storage()[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

Array<std::int64_t> confusion(const Labels& predicted, const Labels& labels, std::size_t classes) {
  check_pairs("confusion", predicted, labels);
  Array<std::int64_t> counts = empty<std::int64_t>({classes, classes});
  counts.fill(0);
  const auto checked = [&](const char* name, std::int64_t k, std::size_t row) {
    if (k >= 0 && static_cast<std::size_t>(k) < classes) return static_cast<std::size_t>(k);
    throw ValueError(std::string("confusion: ") + name + "[" + std::to_string(row) + "] is " + std::to_string(k) +
                     "; it must be in 0.." + std::to_string(static_cast<std::ptrdiff_t>(classes) - 1));
  };
  for (std::size_t i = 0; i < labels.size(); ++i)
    ++counts.storage()[checked("labels", labels.storage()[i], i) * classes +
                       checked("predicted", predicted.storage()[i], i)];
  return counts;
}

template Labels argmax(const Array<float>&);
template Labels argmax(const Array<double>&);

}  // namespace wengert::nn
