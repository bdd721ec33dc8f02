// solve, solve_triangular, inv, logdet: what rests on a factorisation of A into triangles.
#include <algorithm>
#include <limits>
#include <numeric>

#include "autodiff/blas.hpp"
#include "autodiff/lapack.hpp"
#include "autodiff/ops/linalg.hpp"
#include "autodiff/ops/product.hpp"
#include "autodiff/ops/square.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op solve_op{"solve", "X = A^-1 B"}, solve_triangular_op{"solve_triangular", "X = A^-1 B, A a triangle"},
    inv_op{"inv", "Y = A^-1"}, logdet_op{"logdet", "y = ln(det A)"};

/// What the systems of a stack A are solved with: its LU, or A itself where it is a triangle.
template <class T> struct Factors {
  Variable<T> matrix;
  std::vector<int, Allocator<int>> pivots;  // n a matrix; none of a triangle
  bool triangular = false;
  Triangle triangle = {};

  std::size_t n() const { return matrix.shape()[matrix.rank() - 1]; }
  const T* at(std::size_t i) const { return matrix.data() + i * n() * n(); }

  /// X <- A^-1 X or A^-T X for matrix i of the stack.
  void solve(std::size_t i, T* x, std::size_t columns, bool transposed) const {
    if (triangular)
      solve_left(Matrix<T>{at(i), n(), n(), transposed}, triangle, x, columns);
    else
      solve_lu(at(i), pivots.data() + i * n(), n(), x, columns, transposed);
  }
};

/// f(i, pointer to matrix i) for all of a stack of square matrices.
template <class T, class F> void each_matrix(const Variable<T>& a, F f) {
  const std::size_t n = a.shape()[a.rank() - 1], size = n * n;
  for (std::size_t i = 0; i * size < a.size(); ++i) f(i, out(a) + i * size);
}

template <class T> Factors<T> factor(const char* op, const Variable<T>& a) {
  const std::size_t n = square(op, a.shape());
  Factors<T> f{make_result<T>(a.shape()), {}};
  f.pivots.resize(n == 0 ? 0 : a.size() / n);
  std::copy_n(a.data(), a.size(), out(f.matrix));
  each_matrix(f.matrix, [&](std::size_t i, T* matrix) {
    int* const pivots = f.pivots.data() + i * n;
    if (!all_finite(matrix, n * n)) {
      std::fill_n(matrix, n * n, std::numeric_limits<T>::quiet_NaN());
      std::iota(pivots, pivots + n, 1);
      return;
    }
    const std::size_t zero = factor_lu(matrix, n, pivots);
    if (zero < n)
      throw ValueError(std::string(op) + ": a " + to_string(a.shape()) + " is singular: pivot " + std::to_string(zero) +
                       in_matrix(a.shape(), i) + " is 0");
  });
  return f;
}

/// The matrix [n,n] with 1 where keep(row, column), else 0.
template <class T, class F> Variable<T> ones_where(std::size_t n, F keep) {
  Variable<T> y = make_result<T>({n, n});
  for (std::size_t i = 0; i < n * n; ++i) out(y)[i] = keep(i / n, i % n);
  return y;
}
template <class T> Variable<T> identity(std::size_t n) {
  return ones_where<T>(n, [](std::size_t i, std::size_t j) { return i == j; });
}

