// What softmax_ce is given, checked and made ready: the rows of the scores, and the weights of their classes.
// Internal to losses/.
#pragma once

#include "autodiff/gradient.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/result.hpp"
#include "losses/softmax_ce.hpp"

namespace wengert::losses {

/// Of the options of another loss of classes, those that softmax_ce has, too.
template <class O> auto as_softmax_ce(const O& o) {
  return SoftmaxCe<typename decltype(o.mask)::value_type>{.reduction = o.reduction,
                                                          .row_weights = o.row_weights,
                                                          .mask = o.mask,
                                                          .axis = o.axis,
                                                          .class_weights = o.class_weights,
                                                          .ignore_index = o.ignore_index};
}

template <class T> struct Rows {
  std::size_t axis = 0;    // of the classes
  Shape shape;             // of the rows: the scores' without that axis
  kernels::Lines lines{};  // the scores along that axis
  Labels labels;           // of rows that are left out: 0
  Saved<T> targets;        // or these
  Saved<T> class_weights;
  RowWeights weights;
  double divisor = 1, scale = 1;  // what the mean divides by; 1/divisor, 0 if nothing counts

  // Both check everything, and throw before anything is computed; errors start with `op`.
  Rows(const char* op, const Shape& scores, const Labels& labels, const SoftmaxCe<T>& options);
  Rows(const char* op, const Shape& scores, Variable<T> targets, const SoftmaxCe<T>& options);

  /// A call of the kernel, without scores, outputs and scratch.
  kernels::SoftmaxCe<T> call(const SoftmaxCe<T>& options) const;
  /// The loss from the weighted sum over the rows.
  double reduced(double total) const { return scale == 0 ? 0 : total / divisor; }

  /// w in the shape of the scores; by plain loops, since only derivatives of derivatives ask for it.
  Variable<T> dense_weights(const SoftmaxCe<T>& options) const;
  /// The factor of each row's gradient, in the shape of the scores with 1 class.
  Variable<T> scales() const;

 private:
  Rows(const char* op, const Shape& scores, const SoftmaxCe<T>& options);
  void prepare(const SoftmaxCe<T>& options);
};

template <class T> Variable<double> make_scratch(const kernels::SoftmaxCe<T>& call) {
  return make_result<double>({static_cast<std::size_t>(kernels::of<T>().softmax_ce_scratch(call))});
}

/// dL/dscores by the formula, with ops on variables.
template <class T>
Variable<T> score_gradient(const Variable<T>& scores, const Rows<T>& rows, const SoftmaxCe<T>& options);

/// Warns once, on std::cerr, if the scores look like probabilities.
template <class T> void warn_if_probabilities(const char* op, const Variable<T>& scores, const kernels::Lines& lines);

}  // namespace wengert::losses
