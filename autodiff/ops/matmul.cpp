#include "autodiff/ops/matmul.hpp"

#include <algorithm>

#include "autodiff/blas.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/product.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op matmul_op{"matmul", "C = A B"}, linear_op{"linear", "Y = X W^T + b"}, outer_op{"outer", "C = a b^T"};

std::string axis_text(const char* name, std::size_t axis, const Shape& shape) {
  return std::string(name) + ".shape[" + std::to_string(axis) + "] = " + std::to_string(shape[axis]);
}

Shape matrix_of(const Shape& stack) { return {stack[stack.size() - 2], stack[stack.size() - 1]}; }

/// How many matrices a stack has.
std::size_t height(const Shape& stack) {
  std::size_t n = 1;
  for (std::size_t i = 0; i + 2 < stack.size(); ++i) n *= stack[i];
  return n;
}

/// The shape of A B.
Shape product_of(const char* op, const Shape& a, const Shape& b, Transposed t) {
  Shape c;
  if (a.size() > 2 || b.size() > 2) c = batch_of(op, a, b);
  c.push_back(a[a.size() - (t.a ? 1 : 2)]);
  c.push_back(b[b.size() - (t.b ? 2 : 1)]);
  return c;
}

/// A B recorded as `op`: a and b as they are seen, and which of them are vectors; the result in the shape given.
template <class T>
Variable<T> product(const Op& op, const Variable<T>& a, const Shape& as, bool a_vector, const Variable<T>& b,
                    const Shape& bs, bool b_vector, Transposed t, const Shape& cs, const Shape& shape) {
  const Edge<T> ga = edge(a), gb = edge(b);
  Variable<T> c = make_result<T>(shape);
  multiply(op.name, a.data(), as, b.data(), bs, t, out(c), cs, false);
  if (ga || gb)
    // With A' = A or A^T as used, gA' = gC B'^T; stored transposed, gA = (gA')^T = B' gC^T. Likewise for B.
    record(
        op, c,
        [ga, gb, t, as, bs, a_vector, b_vector, a = saved_if(bool(gb), a), b = saved_if(bool(ga), b)](Upstream<T>& g) {
          Shape c_stack, a_own, b_own;
          if (a_vector || b_vector) c_stack = product_of("matmul", as, bs, t);
          if (a_vector) a_own = {count(as)};
          if (b_vector) b_own = {count(bs)};
          const Shape &a_shape = a_vector ? a_own : as, &b_shape = b_vector ? b_own : bs;
          const Stack<T> gc{*g, a_vector || b_vector ? c_stack : g->shape()};
          if (ga)
            g.add(ga, t.a ? Product<T>{{*b, bs}, gc, {t.b, true}, as, a_shape}
                          : Product<T>{gc, {*b, bs}, {false, !t.b}, as, a_shape});
          if (gb)
            g.add(gb, t.b ? Product<T>{gc, {*a, as}, {true, t.a}, bs, b_shape}
                          : Product<T>{{*a, as}, gc, {!t.a, false}, bs, b_shape});
        });
  return c;
}

}  // namespace

Shape batch_of(const char* op, const Shape& a, const Shape& b) {
  const std::size_t ra = a.size() - 2, rb = b.size() - 2, rank = std::max(ra, rb);
  Shape batch(rank);
  for (std::size_t i = 1; i <= rank; ++i) {
    const std::size_t ea = i <= ra ? a[ra - i] : 1, eb = i <= rb ? b[rb - i] : 1;
    if (ea != eb && ea != 1 && eb != 1)
      throw ShapeError(std::string(op) + ": a is " + to_string(a) + " but b is " + to_string(b) + "; the batch axes " +
                       axis_text("a", ra - i, a) + " and " + axis_text("b", rb - i, b) +
                       " must be equal, or one of them 1");
    batch[rank - i] = ea == 1 ? eb : ea;
  }
  return batch;
}

std::size_t place_in(const Shape& stack, const Shape& batch, std::size_t i) {
  std::size_t place = 0, step = 1;
  for (std::size_t axis = 1; axis + 2 <= stack.size(); ++axis) {
    const std::size_t extent = batch[batch.size() - axis], own = stack[stack.size() - 2 - axis];
    if (own != 1) place += i % extent * step;
    step *= own;
    i /= extent;
  }
  return place;
}

void fold(Transposed t, Shape& a, Shape& b, Shape& c) {
  if (a.size() == 2 && b.size() == 2 && c.size() == 2) return;
  const std::size_t n = count(batch_of("matmul", a, b)), na = height(a), nb = height(b), nc = height(c);
  const auto on_top = [n](const Shape& stack) { return Shape{n * stack[stack.size() - 2], stack[stack.size() - 1]}; };
  if (na == n && nb == 1 && nc == n && (!t.a || n == 1)) {  // C_i = A_i B for all i: one A of all rows
    a = on_top(a), b = matrix_of(b), c = on_top(c);
  } else if (na == n && nb == n && nc == 1 && t.a && !t.b) {  // C = the sum of A_i^T B_i: one A and B of all rows
    a = on_top(a), b = on_top(b), c = matrix_of(c);
  }
}

