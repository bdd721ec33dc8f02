#!/bin/sh
# usage: tool_plugin.sh <gradcheck> <directory of the planted plug-ins>
#
# Whatever a plug-in does, gradcheck says so and ends with 1 or 5.
gradcheck=$1 plugins=$2
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
planted=$plugins/planted.so
checks=0

wrong() { echo "wrong: $*"; cat out err; exit 1; }

# expect <status> <line of out or err> <PLANTED> <word>...: the line is an extended regular expression.
expect() {
  status=$1 line=$2
  export PLANTED=$3
  shift 3
  timeout 60 "$gradcheck" check "$@" >out 2>err </dev/null
  got=$?
  [ $got = "$status" ] || wrong "$PLANTED $*: exit status $got, expected $status"
  cat out err | grep -qE "$line" || wrong "$PLANTED $*: there is no line '$line'"
  checks=$((checks + 1))
}
# An op that goes wrong is wrong, and the others of the same plug-in are still checked.
goes_wrong() {
  expect 1 "planted: WRONG, $2" "$1" --plugin "$planted" --limit 5
  grep -q '^also_innocent .* right$' out || wrong "$1: the next op was not checked"
}
is_not_loaded() { expect 5 "^gradcheck: --plugin $planted: cannot be loaded: $2$" "$1" --plugin "$planted" --limit 2; }

expect 0 '^3 ops, 12 checks, seed 1: all right$' '' --plugin "$planted"
expect 0 '^1 op, 1 check, seed 7: all right$' '' innocent --plugin "$planted" --dtype f64 --order 1 --seed 7
expect 2 "^gradcheck: tanh: $planted has no op of that name; it has innocent, planted, also_innocent$" '' tanh --plugin "$planted"

expect 1 'planted x=\[2,3\]: WRONG, the dog ate it$' throw --plugin "$planted"
expect 1 'planted x=\[2,3\]: WRONG, .*gradient \[\] for x, which is \[2,3\]$' shape --plugin "$planted"
expect 1 'planted x=\[2,3\]: WRONG, .*no gradient for x$' empty --plugin "$planted"
expect 1 'planted x=\[2,3\]: WRONG, 6 of 6 comparisons' factor --plugin "$planted"
expect 4 'planted x=\[2,3\]: unstable' unstable --plugin "$planted"
goes_wrong throw_int 'it threw: something that is no std::exception'
goes_wrong hang 'it took longer than 5 s'
goes_wrong crash 'it crashed \(Segmentation fault\)'
goes_wrong overflow 'it crashed \(Segmentation fault\)'
goes_wrong abort 'it crashed \(Aborted\)'
goes_wrong terminate 'it threw: in a thread'
goes_wrong exit 'it ended the process, with status 0'
expect 0 '"status": 0' print --plugin "$planted" --json -
grep -q 'to stdout' err && ! grep -q 'to stdout' out || wrong "print: its text is in the JSON"

expect 1 'planted: WRONG, it crashed' crash --plugin "$planted" --html page.html
[ "$(grep -o 'class="chart"' page.html | wc -l)" = 2 ] || wrong "crash: the page has not the curves of the other two ops"

is_not_loaded load_throw 'it threw: the dog ate it'
is_not_loaded load_hang 'it took longer than 2 s'
is_not_loaded load_crash 'it crashed \(Segmentation fault\)'
is_not_loaded load_exit 'it ended the process, with status 0'
is_not_loaded name 'it threw: tanh: there is an op of that name already'
is_not_loaded sample 'it threw: sample: .*'

echo no library >text.so
: >empty.so
mkfifo pipe.so
cannot="^gradcheck: --plugin .*: cannot be loaded:"
expect 5 "$cannot ./text.so: (invalid ELF header|file too short)" '' --plugin text.so
expect 5 "$cannot ./empty.so: file too short" '' --plugin empty.so
expect 5 "$cannot it is no file" '' --plugin none.so
expect 5 "$cannot it is no file" '' --plugin .
expect 5 "$cannot it is no file" '' --plugin pipe.so
expect 5 "$cannot it is no file" '' --plugin /dev/zero
expect 5 "$cannot it is no plug-in: nothing in it includes autodiff/plugin.hpp" '' --plugin "$plugins/foreign.so"
expect 5 "$cannot it was built for wengert 0.0, and this is 0.1" '' --plugin "$plugins/version.so"
expect 5 "$cannot .*undefined symbol: .*not_there" '' --plugin "$plugins/missing.so"
expect 5 "$cannot it has no ops" '' --plugin "$plugins/no_ops.so"
echo "$checks checks"
