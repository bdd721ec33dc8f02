#include "losses/weighting.hpp"

#include <algorithm>
#include <string>

namespace wengert::losses {
namespace {

template <class T> void need_shape(const char* op, const char* what, const Variable<T>& x, const Shape& rows) {
  if (x && x.shape() != rows)
    throw ShapeError(std::string(op) + ": " + what + " is " + to_string(x.shape()) + " but the rows are " +
                     to_string(rows) + "; there must be one a row");
}

}  // namespace

void RowWeights::silence(std::size_t i, std::size_t n) {
  if (weight.empty()) weight.assign(n, 1.);
  weight[i] = 0;
}

void RowWeights::leave_out(std::size_t i, std::size_t n) {
  silence(i, n);
  --counted;
}

template <class T>
RowWeights row_weights(const char* op, const Shape& rows, Reduction reduction, const Variable<T>& weights,
                       const Variable<T>& mask) {
  const std::size_t n = count(rows);
  need_shape(op, "row_weights", weights, rows);
  need_shape(op, "mask", mask, rows);
  if (n == 0 && reduction == Reduction::mean)
    throw ValueError(std::string(op) + ": there are no rows, " + to_string(rows) +
                     ", to take the mean of; reduce by sum, or skip the batch");
  RowWeights result{{}, n};
  if (weights) {
    result.weight.assign(weights.data(), weights.data() + n);
    const auto bad =
        std::find_if(result.weight.begin(), result.weight.end(), [](double w) { return !(w >= 0 && w - w == 0); });
    if (bad != result.weight.end())
      throw ValueError(std::string(op) + ": the weight of row " + std::to_string(bad - result.weight.begin()) + " is " +
                       std::to_string(*bad) + "; weights must be finite and not negative");
  }
  if (mask)
    for (std::size_t i = 0; i < n; ++i)
      if (mask.data()[i] == 0) result.leave_out(i, n);
  return result;
}
template RowWeights row_weights(const char*, const Shape&, Reduction, const Variable<float>&, const Variable<float>&);
template RowWeights row_weights(const char*, const Shape&, Reduction, const Variable<double>&, const Variable<double>&);

}  // namespace wengert::losses