template <class T>
void multiply(const char* op, const T* a, const Shape& a_shape, const T* b, const Shape& b_shape, Transposed t, T* c,
              const Shape& c_shape, bool add) {
  const auto matrix = [](const T* x, const Shape& s, bool transposed) {
    return Matrix<T>{x, s[s.size() - 2], s[s.size() - 1], transposed};
  };
  if (a_shape.size() == 2 && b_shape.size() == 2 && c_shape.size() == 2)
    return gemm(op, matrix(a, a_shape, t.a), matrix(b, b_shape, t.b), c, add);
  Shape as = a_shape, bs = b_shape, cs = c_shape;
  fold(t, as, bs, cs);
  const Shape batch = batch_of(op, as, bs);
  const std::size_t n = count(batch);
  const std::size_t a_size = count(matrix_of(as)), b_size = count(matrix_of(bs)), c_size = count(matrix_of(cs));
  if (height(cs) != n && !add) std::fill_n(c, count(cs), T(0)), add = true;
  for (std::size_t i = 0; i < n; ++i)
    gemm(op, matrix(a + place_in(as, batch, i) * a_size, as, t.a), matrix(b + place_in(bs, batch, i) * b_size, bs, t.b),
         c + place_in(cs, batch, i) * c_size, add);
}

template <class T> Variable<T> matmul(Variable<T> a, Variable<T> b, Transposed t) {
  for (const auto& [name, x] : {std::pair{"a", &a}, {"b", &b}})
    if (x->rank() == 0)
      throw ShapeError(std::string("matmul: ") + name +
                       " is a number; it must be a vector or matrices; * multiplies by numbers");
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) t.a = false;
  if (column) t.b = false;
  Shape a_row, b_column, c_shape;
  if (row) a_row = {1, a.size()};
  if (column) b_column = {b.size(), 1};
  const Shape &as = row ? a_row : a.shape(), &bs = column ? b_column : b.shape();
  const std::size_t inner_a = a.rank() - (row || !t.a ? 1 : 2), inner_b = b.rank() - (column || t.b ? 1 : 2);
  if (a.shape()[inner_a] != b.shape()[inner_b])
    throw ShapeError("matmul: a is " + to_string(a.shape()) + " but b is " + to_string(b.shape()) + "; " +
                     axis_text("a", inner_a, a.shape()) + " must equal " + axis_text("b", inner_b, b.shape()));
  const Shape cs = product_of("matmul", as, bs, t);
  if (row || column) {
    c_shape = Shape(cs.begin(), cs.end() - 2);
    if (!row) c_shape.push_back(cs[cs.size() - 2]);
    if (!column) c_shape.push_back(cs[cs.size() - 1]);
  }
  return product(matmul_op, a, as, row, b, bs, column, t, cs, row || column ? c_shape : cs);
}

template <class T> Variable<T> outer(Variable<T> a, Variable<T> b) {
  for (const auto& [name, x] : {std::pair{"a", &a}, {"b", &b}})
    if (x->rank() != 1)
      throw ShapeError(std::string("outer: ") + name + " is " + to_string(x->shape()) + "; it must be a vector");
  const Shape as{a.size(), 1}, bs{1, b.size()}, cs{a.size(), b.size()};
  return product(outer_op, a, as, true, b, bs, true, {}, cs, cs);
}

