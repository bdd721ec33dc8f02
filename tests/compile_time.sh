#!/bin/bash
# usage: compile_time.sh <compiler> <source directory>
#
# Prints what a user's small net costs to compile beside what xtensor alone does. Says nothing of right or wrong: the
# figures depend on the machine and on what else it does.
compiler=$1 source=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
TIMEFORMAT='%U %S'
cpu_seconds() {
  { time "$compiler" -std=c++20 -O2 -I "$source" -c "$1" -o "$dir/object.o" 2>"$dir/messages"; } 2>&1 | awk '{ printf "%.2f", $1 + $2 }'
  [ ! -s "$dir/messages" ] || { cat "$dir/messages" >&2; exit 1; }
}
echo '#include <xtensor/xarray.hpp>' >"$dir/xarray.cpp"
cpu_seconds "$dir/xarray.cpp" >/dev/null # the first one reads the headers from the disk
xarray=$(cpu_seconds "$dir/xarray.cpp") && net=$(cpu_seconds "$source/tests/consumer/main.cpp") || exit 1
echo "compile_time: tests/consumer/main.cpp at -O2 takes $net s of CPU," \
  "$(awk "BEGIN { printf \"%.1f\", $net / $xarray }") times <xtensor/xarray.hpp> alone ($xarray s)"
