// Products of stacks of matrices, [...,rows,columns]: what matmul and its relatives are made of. Internal to autodiff/.
#pragma once

#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"

namespace wengert {

/// The batch axes of a product of a and b, which broadcast: all but the last two of each. A ShapeError names `op`.
Shape batch_of(const char* op, const Shape& a, const Shape& b);

/// Where matrix i of all of `batch` is found in a stack whose batch axes stretch to it.
std::size_t place_in(const Shape& stack, const Shape& batch, std::size_t i);

/// Sees a, b and c as one product of two matrices where their memory allows it: rows of a stack against one matrix, or
/// a sum over a stack.
void fold(Transposed t, Shape& a, Shape& b, Shape& c);

/// C = A B, or C += A B with `add`, for all matrices of the batch. C's batch axes may be fewer than those of the product,
/// or 1: then it is summed over them, GEMM after GEMM into the same place.
template <class T>
void multiply(const char* op, const T* a, const Shape& a_shape, const T* b, const Shape& b_shape, Transposed t, T* c,
              const Shape& c_shape, bool add);

/// x seen as a stack of matrices. It refers to both.
template <class T> struct Stack {
  const Variable<T>& x;
  const Shape& shape;
};

/// The term A B of a gradient of that shape, which is seen as a stack: GEMMs straight into it.
template <class T> struct Product {
  Stack<T> a, b;
  Transposed transposed;
  const Shape &stack, &shape;

  Variable<T> value() {
    if (recording()) {
      Shape as = a.shape, bs = b.shape, cs = stack;
      fold(transposed, as, bs, cs);
      const Variable<T> c = matmul(reshape(a.x, Extents(as)), reshape(b.x, Extents(bs)), transposed);
      return reshape(sum_to(c, cs), Extents(shape));
    }
    Variable<T> c = make_result<T>(shape);
    run(out(c), false);
    return c;
  }
  void add_to(T* c) { run(c, true); }

 private:
  void run(T* c, bool add) { multiply("matmul", a.x.data(), a.shape, b.x.data(), b.shape, transposed, c, stack, add); }
};

}  // namespace wengert
