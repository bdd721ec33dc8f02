#!/bin/sh
# usage: kernel_symbols.sh <nm> v3 <objects>... v4 <objects>...
#
# Of a function that several object files share (weak symbols), the linker keeps one copy. Were one of them compiled for
# AVX-512, an older processor would die in it. So what the kernels' objects share must bear the instruction set in its name:
# the namespaces v3 and v4 are ours, avx2 and avx512 are the architecture arguments of xsimd's templates.
nm=$1
shift
for argument; do
  case $argument in
    v3) level=v3 own='kernels::v3::|avx2' ;;
    v4) level=v4 own='kernels::v4::|avx512' ;;
    *)
      objects=$((objects + 1))
      leaks=$("$nm" -C --defined-only "$argument" | grep -E '^[0-9a-f]* [WVu] ' | grep -vE "$own|DW\.ref\.") || continue
      echo "compiled for $level and shared by $argument:"
      echo "$leaks"
      failed=1
      ;;
  esac
done
echo "$((objects)) objects"
[ $((objects)) -gt 0 ] && [ -z "$failed" ]