template <class T> Variable<T> linear(Variable<T> x, Variable<T> w, Variable<T> b) {
  if (x.rank() == 0) throw ShapeError("linear: x is []; it must be [...,in]");
  if (w.rank() != 2) throw ShapeError("linear: weight is " + to_string(w.shape()) + "; it must be a matrix [out,in]");
  const std::size_t last = x.rank() - 1, out_extent = w.shape()[0];
  if (x.shape()[last] != w.shape()[1])
    throw ShapeError("linear: x is " + to_string(x.shape()) + " but weight is " + to_string(w.shape()) + "; " +
                     axis_text("x", last, x.shape()) + " must equal " + axis_text("weight", 1, w.shape()));
  if (b && b.shape() != Shape{out_extent})
    throw ShapeError("linear: bias is " + to_string(b.shape()) + " but weight is " + to_string(w.shape()) +
                     "; bias must be [" + std::to_string(out_extent) + "]");
  const Edge<T> gx = edge(x), gw = edge(w), gb = b ? edge(b) : Edge<T>();
  Shape shape = x.shape();
  shape[last] = 1;
  const std::size_t rows = count(shape);
  shape[last] = out_extent;
  const Shape xs{rows, w.shape()[1]}, ys{rows, out_extent};
  Variable<T> y = make_result<T>(shape);
  for (std::size_t i = 0; b && i < rows; ++i) std::copy_n(b.data(), out_extent, out(y) + i * out_extent);
  multiply("linear", x.data(), xs, w.data(), w.shape(), {false, true}, out(y), ys, bool(b));
  if (gx || gw || gb)
    record(linear_op, y,
           [gx, gw, gb, ys, x_shape = x.shape(), x = saved_if(bool(gw), x), w = saved_if(bool(gx), w)](Upstream<T>& g) {
             const Stack<T> gy{*g, ys};
             const Shape xs{ys[0], x_shape[x_shape.size() - 1]}, ws{ys[1], xs[1]};
             if (gx) g.add(gx, Product<T>{gy, {*w, ws}, {}, xs, x_shape});
             if (gw) g.add(gw, Product<T>{gy, {*x, xs}, {true, false}, ws, ws});
             const kernels::Lines columns{1, static_cast<kernels::Index>(ys[0]), static_cast<kernels::Index>(ys[1])};
             if (gb)
               g.add(gb, kernel_term<T>(
                             {ys[1]}, [&](T* p, bool add) { kernels::of<T>().sum(g->data(), p, columns, 1, add); },
                             [&] { return sum(reshape(*g, Extents(ys)), 0); }));
           });
  return y;
}

#define WENGERT_INSTANTIATE(T)                                                                                      \
  template void multiply(const char*, const T*, const Shape&, const T*, const Shape&, Transposed, T*, const Shape&, \
                         bool);                                                                                     \
  template Variable<T> matmul(Variable<T>, Variable<T>, Transposed);                                                \
  template Variable<T> outer(Variable<T>, Variable<T>);                                                             \
  template Variable<T> linear(Variable<T>, Variable<T>, Variable<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_matmul() {
  return {declare(matmul_op, {{"a"}, {"b"}}, {{"transpose_a", "flag", "false"}, {"transpose_b", "flag", "false"}},
                  {"a=[3,4] b=[4,2]", "a=[4,3] b=[4,2] transpose_a=true", "a=[3,4] b=[2,4] transpose_b=true",
                   "a=[4,3] b=[2,4] transpose_a=true transpose_b=true",
                   // vectors
                   "a=[3] b=[3]", "a=[2,3] b=[3]", "a=[3,2] b=[3] transpose_a=true", "a=[3] b=[3,2]",
                   "a=[3] b=[2,3] transpose_b=true", "a=[1] b=[1]",
                   // stacks against a matrix or a vector
                   "a=[2,3,4] b=[4,2]", "a=[2,3,4] b=[2,4] transpose_b=true", "a=[2,4,3] b=[4,2] transpose_a=true",
                   "a=[3,4] b=[2,4,2]", "a=[4,3] b=[2,2,4] transpose_a=true transpose_b=true", "a=[2,3,4] b=[4]",
                   "a=[4] b=[2,4,3]",
                   // stacks against stacks
                   "a=[2,3,4] b=[2,4,2]", "a=[2,4,3] b=[2,2,4] transpose_a=true transpose_b=true",
                   "a=[2,1,2,3] b=[3,3,2]", "a=[1,2,3] b=[2,3,1]", "a=[2,1,2,2] b=[1,2,2,2]",
                   // no elements
                   "a=[0,3] b=[3,2]", "a=[2,0] b=[0,3]", "a=[0] b=[0]", "a=[0,2,3] b=[3,2]", "a=[1,2,3] b=[0,3,2]",
                   "a=[2,3,0] b=[0,2]"},
                  [](const auto& a) {
                    return matmul(a["a"], a["b"], {a.flag("transpose_a"), a.flag("transpose_b")});
                  }),
          declare(outer_op, {{"a"}, {"b"}}, {}, {"a=[3] b=[2]", "a=[1] b=[17]", "a=[0] b=[2]"},
                  [](const auto& a) { return outer(a["a"], a["b"]); }),
          declare(linear_op, {{"x"}, {"weight"}, {.name = "bias", .optional = true}}, {},
                  {"x=[5,3] weight=[2,3] bias=[2]", "x=[5,3] weight=[2,3]", "x=[3] weight=[2,3] bias=[2]",
                   "x=[2,3,4] weight=[3,4] bias=[3]", "x=[1,3] weight=[1,3] bias=[1]", "x=[0,3] weight=[2,3] bias=[2]",
                   "x=[2,0] weight=[3,0] bias=[3]"},
                  [](const auto& a) { return linear(a["x"], a["weight"], a["bias"]); })};
}

}  // namespace wengert
