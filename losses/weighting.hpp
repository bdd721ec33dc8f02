// What all losses share: which rows count, how much, and what becomes of their losses.
//
// A row i has the loss l_i, the weight r_i >= 0, and is left out altogether where the mask is 0:
//
//   none   r_i l_i, one a row; 0 for one that is left out
//   sum    sum_i r_i l_i
//   mean   sum_i r_i l_i / n, n the number of rows that are not left out; 0 if all are
//
// A row that is left out, or of weight 0, has loss 0 and gradient 0 whatever stands in it, NaN included. To a loss that takes
// element by element, an element is a row.
#pragma once

#include <string>

#include "autodiff/variable.hpp"

namespace wengert::losses {

enum class Reduction {
  mean,
  sum,
  none,  ///< one loss a row
};

/// The options of a loss that has no others; those of the others begin like this.
template <class T> struct Weighting {
  Reduction reduction = Reduction::mean;
  Variable<T> row_weights = {};  ///< in the shape of the rows; finite and not negative; constants
  Variable<T> mask = {};         ///< in the shape of the rows; 0 leaves a row out
  // Of elements: with extent 1 along axes along which they are the same, [N,1] or [1,C] for elements [N,C].
};

/// Of other options, those that all have.
template <class O> auto weighting(const O& o) {
  return Weighting<typename decltype(o.mask)::value_type>{o.reduction, o.row_weights, o.mask};
}

/// The weights of n rows, combined; internal to losses/.
struct RowWeights {
  std::vector<double, Allocator<double>> weight;  ///< one a row; empty: all are 1
  std::size_t counted = 0;                        ///< rows that are not left out

  double operator[](std::size_t i) const { return weight.empty() ? 1 : weight[i]; }
  const double* data() const { return weight.empty() ? nullptr : weight.data(); }
  /// Row i of n counts in the mean, but has loss 0.
  void silence(std::size_t i, std::size_t n);
  /// Leaves row i of n out.
  void leave_out(std::size_t i, std::size_t n);
};

/// "3" of a row, "[3,1]" of an element; for errors.
std::string name_of_element(std::size_t index, const Shape& shape);

/// The shape of the rows with an extent of 1 for the axis along which they lie.
Shape with_axis(Shape rows, std::size_t axis);

/// x, or its value where a tape follows it: a constant.
template <class T> Variable<T> constant(Variable<T> x);

/// "-1e-09"
std::string text_of(double x);

/// A ValueError unless it holds: "huber: delta is -1; it must be finite and above 0".
void need_number(const char* op, bool holds, const std::string& what, double value, const char* range);

/// Checks and combines; errors start with `op`. A ShapeError for another shape than `rows`; a ValueError for a weight that
/// is negative or not finite, and for the mean of no rows at all.
template <class T>
RowWeights row_weights(const char* op, const Shape& rows, Reduction reduction, const Variable<T>& weights,
                       const Variable<T>& mask);

/// The weights of elements, combined; internal to losses/.
template <class T> struct ElementWeights {
  Variable<T> weight;  // stretches to the elements; 0 for what is left out; empty: all are 1
  double scale = 1;    // of the sum: 1/n for the mean, 0 if nothing counts
};

/// As row_weights, for elements.
template <class T>
ElementWeights<T> element_weights(const char* op, const Shape& elements, const Weighting<T>& options);

}  // namespace wengert::losses
