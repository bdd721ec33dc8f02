#!/bin/sh
# usage: public_headers.sh <compiler> <source directory> <header>...
#
# The public headers draw in nothing that costs their users seconds, or a package.
compiler=$1 source=$2
shift 2
files=$(for header; do echo "#include <$header>"; done | "$compiler" -std=c++20 -I "$source" -x c++ -M -) || exit 1
unwanted='/(xlinalg|xio|xrandom|CLI11|CLI|json)\.hpp|/xsimd/|/xtensor-blas/|/xflens/|/cblas'
echo "$# headers, $(echo "$files" | wc -w) files"
if echo "$files" | tr ' ' '\n' | grep -E "$unwanted"; then
  echo "are included by public headers"
  exit 1
fi