/// A^-1 B, or A^-T B, for stacks of matrices, from the factors of A.
template <class T> Variable<T> solved(Factors<T> f, const Variable<T>& a, Variable<T> b, bool transposed) {
  const Op& op = f.triangular ? solve_triangular_op : solve_op;
  const Edge<T> ga = edge(a), gb = edge(b);
  const std::size_t n = f.n(), m = b.shape()[b.rank() - 1];
  const Shape b_shape = b.shape(), batch = batch_of(op.name, a.shape(), b_shape);
  Shape shape = batch;
  shape.push_back(n), shape.push_back(m);
  Variable<T> x = is_free(b) && b_shape == shape ? make_result_in(b) : make_result<T>(shape);
  for (std::size_t i = 0; i * n * m < x.size(); ++i) {
    T* const xi = out(x) + i * n * m;
    const T* const bi = b.data() + place_in(b_shape, batch, i) * n * m;
    if (xi != bi) std::copy_n(bi, n * m, xi);
    f.solve(place_in(a.shape(), batch, i), xi, m, transposed);
  }
  if (ga || gb)
    record(op, x,
           [ga, gb, transposed, b_shape, f = std::move(f), a = saved(a), x = saved_if(bool(ga), x)](Upstream<T>& g) {
             const Shape& a_shape = a->shape();
             const Variable<T> z = solved(f, *a, g.take(), !transposed);
             if (ga) {
               const Variable<T> minus_z = -z;
               const Stack<T> sz{minus_z, z.shape()}, sx{*x, x->shape()};
               Product<T> term = transposed ? Product<T>{sx, sz, {false, true}, a_shape, a_shape}
                                            : Product<T>{sz, sx, {false, true}, a_shape, a_shape};
               if (f.triangular)
                 g.add(ga, term.value() * ones_where<T>(f.n(), [&](std::size_t i, std::size_t j) {
                             return f.triangle.upper ? i <= j : i >= j;
                           }));
               else
                 g.add(ga, term);
             }
             if (gb) g.add(gb, sum_to(z, b_shape));
           });
  return x;
}

/// The common part of the solves: checks, a vector b as a matrix, the factors from make().
template <class T, class F>
Variable<T> solve_with(const char* op, const Variable<T>& a, Variable<T> b, bool transposed, F make) {
  const std::size_t n = square(op, a.shape());
  const Shape &as = a.shape(), bs = b.shape();
  if (bs.size() == 0) throw ShapeError(std::string(op) + ": b is a number; it must be a vector [n] or [...,n,m]");
  const bool vector = bs.size() == 1;
  const std::size_t axis = bs.size() - (vector ? 1 : 2);
  if (bs[axis] != n)
    throw ShapeError(
        std::string(op) + ": a is " + to_string(as) + " but b is " + to_string(bs) + "; b.shape[" +
        std::to_string(axis) + "] = " + std::to_string(bs[axis]) + " must equal n = " + std::to_string(n) +
        (bs.size() + 1 == as.size() && bs[axis + !vector] == n ? "; a stack of vectors is [...,n,1]" : ""));
  if (!vector) {
    blas_extent(op, bs[axis + 1]);
    batch_of(op, as, bs);
    return solved(make(), a, std::move(b), transposed);
  }
  Shape xs(as.begin(), as.end() - 1);
  return reshape(solved(make(), a, reshape(std::move(b), Extents(Shape{n, 1})), transposed), Extents(xs));
}

}  // namespace

std::size_t square(const char* op, const Shape& a) {
  const std::size_t rank = a.size();
  if (rank < 2 || a[rank - 1] != a[rank - 2])
    throw ShapeError(std::string(op) + ": a is " + to_string(a) + "; it must be square, [...,n,n]");
  blas_extent(op, a[rank - 1]);
  return a[rank - 1];
}

std::string in_matrix(const Shape& a, std::size_t i) {
  std::string text;
  for (std::size_t axis = a.size() - 2; axis-- > 0; i /= a[axis])
    text = std::to_string(i % a[axis]) + (text.empty() ? "" : "," + text);
  return text.empty() ? text : " in a[" + text + "]";
}

template <class T> Variable<T> solve(Variable<T> a, Variable<T> b) {
  return solve_with("solve", a, std::move(b), false, [&] { return factor("solve", a); });
}

template <class T> Variable<T> solve_triangular(Variable<T> a, Variable<T> b, Triangular of) {
  return solve_with("solve_triangular", a, std::move(b), of.transposed, [&] {
    const std::size_t n = a.shape()[a.rank() - 1];
    each_matrix(a, [&](std::size_t i, const T* matrix) {
      for (std::size_t k = 0; k < n; ++k)
        if (matrix[k * (n + 1)] == 0)
          throw ValueError("solve_triangular: a " + to_string(a.shape()) + " is singular: entry " + std::to_string(k) +
                           " of the diagonal" + in_matrix(a.shape(), i) + " is 0");
    });
    return Factors<T>{a, {}, true, {.upper = of.upper}};
  });
}

