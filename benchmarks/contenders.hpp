// The work that is raced, and who races: ours, the limit (what the machine allows: bare BLAS, a plain loop)
// and, where it is installed, libtorch. A Work is one turn: it may be called again and again, and leaves no
// gradient behind.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace bench {

using Work = std::function<void()>;

/// Extents of the layers, the first is the input's; ReLU between them, softmax cross entropy behind the last.
struct Mlp {
  std::vector<int> layers;
  int batch;
  bool update = false;  ///< w -= rate g at the end of the step
};

/// What softmax cross entropy says of rows: a loss each, and the gradient of their sum.
template <class T> struct Rows {
  int rows, classes;
  std::vector<T> scores = {};
  std::vector<std::int64_t> labels = {};
  std::vector<T> targets = {}, class_weights = {};  ///< targets in place of labels, if they are there
  bool multilabel = false;
  double smoothing = 0, temperature = 1, soft_cap = 0, z_loss = 0;
  std::vector<T> loss = {}, gradient = {};  ///< the answer
};

namespace ours {
Work chain(int ops, int width);                   ///< y = y w, y = y + b by turns; gradients of y's start, w and b
double bytes_a_node(int ops);                     ///< of the tape of such a chain
Work mlp(const Mlp&);                             ///< forward, loss, backward
Work lenet(int batch, bool max);                  ///< LeNet-5 with ReLU on [batch,1,28,28]: forward, loss, backward
Work softmax_ce(int rows, int classes);           ///< forward and backward of scores that are a parameter
Work softmax_ce_in_place(int rows, int classes);  ///< of scores that an op has computed
Work tanh_sum(int n, bool by_row);                ///< sum(tanh(x w + b)), x [n,n], w and b [n,n] or [n]; all gradients
Work linear_softmax_ce(int rows, int classes, int width, bool fused);  ///< one node, or linear and softmax_ce
Work tanh_sum_by_map(int n, bool by_row);                              ///< the same, tanh(x w + b) as one map
template <class T> void answer(Rows<T>&);
}  // namespace ours

namespace limit {
void use_one_thread();
Work chain(int ops, int width);          ///< a vector of scalar nodes
Work mlp(const Mlp&);                    ///< the GEMMs alone: three a layer, two for the first
Work lenet(int batch);                   ///< the GEMMs alone, of convolutions those of im2col without the copies
Work softmax_ce(int rows, int classes);  ///< the textbook's formula in plain loops, not exact
Work copy(int rows, int classes);        ///< memcpy of the scores
Work tanh_sum(int n, bool by_row);       ///< one loop, all gradients
}  // namespace limit

#if WENGERT_LIBTORCH
namespace libtorch {
void use_one_thread();
Work chain(int ops, int width);
Work mlp(const Mlp&);
Work lenet(int batch, bool max);
Work softmax_ce(int rows, int classes);
Work tanh_sum(int n, bool by_row);
template <class T> bool answer(Rows<T>&);  ///< false if it has no such options
}  // namespace libtorch
#endif

/// n numbers in [low, high), the same for the same seed.
template <class T = float> std::vector<T> numbers(std::size_t n, unsigned seed, double low = -1, double high = 1) {
  std::vector<T> x(n);
  std::uint64_t state = seed;
  for (T& v : x) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<T>(low + (high - low) * static_cast<double>(state >> 11) * 0x1p-53);
  }
  return x;
}

inline std::vector<std::int64_t> some_labels(int rows, int classes) {
  std::vector<std::int64_t> t(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) t[i] = i * 7LL % classes;
  return t;
}

}  // namespace bench
