#!/bin/sh
# What gradcheck prints: tool_golden.sh GRADCHECK [--update]. golden/*.txt begin with a command, "$ gradcheck ...", and go
# on with what it prints on stdout and stderr, and "[exit status N]" unless that is 0. The same for every instruction set.
set -u
gradcheck=$1
directory=$(dirname "$0")/golden
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export NO_COLOR=1 COLUMNS=100
failed=0

show() { # <golden file>
  command=$(head -n 1 "$1")
  echo "$command"
  # The arguments contain neither quotes nor patterns.
  set -f
  # shellcheck disable=SC2086
  "$gradcheck" ${command#"$ gradcheck "} 2>&1
  status=$?
  set +f
  [ $status = 0 ] || echo "[exit status $status]"
}

for file in "$directory"/*.txt; do
  for level in "" baseline; do
    WENGERT_SIMD=$level show "$file" >"$scratch/now"
    if [ "${2:-}" = --update ]; then
      cp "$scratch/now" "$file"
    elif ! diff -u "$file" "$scratch/now"; then
      echo "FAILED: $(basename "$file") with WENGERT_SIMD=$level"
      failed=1
    fi
  done
done
[ $failed = 0 ] && echo "golden: $(ls "$directory" | wc -l) outputs as they should be"
exit $failed
