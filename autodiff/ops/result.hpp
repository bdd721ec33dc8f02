// Where ops put their results, and the usual form of a term. Internal to autodiff/ and losses/.
#pragma once

#include "autodiff/gradient.hpp"

namespace wengert {

/// A new value of that shape, its elements not set.
template <class T> Variable<T> make_result(const Shape& shape) { return Variable<T>::adopt(Block<T>::make(shape)); }

/// Whether an op may write its result over x: nobody else holds it.
template <class T> bool is_free(const Variable<T>& x) { return x.block()->unique() && !x.block()->wants_gradient; }

/// x's own block, as the result of an op. Take the edge of x first.
template <class T> Variable<T> make_result_in(const Variable<T>& x) {
  Block<T>* const b = x.block();
  b->leaf = false;
  b->node = nullptr;
  b->tape = 0;
  return x;
}

/// Where an op writes.
template <class T> T* out(const Variable<T>& y) { return y.block()->value.storage().data(); }

/// The term of a rule that has a kernel: run(p, add) writes the term to p, or adds it; recorded() says the same with
/// ops on variables, for derivatives of derivatives.
template <class T, class Run, class Recorded> struct KernelTerm {
  const Shape& shape;
  Run run;
  Recorded recorded;

  Variable<T> value() {
    if (recording()) return recorded();
    Variable<T> gx = make_result<T>(shape);
    run(out(gx), false);
    return gx;
  }
  void add_to(T* gx) { run(gx, true); }
};
template <class T, class Run, class Recorded>
KernelTerm<T, Run, Recorded> kernel_term(const Shape& shape, Run run, Recorded recorded) {
  return {shape, std::move(run), std::move(recorded)};
}

}  // namespace wengert
