// What is done with a list that a map() has written: cut down to what is needed, differentiated, run over arrays.
#pragma once

#include "autodiff/number.hpp"

namespace wengert::fused {

template <class X> using Scratch = std::vector<X, Allocator<X>>;

/// Leaves the lines that those in `wanted` need, and gives these their new numbers; one that is -1 stays so.
void prune(List& list, Scratch<int>& wanted);

/// Writes the gradients of the inputs behind the list: for each input that is wanted, the number of the line, or -1
/// where y does not depend on it. g is the line of y's own gradient. Slopes are written out if they are to be
/// differentiated again; otherwise a term is one line, for the loop that ops have for it.
Scratch<int> differentiate(Writer& writer, int y, int g, const Scratch<char>& wanted, bool written_out);

/// An input of a list.
template <class T> struct Operand {
  const T* data = nullptr;
  const Shape* stretched = nullptr;  // its shape, if that is not the result's
};

/// Where the values of a line go.
template <class T> struct Output {
  int line;
  T* to;
  bool add;
  const Shape* stretched;  // the shape, if it is not the result's: then the values are summed
  double scale = 1;        // of the sums
};

/// Runs the list over the elements of a result. An output may be the array of a full input.
template <class T>
void run(const List& list, const Scratch<Operand<T>>& inputs, const Shape& result, const Scratch<Output<T>>& outputs);

}  // namespace wengert::fused