template <class T> Variable<T> inv(Variable<T> a) {
  const Factors<T> f = factor("inv", a);
  const Edge<T> ga = edge(a);
  Variable<T> y = make_result<T>(a.shape());
  const std::size_t n = f.n();
  std::fill_n(out(y), y.size(), T(0));
  each_matrix(y, [&](std::size_t i, T* matrix) {
    for (std::size_t k = 0; k < n; ++k) matrix[k * (n + 1)] = 1;
    f.solve(i, matrix, n, false);
  });
  if (ga)
    record(inv_op, y, [ga, y = saved(y)](Upstream<T>& g) {
      const Shape& shape = y->shape();
      const Variable<T> minus_yt_g = -matmul(*y, *g, {.a = true});
      g.add(ga, Product<T>{{minus_yt_g, shape}, {*y, shape}, {false, true}, shape, shape});
    });
  return y;
}

template <class T> Variable<T> logdet(Variable<T> a) {
  Factors<T> f = factor("logdet", a);
  const Edge<T> ga = edge(a);
  const Shape batch(a.shape().begin(), a.shape().end() - 2);
  Variable<T> y = make_result<T>(batch);
  const std::size_t n = f.n();
  std::fill_n(out(y), y.size(), T(0));
  each_matrix(f.matrix, [&](std::size_t i, const T* lu) {
    long double sum = 0;
    bool negative = false;
    for (std::size_t k = 0; k < n; ++k) {
      const T pivot = lu[k * (n + 1)];
      sum += std::log(std::abs(static_cast<long double>(pivot)));
      negative ^= (pivot < 0) ^ (f.pivots[i * n + k] != static_cast<int>(k + 1));  // an exchange changes the sign, too
    }
    if (negative && sum == sum)
      throw ValueError("logdet: a " + to_string(a.shape()) + " has a negative determinant" + in_matrix(a.shape(), i) +
                       "; its logarithm is not real");
    out(y)[i] = static_cast<T>(sum);
  });
  if (ga)
    record(logdet_op, y, [ga, batch, f = std::move(f), a = saved(a)](Upstream<T>& g) {
      Shape ones = batch;
      ones.push_back(1), ones.push_back(1);
      g.add(ga, solved(f, *a, reshape(*g, Extents(ones)) * identity<T>(f.n()), true));  // A^-T (gy 1)
    });
  return y;
}

#define WENGERT_INSTANTIATE(T)                                                 \
  template Variable<T> solve(Variable<T>, Variable<T>);                        \
  template Variable<T> solve_triangular(Variable<T>, Variable<T>, Triangular); \
  template Variable<T> inv(Variable<T>);                                       \
  template Variable<T> logdet(Variable<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_solve() {
  const Input regular{"a", {-1, 1}, Draw::regular};
  return {
      declare(solve_op, {regular, {"b"}}, {},
              {"a=[3,3] b=[3,2]", "a=[3,3] b=[3]", "a=[1,1] b=[1]", "a=[2,3,3] b=[2,3,2]", "a=[2,3,3] b=[3]",
               "a=[2,2] b=[3,2,1]", "a=[2,1,2,2] b=[3,2,2]", "a=[0,0] b=[0,2]", "a=[2,2] b=[2,0]", "a=[0,2,2] b=[2]"},
              [](const auto& a) { return solve(a["a"], a["b"]); }),
      declare(solve_triangular_op, {regular, {"b"}},
              {{"upper", "flag", "false", "the upper triangle of a, not the lower one"},
               {"transposed", "flag", "false", "the triangle is used as its transpose"}},
              {"a=[3,3] b=[3,2]", "a=[3,3] b=[3] upper=true", "a=[3,3] b=[3,2] transposed=true",
               "a=[2,3,3] b=[3,2] upper=true transposed=true", "a=[2,2] b=[2,2,1]", "a=[0,0] b=[0]"},
              [](const auto& a) {
                return solve_triangular(a["a"], a["b"], {a.flag("upper"), a.flag("transposed")});
              }),
      declare(inv_op, {regular}, {}, {"a=[3,3]", "a=[1,1]", "a=[2,2,2,2]", "a=[0,0]", "a=[0,2,2]"},
              [](const auto& a) { return inv(a["a"]); }),
      declare(logdet_op, {regular}, {}, {"a=[3,3]", "a=[1,1]", "a=[2,2,2,2]", "a=[0,0]", "a=[2,0,0]", "a=[0,2,2]"},
              [](const auto& a) { return logdet(a["a"]); })};
}

}  // namespace wengert
