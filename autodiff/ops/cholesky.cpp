// cholesky; the derivation stands in linalg.hpp.
#include <algorithm>

#include "autodiff/blas.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/lapack.hpp"
#include "autodiff/ops/linalg.hpp"
#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/ops/square.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op cholesky_op{"cholesky", "L L^T = (A + A^T)/2, L lower triangular"};

/// The lower triangle of (A + A^T)/2; zeros above.
template <class T> void symmetric_part(const T* a, T* s, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) s[i * n + j] = T(0.5) * a[i * n + j] + T(0.5) * a[j * n + i];
    s[i * n + i] = a[i * n + i];
    std::fill(s + i * n + i + 1, s + (i + 1) * n, T(0));
  }
}

/// x with its last two axes exchanged.
template <class T> Variable<T> flipped(const Variable<T>& x) {
  Axes axes(x.rank());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::ptrdiff_t>(i);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return transpose(x, axes);
}

/// phi as a mask [n,n]: 1 below the diagonal, 1/2 on it, 0 above.
template <class T> Variable<T> phi(std::size_t n) {
  Variable<T> mask = make_result<T>({n, n});
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) out(mask)[i * n + j] = i > j ? T(1) : i == j ? T(0.5) : T(0);
  return mask;
}

/// gA (+)= 1/2 L^-T P L^-1,   P = phi(L^T gL) + its transpose: the lower triangle of L^T gL, mirrored. `work` [n,n] may
/// be gA if nothing is added.
template <class T> void backward(const T* l, const T* gl, T* work, T* ga, std::size_t n, bool add) {
  const Matrix<T> lower{l, n, n}, lower_transposed{l, n, n, true};
  std::copy_n(gl, n * n, work);
  multiply_left(lower_transposed, Triangle{}, work, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) work[j * n + i] = work[i * n + j];
  solve_left(lower_transposed, Triangle{}, work, n);
  solve_right(lower, Triangle{}, work, n);
  kernels::of<T>().scale(work, T(0.5), ga, static_cast<kernels::Index>(n * n), add);
}

}  // namespace

template <class T> Variable<T> cholesky(Variable<T> a) {
  const std::size_t n = square("cholesky", a.shape()), size = n * n;
  const Edge<T> ga = edge(a);
  Variable<T> l = make_result<T>(a.shape());
  for (std::size_t i = 0; i * size < a.size(); ++i) {
    T* const matrix = out(l) + i * size;
    symmetric_part(a.data() + i * size, matrix, n);
    if (!all_finite(matrix, size)) {
      for (std::size_t row = 0; row < n; ++row) std::fill_n(matrix + row * n, row + 1, T(NAN));
      continue;
    }
    const std::size_t failed = factor_cholesky(matrix, n);
    if (failed < n)
      throw ValueError("cholesky: a " + to_string(a.shape()) +
                       " is not positive definite: the leading minor of order " + std::to_string(failed + 1) +
                       in_matrix(a.shape(), i) + " is not positive");
  }
  if (ga)
    record(cholesky_op, l, [ga, l = saved(l)](Upstream<T>& g) {
      const std::size_t n = l->shape()[l->rank() - 1], size = n * n;
      const auto run = [&](T* p, bool add) {
        const Variable<T> scratch = add ? make_result<T>({n, n}) : Variable<T>();
        for (std::size_t i = 0; i * size < l->size(); ++i)
          backward(l->data() + i * size, g->data() + i * size, add ? out(scratch) : p + i * size, p + i * size, n, add);
      };
      g.add(ga, kernel_term<T>(l->shape(), run, [&] {
              const Variable<T> half = matmul(*l, *g, {.a = true}) * phi<T>(n);
              const Variable<T> left = solve_triangular(*l, half + flipped(half), {.transposed = true});  // L^-T P
              return 0.5 * solve_triangular(*l, flipped(left), {.transposed = true});  // L^-T (L^-T P)^T
            }));
    });
  return l;
}
template Variable<float> cholesky(Variable<float>);
template Variable<double> cholesky(Variable<double>);

std::vector<Declared> declared_cholesky() {
  return {declare(cholesky_op, {{"a", {-1, 1}, Draw::positive_definite}}, {},
                  {"a=[3,3]", "a=[1,1]", "a=[2,2,2]", "a=[0,0]", "a=[2,0,0]", "a=[0,2,2]"},
                  [](const auto& a) { return cholesky(a["a"]); })};
}

}  // namespace wengert
