// map: a function of one's own over numbers, as one op.
//
//   const auto y = map([](auto x, auto b) { return tanh(x + b) * x; }, x, b);
//
//   y_i = f(x_i, b_i, ...)               the inputs stretched to one shape: NumPy's broadcasting
//   gx_i += gy_i df/dx (x_i, b_i, ...)   summed over the axes along which x was stretched; gb, ... likewise
//
// f is called once, with a Number for each input. What it does with them is written down, a line an operation: Wengert's
// list, in small. The list then runs over the arrays strip by strip: a strip is a few hundred elements, and each line is
// done for all of them by the library's SIMD loop for that op. So memory is read and written once, however long f is: what
// one line leaves for the next stays in the first-level cache. The gradients of all inputs are a list, too, by the chain
// rule from the last line to the first. Under create_graph each is recorded as a map of its own, its slopes written out:
// derivatives of any order.
//
// f may use + - * /, every elementwise op by its name (tanh, exp, relu, ...), numbers, written or captured, comparisons with
// && || ! between them, and select(mask, a, b) in place of branches. What it captures is read when map is called.
//
// map_sum adds the y_i up on the way, in double and without drift: a loss in one pass that stores nothing of y's size.
//
//   const auto loss = map_sum([](auto x, auto t) { return square(x - t); }, x, t);
//
// Saves the inputs that the gradients read, and y of a map if they do. An input that nobody else holds, and that is not saved, is
// overwritten by y. A ShapeError for shapes that do not fit together. What f throws passes through: nothing has been done.
#pragma once

#include "autodiff/number.hpp"

namespace wengert {

namespace fused {

template <class> struct Element { using type = float; };
template <class T> struct Element<Variable<T>> { using type = T; };

template <class> inline constexpr bool is_variable = false;
template <class T> inline constexpr bool is_variable<Variable<T>> = true;

template <class> using One = Number;  // for each input

template <class F, class... N>
concept Takes = requires(F& f) {
  f(std::declval<N>()...);
};

/// What is recorded, and what becomes of the elements.
struct Form {
  const Op& op;
  bool sums = false;  // y is the sum of all elements, a number,
  double scale = 1;   // times this
};
extern const Op map_op, map_sum_op;

/// y over all elements of the inputs, recorded as one op.
template <class T> Variable<T> run(const Form& form, Writer& writer, Number y, Variable<T>* inputs, std::size_t n);

template <class F, class X, class... More> auto map(const Form& form, F&& f, X x, More... more) {
  using T = typename Element<X>::type;
  using V = Variable<T>;
  constexpr bool variables = is_variable<X> && (is_variable<More> && ...);
  constexpr bool same = std::is_same_v<X, V> && (std::is_same_v<More, V> && ...);
  static_assert(variables,
                "map: the inputs must be variables: map(f, x, y, ...); numbers may be captured by the lambda");
  static_assert(!variables || same, "map: all inputs must have the same element type");
  if constexpr (same) {
    constexpr bool called = Takes<F, Number, One<More>...>;
    static_assert(
        called,
        "map: the lambda must take numbers by value or const reference, one for each input, and return a number");
    if constexpr (called) {
      using Y = decltype(f(std::declval<Number>(), std::declval<One<More>>()...));
      constexpr bool number = std::is_convertible_v<Y, Number> && !is_variable<std::remove_cvref_t<Y>>;
      static_assert(number, "map: the lambda must return a number; of a mask, select(mask, 1, 0)");
      if constexpr (number) {
        V inputs[] = {std::move(x), std::move(more)...};
        constexpr std::size_t n = sizeof...(More) + 1;
        Writer writer(n);
        const auto number_of = [&](std::size_t i) {  // the same for the same variable
          std::size_t first = 0;
          while (inputs[first].block() != inputs[i].block()) ++first;
          return Number(writer.at(static_cast<int>(first)));
        };
        const Number y = [&]<std::size_t... I>(std::index_sequence<I...>)->Number { return f(number_of(I)...); }
        (std::make_index_sequence<n>());
        return run(form, writer, y, inputs, n);
      }
    }
  }
  return V();
}

}  // namespace fused

template <class F, class X, class... More> auto map(F&& f, X x, More... more) {
  return fused::map({fused::map_op}, std::forward<F>(f), std::move(x), std::move(more)...);
}

template <class F, class X, class... More> auto map_sum(F&& f, X x, More... more) {
  return fused::map({fused::map_sum_op, true}, std::forward<F>(f), std::move(x), std::move(more)...);
}

}  // namespace wengert
