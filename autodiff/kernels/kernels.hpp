// The loops under the ops: raw pointers, contiguous row-major data, no allocation, no checks. Each is compiled for
// the baseline, x86-64-v3 and x86-64-v4; kernels::of<T>() is the set for this processor, chosen once at start.
// WENGERT_SIMD=baseline|v3|v4 in the environment forces one.
//
// `add` means that the result is added to what is in the output. Outputs do not overlap inputs, but where it says
// so they may be the same array.
#pragma once

#include <cstddef>
#include <cstdint>

#include "autodiff/ops/binary.hpp"
#include "autodiff/ops/elementwise.hpp"

namespace wengert::kernels {

using Index = std::ptrdiff_t;

/// `p` are the numbers that the op takes besides x, if it takes any.
template <class T> struct Unary {
  void (*forward)(const T* x, T* y, Index n, const T* p);                                      // y may be x
  void (*backward)(const T* g, const T* x, const T* y, T* gx, Index n, bool add, const T* p);  // gx may be g
};

/// Which operands step along the columns of a block; the other stands still.
enum class Columns { both, a, b };

/// Over which axis of a block a gradient is summed.
enum class Summed { nothing, columns, rows };

template <class T> struct BinaryBackward {
  const T *g, *a, *b, *y;
  Index a_row, b_row;  // strides from row to row
  T* out;
  Index out_row;
  Index rows, columns;
  bool add;
  Index g_row = columns;  // of g and y
};

template <class T> struct Binary {
  // y is [rows, columns] and may be an operand of the same shape
  void (*forward[3])(const T* a, Index a_row, const T* b, Index b_row, T* y, Index rows, Index columns);
  void (*backward[2][3])(const BinaryBackward<T>&);  // [operand][Columns]: g slope, [rows, columns]
};

/// An array seen as [outer, length, inner], for work along its middle axis.
struct Lines {
  Index outer, length, inner;
};

/// What softmax_ce knows of its rows: the lines of the scores along the classes, numbered outer * inner + i.
template <class T> struct SoftmaxCe {
  const T* scores;
  Lines lines;
  const std::int64_t* labels;  // one a row, or null
  const T* targets;            // as the scores, or null; labels or targets, never both
  bool shared;                 // targets that are not 0 count 1/M each, M of them in the row
  const T* class_weights;      // one a class, or null
  const double* row_weights;   // one a row, or null; a row of weight 0 is not looked at
  double smoothing;            // this part of the weight goes to all classes evenly
  double temperature, cap, z_loss;
  double scale;        // of the gradient: 1/N for the mean
  T* losses;           // one a row, or null
  T* gradient;         // as the scores, or null; may be the scores
  std::int64_t* best;  // the class of the largest score, one a row, or null
  std::int64_t* rank;  // how many scores stand before the label's, one a row, or null
  double* scratch;     // of softmax_ce_scratch() elements
};

/// Of groups of elements: xhat = (x - mean) r + rest.
template <class T> struct Moments {
  T *mean, *rest, *r;  // one each a group
};

template <class T> struct LayerNorm {
  const T *x, *weight, *bias;  // [rows, length], [length]
  Index rows, length;
  double eps;
  bool centred;  // otherwise the mean counts as 0
  T* y;          // may be x
  Moments<T> moments;
};
template <class T> struct LayerNormBackward {
  const T *g, *x, *weight;
  Moments<T> moments;
  Index rows, length;
  bool centred;
  T* gx;  // may be g, or null
  bool add;
  T *gweight, *gbias;  // [length], or both null
  T* scratch;          // [6, length], if they are not
};

/// x is [batch, channels, inner]. Scratch memory is for inner = 1.
template <class T> struct BatchNorm {
  const T *x, *weight, *bias;  // the last two [channels]
  Index batch, channels, inner;
  double eps, momentum;
  bool training;                  // the moments are computed, otherwise given
  T *running_mean, *running_var;  // [channels], moved towards those of the batch; or both null
  T* y;                           // may be x
  Moments<T> moments;
  T* scratch;  // [6, channels]
};
template <class T> struct BatchNormBackward {
  const T *g, *x, *weight;
  Moments<T> moments;
  Index batch, channels, inner;
  bool training;  // the moments are functions of x
  T* gx;          // may be g, or null
  bool add;
  T *gweight, *gbias;  // [channels]
  T* scratch;          // [6, channels]
};

struct Dropout {
  std::uint64_t seed, threshold;  // of 2^32: a word below it drops its element
  double scale;                   // of what is kept
};

struct Adam {
  double rate, beta1, beta2, epsilon, decay;
  double correction1, correction2;  // 1 - beta1^t, 1 - beta2^t
};

/// Rows and columns, and the distances between them where they are copied from and to.
struct Grid {
  Index rows, columns, from_row, from_column, to_row, to_column;
};

/// A tap of a window: where its factor lies in a, and where its values begin in x.
struct Tap {
  Index a, x;
};

/// y[n,r,p] = start[r] + the sum over the taps of a[r a_row + tap.a] x[n x_sample + tap.x + p]; y[n,r,p] is at
/// n y_sample + r y_row + p.
template <class T> struct Correlation {
  const T* a;
  Index a_row;
  const T* x;
  Index x_sample;
  const Tap* taps;
  Index count;
  const T* start;  // [rows], or null: 0
  T* y;
  Index y_sample, y_row;
  Index samples, rows, length;
  bool add;
};

/// out[r out_row + tap.a] += the sum over n and p of g[n g_sample + r g_row + p] x[n x_sample + tap.x + p]
template <class T> struct TapDots {
  const T* g;
  Index g_sample, g_row;
  const T* x;
  Index x_sample;
  const Tap* taps;
  Index count;
  T* out;
  Index out_row;
  Index rows, samples, length;
};

/// Windows of an image: x[tap.x + i x_row + j] for y[i y_row + j], i < rows, j < columns.
struct Sweep {
  Index rows, columns, x_row, y_row;
};

template <class T> struct Kernels {
  const char* name;

  Unary<T> unary[ops::Elementwise::size];
  Binary<T> binary[ops::Binary::size];

  /// What `backward` computes, summed over the rows, to [columns], or over the columns, to [rows].
  void (*sum_terms)(void (*backward)(const BinaryBackward<T>&), Columns, Summed, const BinaryBackward<T>&);

  void (*scale)(const T* x, T factor, T* y, Index n, bool add);           // y may be x
  void (*select)(const T* mask, const T* a, const T* b, T* y, Index n);   // a where mask is not 0, else b
  void (*greater)(const T* a, const T* b, bool or_equal, T* y, Index n);  // 1 where a > b, else 0

  void (*dot_rows)(const T* a, const T* x, T* y, Index rows, Index columns, bool add);  // y = A x,   A [rows, columns]
  void (*dot_columns)(const T* a, const T* x, T* y, Index rows, Index columns, bool add);  // y = A^T x

  void (*sum)(const T* x, T* y, Lines, double factor, bool add);
  /// Adds x to as many sums, or all of it to one if that does not step. A sum is high + low; low is not used for float.
  void (*carry)(const T* x, double* high, double* low, Index n, bool steps);
  void (*spread)(const T* g, T* gx, Lines, T factor, bool add);                      // gx[o,l,i] = factor g[o,i]
  void (*max)(const T* x, T* y, Lines, bool smallest);                               // NaN if there is one
  void (*max_backward)(const T* g, const T* x, const T* y, T* gx, Lines, bool add);  // shared evenly among ties
  void (*argmax)(const T* x, const T* y, std::int64_t* index, Lines);                // the first x that is max
  void (*prod)(const T* x, T* y, Lines);
  void (*prod_backward)(const T* g, const T* x, const T* y, T* gx, Lines);
  void (*cumsum)(const T* x, T* y, Lines, bool reverse, bool add);
  // factor times the sum of (x - their mean)^2, or its square root; `mean` is less the first x of the line
  void (*variance)(const T* x, T* mean, T* y, Lines, double factor, bool root);
  void (*variance_backward)(const T* g, const T* x, const T* mean, const T* y, T* gx, Lines, double factor, bool add);
  void (*norm)(const T* x, T* y, Lines);
  void (*norm_backward)(const T* g, const T* x, const T* y, T* gx, Lines, bool add);
  void (*logsumexp)(const T* x, T* y, Lines);
  void (*logsumexp_backward)(const T* g, const T* x, const T* y, T* gx, Lines, bool add);
  void (*softmax)(const T* x, T* y, Lines);                                  // y may be x
  void (*softmax_backward)(const T* g, const T* y, T* gx, Lines, bool add);  // gx may be g
  void (*log_softmax)(const T* x, T* y, Lines);                              // y may be x
  void (*log_softmax_backward)(const T* g, const T* y, T* gx, Lines, bool add);

  /// Returns the sum of the losses over the rows.
  double (*softmax_ce)(const SoftmaxCe<T>&);
  Index (*softmax_ce_scratch)(const SoftmaxCe<T>&);

  void (*layer_norm)(const LayerNorm<T>&);
  void (*layer_norm_backward)(const LayerNormBackward<T>&);
  void (*batch_norm)(const BatchNorm<T>&);
  void (*batch_norm_backward)(const BatchNormBackward<T>&);

  void (*dropout)(const T* x, T* y, Index n, const Dropout&, bool add);  // y may be x

  void (*copy_grid)(const T* from, T* to, const Grid&, bool add);
  void (*correlate)(const Correlation<T>&);
  void (*tap_dots)(const TapDots<T>&);
  /// The number of the winning tap goes to `winner`, where no tap is more than -inf, from `first`; both may be null.
  void (*max_taps)(const T* x, const Tap* taps, Index count, const T* first, T* y, T* winner, Sweep);
  void (*sum_taps)(const T* x, const Tap* taps, Index count, const T* divisor, T* y, Sweep, bool add);  // or null

  void (*sgd)(const T* g, T* velocity, T* w, Index n, T rate, T momentum, T decay,
              bool nesterov);  // velocity may be null
  void (*adam)(const T* g, T* m, T* v, T* w, Index n, const Adam&);
};

/// The kernels for this processor.
template <class T> const Kernels<T>& of();

/// y[i,j,..] = x[i,j,..] over `shape` (of at most 32 axes), or += if `add`: each is seen through strides of its own, one
/// an axis, negative ones too. Built once, not for every processor.
template <class T>
void copy(const T* x, const Index* x_strides, T* y, const Index* y_strides, const Index* shape, int rank, bool add);

// Filled in once per instruction set; see dispatch.cpp.
namespace baseline {
void fill(Kernels<float>&), fill(Kernels<double>&);
}
namespace v3 {
void fill(Kernels<float>&), fill(Kernels<double>&);
}
namespace v4 {
void fill(Kernels<float>&), fill(Kernels<double>&);
}

}  // namespace wengert::kernels
