#!/bin/sh
# usage: map_errors.sh <compiler> <source directory>
#
# What a user of map() gets wrong is told in a line, not in a page of templates. Each function below makes one mistake; the
# comment in front of it is how the compiler must report it.
compiler=$1 source=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/mistakes.cpp" <<'END'
#include <autodiff/map.hpp>
using namespace wengert;
using V = Variable<float>;

// map: branch with select(mask, a, b), not with if or ?:
V with_if(V x) {
  return map([](auto a) {
    if (a > 0) return a;
    return 2 * a;
  }, x);
}

// map: branch with select(mask, a, b), not with if or ?:
V number_as_condition(V x) {
  return map([](auto a) { return a ? a : 2 * a; }, x);
}

// map: a captured variable would get no gradient; pass it as an input of the map
V captured(V x, V w) {
  return map([w](auto a) { return maximum(w, a); }, x);
}

// map: the lambda must take numbers by value or const reference, one for each input, and return a number
V by_reference(V x) {
  return map([](auto& a) { return a * a; }, x);
}

// map: the lambda must take numbers by value or const reference, one for each input, and return a number
V floats(V x) {
  return map([](float a) { return a * a; }, x);
}

// map: the lambda must take numbers by value or const reference, one for each input, and return a number
V too_few(V x) {
  return map([](auto a, auto b) { return a * b; }, x);
}

// map: the lambda must return a number; of a mask, select(mask, 1, 0)
V no_result(V x) {
  return map([](auto a) { a * a; }, x);
}

// map: the lambda must return a number; of a mask, select(mask, 1, 0)
V mask(V x) {
  return map([](auto a) { return a > 0; }, x);
}

// map: all inputs must have the same element type
V of_two_types(V x, Variable<double> y) {
  return map([](auto a, auto b) { return a * b; }, x, y);
}

// map: the inputs must be variables: map(f, x, y, ...); numbers may be captured by the lambda
V number_as_input(V x) {
  return map([](auto a, auto b) { return a * b; }, x, 2);
}
END
"$compiler" -std=c++20 -fsyntax-only -I "$source" "$dir/mistakes.cpp" 2>"$dir/messages"
sed -n 's,^// ,,p' "$dir/mistakes.cpp" | sort >"$dir/expected"
sed -n 's/.*error: //p' "$dir/messages" | sed 's/^static assertion failed.*: map: /map: /' | sort >"$dir/errors"
mistakes=$(wc -l <"$dir/expected") lines=$(wc -l <"$dir/messages")
echo "$mistakes mistakes, told in $lines lines"
if ! diff "$dir/expected" "$dir/errors" || [ "$lines" -gt $((10 * mistakes)) ]; then
  cat "$dir/messages"
  exit 1
fi
