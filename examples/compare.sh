#!/bin/sh
# usage: compare.sh <program> <file with what it should print>
#
# Lines that begin with "time" differ from run to run and count on neither side.
program=$1 expected=$2
got=$(basename "$program").txt
"$program" >"$got.all" || { cat "$got.all"; echo "$program: exit status is not 0"; exit 1; }
grep -v '^time' "$got.all" >"$got"
grep -v '^time' "$expected" | diff - "$got" && exit 0
echo "differs (< expected, > printed); if that is right: cp $PWD/$got $expected"
exit 1
