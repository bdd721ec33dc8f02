#!/bin/bash
# usage: tool_completion.sh <gradcheck> <source directory>
#
# What the completions offer, in bash, and in zsh where it is there.
gradcheck=$1 completion=$2/tools/gradcheck/completion
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
touch scores.npy

source "$completion/gradcheck.bash"
in_bash() { # <word>...: the last is being completed
  COMP_WORDS=("$gradcheck" "$@") COMP_CWORD=$#
  _gradcheck 2>/dev/null
  echo "${COMPREPLY[*]}"
}
in_zsh() {
  zsh -f -c '
    compadd() {  # the candidates that the word begins: as the real one, but to stdout
      local -a found; local suffix= word=$words[CURRENT]
      while [[ $1 == -* && $1 != --?* ]]; do
        if [[ $1 == -S ]]; then suffix=$2; shift; fi
        if [[ $1 == -- ]]; then shift; break; fi
        shift
      done
      for c; do [[ $c == $word* ]] && found+=$c$suffix; done
      print -- $found
    }
    compset() { [[ $words[CURRENT] == *=* ]] && words[CURRENT]=${words[CURRENT]#*=}; }
    _files() { print -- $words[CURRENT]*(N); }
    words=("${@:2}") CURRENT=$(($# - 1))
    source $1' zsh "$completion/_gradcheck" "$gradcheck" "$@"
}
expect() { # <offered> <word>...
  local offered=$1 shell
  shift
  for shell in $shells; do
    got=$(in_$shell "$@")
    [ "$got" = "$offered" ] || { echo "wrong: $shell offers '$got' for '$*', expected '$offered'"; exit 1; }
    checks=$((checks + 1))
  done
}

shells=bash
command -v zsh >/dev/null && shells="bash zsh" || echo "zsh is not there: NOT checked"
expect "list" l
expect "check compare" c
expect "softmax_ce" check softmax_c
expect "tanh" check tan
expect "logsumexp" check tanh logs
expect "--junit" check --ju
expect "--tangent" eval softmax_ce --ta
expect "--quiet" check --q
expect "--version" --v
expect "f64 f32" check --dtype ""
expect "scores=" eval softmax_ce --input sc
expect "reduction=" eval softmax_ce --attr red
expect "scores.npy" eval softmax_ce --out sc
expect "" list x
shells=bash # which splits words at =
expect "scores.npy" eval softmax_ce --input scores = s
expect "scores.npy" eval softmax_ce --input scores =
! command -v zsh >/dev/null || { shells=zsh && expect "scores.npy" eval softmax_ce --input scores=s; }
echo "$checks checks"
