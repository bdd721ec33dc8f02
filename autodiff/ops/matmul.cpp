#include "autodiff/ops/matmul.hpp"

#include <algorithm>

#include "autodiff/blas.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op matmul_op{"matmul", "C = A B"}, linear_op{"linear", "Y = X W^T + b"};

template <class T> Matrix<T> matrix(const Variable<T>& x, bool transposed) {
  return {x.data(), x.shape()[0], x.shape()[1], transposed};
}

void need_rank(const char* op, const char* name, const Shape& shape, std::size_t rank, const char* layout) {
  if (shape.size() != rank)
    throw ShapeError(std::string(op) + ": " + name + " is " + to_string(shape) + "; it must be " + layout);
}

/// The term A B of a gradient: a GEMM straight into it.
template <class T> struct Product {
  Variable<T> a, b;
  Transposed transposed;

  Variable<T> value() { return matmul(a, b, transposed); }
  void add_to(T* c) { gemm("matmul", matrix(a, transposed.a), matrix(b, transposed.b), c, true); }
};

}  // namespace

template <class T> Variable<T> matmul(Variable<T> a, Variable<T> b, Transposed t) {
  need_rank("matmul", "a", a.shape(), 2, "a matrix [m,k]");
  need_rank("matmul", "b", b.shape(), 2, "a matrix [k,n]");
  const Edge<T> ga = edge(a), gb = edge(b);
  const Matrix<T> ma = matrix(a, t.a), mb = matrix(b, t.b);
  Variable<T> c = make_result<T>({ma.used_rows(), mb.used_columns()});
  gemm("matmul", ma, mb, out(c), false);
  if (ga || gb)
    // With A' = A or A^T as used, gA' = gC B'^T; stored transposed, gA = (gA')^T = B' gC^T. Likewise for B.
    record(matmul_op, c, [ga, gb, t, a = saved_if(bool(gb), a), b = saved_if(bool(ga), b)](Upstream<T>& g) {
      if (ga) g.add(ga, t.a ? Product<T>{*b, *g, {t.b, true}} : Product<T>{*g, *b, {false, !t.b}});
      if (gb) g.add(gb, t.b ? Product<T>{*g, *a, {true, t.a}} : Product<T>{*a, *g, {!t.a, false}});
    });
  return c;
}

template <class T> Variable<T> linear(Variable<T> x, Variable<T> w, Variable<T> b) {
  need_rank("linear", "x", x.shape(), 2, "a matrix [N,in]");
  need_rank("linear", "weight", w.shape(), 2, "a matrix [out,in]");
  if (x.shape()[1] != w.shape()[1])
    throw ShapeError("linear: x is " + to_string(x.shape()) + " but weight is " + to_string(w.shape()) +
                     "; x.shape[1] = " + std::to_string(x.shape()[1]) +
                     " must equal weight.shape[1] = " + std::to_string(w.shape()[1]));
  if (b.shape() != Shape{w.shape()[0]})
    throw ShapeError("linear: bias is " + to_string(b.shape()) + " but weight is " + to_string(w.shape()) +
                     "; bias must be [" + std::to_string(w.shape()[0]) + "]");
  const Edge<T> gx = edge(x), gw = edge(w), gb = edge(b);
  Variable<T> y = make_result<T>({x.shape()[0], w.shape()[0]});
  for (std::size_t i = 0; i < x.shape()[0]; ++i) std::copy_n(b.data(), b.size(), out(y) + i * b.size());
  gemm("linear", matrix(x, false), matrix(w, true), out(y), true);
  if (gx || gw || gb)
    record(linear_op, y,
           [gx, gw, gb, b_shape = b.shape(), x = saved_if(bool(gw), x), w = saved_if(bool(gx), w)](Upstream<T>& g) {
             if (gx) g.add(gx, Product<T>{*g, *w, {}});
             if (gw) g.add(gw, Product<T>{*g, *x, {true, false}});
             const kernels::Lines columns{1, static_cast<kernels::Index>(g->shape()[0]),
                                          static_cast<kernels::Index>(g->shape()[1])};
             if (gb)
               g.add(gb, kernel_term<T>(
                             b_shape, [&](T* p, bool add) { kernels::of<T>().sum(g->data(), p, columns, 1, add); },
                             [&] { return sum(*g, 0); }));
           });
  return y;
}

template Variable<float> matmul(Variable<float>, Variable<float>, Transposed);
template Variable<double> matmul(Variable<double>, Variable<double>, Transposed);
template Variable<float> linear(Variable<float>, Variable<float>, Variable<float>);
template Variable<double> linear(Variable<double>, Variable<double>, Variable<double>);

std::vector<Declared> declared_matmul() {
  return {declare(matmul_op, {{"a"}, {"b"}}, {{"transpose_a", "flag", "false"}, {"transpose_b", "flag", "false"}},
                  {"a=[3,4] b=[4,2]", "a=[4,3] b=[4,2] transpose_a=true", "a=[3,4] b=[2,4] transpose_b=true",
                   "a=[4,3] b=[2,4] transpose_a=true transpose_b=true", "a=[0,3] b=[3,2]", "a=[2,0] b=[0,3]"},
                  [](const auto& a) {
                    return matmul(a["a"], a["b"], {a.flag("transpose_a"), a.flag("transpose_b")});
                  }),
          declare(linear_op, {{"x"}, {"weight"}, {"bias"}}, {},
                  {"x=[5,3] weight=[2,3] bias=[2]", "x=[0,3] weight=[2,3] bias=[2]"},
                  [](const auto& a) { return linear(a["x"], a["weight"], a["bias"]); })};
}

}  // namespace wengert
