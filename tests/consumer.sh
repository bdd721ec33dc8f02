#!/bin/sh
# usage: consumer.sh <cmake> <source directory> <build directory> installed|subdirectory|shared
#
# Uses the library as tests/consumer does, a project of its own:
#   installed     installs this build, finds it, builds and runs; once more with flags that change xtensor's own types;
#                 and the example of a plug-in
#   subdirectory  configures with the sources as a subdirectory and compiles the program, but not the library again
#   shared        builds it all with the sources as a subdirectory and a shared library, installs that and finds it
set -eu
cmake=$1 source=$2 build=$3 how=$4
scratch=$build/tests/consumer_$how
mkdir -p "$scratch"

configure() { # <directory> <option>...
  dir=$scratch/$1
  shift
  "$cmake" -S "$source/tests/consumer" -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@"
}
build_and_run() {
  "$cmake" --build "$dir" --parallel "$(nproc)" && "$dir/consumer"
}

check_plugin() {
  [ -x "$scratch/prefix/bin/gradcheck" ] || return 0
  "$cmake" -S "$source/examples/plugin" -B "$scratch/plugin" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix"
  "$cmake" --build "$scratch/plugin"
  "$scratch/prefix/bin/gradcheck" check --plugin "$scratch/plugin/myop.so"
}

case $how in
installed)
  rm -rf "$scratch"
  "$cmake" --install "$build" --prefix "$scratch/prefix" >/dev/null
  configure plain -DCMAKE_PREFIX_PATH="$scratch/prefix"
  build_and_run
  configure flags -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_CXX_FLAGS="-march=native -DXTENSOR_USE_XSIMD"
  build_and_run
  check_plugin
  ;;
subdirectory)
  configure all -DWENGERT_SOURCE="$source"
  "$cmake" --build "$dir" --target CMakeFiles/consumer.dir/main.cpp.o
  ;;
shared)
  configure all -DWENGERT_SOURCE="$source" -DBUILD_SHARED_LIBS=ON -DWENGERT_INSTALL=ON -DWENGERT_TOOLS=ON
  build_and_run
  rm -rf "$scratch/prefix" "$scratch/found" "$scratch/plugin"
  "$cmake" --install "$dir" --prefix "$scratch/prefix" >/dev/null
  configure found -DCMAKE_PREFIX_PATH="$scratch/prefix"
  build_and_run
  check_plugin
  ;;
esac
