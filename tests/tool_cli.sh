#!/bin/sh
# usage: tool_cli.sh <gradcheck>
#
# The command line from outside: exit statuses, one line on stderr, and files and streams that are not what they should be.
gradcheck=$1
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
checks=0

wrong() { echo "wrong: $*"; exit 1; }

# expect <status> <line on stderr, or none> <word>...: runs gradcheck on the words.
expect() {
  status=$1 line=$2
  shift 2
  timeout 60 "$gradcheck" "$@" >out 2>err </dev/null
  got=$?
  [ $got = "$status" ] || wrong "$*: exit status $got, expected $status; $(cat err)"
  [ "$(cat err)" = "$line" ] || wrong "$*: says '$(cat err)', expected '$line'"
  checks=$((checks + 1))
}

header="{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
{ printf '\223NUMPY\001\000\071\000%s' "$header"; printf '\000\000\200\077\000\000\000\100'; } >x.npy

# Usage.
expect 2 "gradcheck: A subcommand is required; see gradcheck --help"
expect 2 "gradcheck: there is no command evil; did you mean eval?" evil
expect 2 "gradcheck: The following argument was not expected: --jsn; see gradcheck list --help" list --jsn
expect 2 "gradcheck: NAME is required; see gradcheck eval --help" eval
expect 2 "gradcheck: --json: 1 required FILE missing; see gradcheck list --help" list --json
expect 2 "gradcheck: neg: nothing is asked for; --out, --grad or --hvp was expected" eval neg --input x=x.npy
expect 2 "gradcheck: --json: it is empty; see gradcheck check --help" check tanh --json ''
expect 2 "gradcheck: --order: it is empty; see gradcheck check --help" check tanh --order ''
expect 2 "gradcheck: --seed: -1 is no whole number from 0 to 18446744073709551615; see gradcheck check --help" check --seed -1
expect 2 "gradcheck: --directions: 0 is no whole number from 1 to 2147483647; see gradcheck check --help" check --directions 0
expect 2 "gradcheck: --limit: nan is no whole number from 1 to 2147483647; see gradcheck check --help" check --limit nan
expect 2 "gradcheck: --order: 3 not in {1,2}; see gradcheck check --help" check --order 3
expect 0 "" check tanh tanh --order 1
tail -n 1 out | grep -qx '1 op, 2 checks, seed 1: all right' || wrong "check tanh tanh: $(cat out)"
expect 0 "" --version
grep -qE '^gradcheck [0-9]+\.[0-9]+\.[0-9]+$' out || wrong "--version: $(cat out)"
expect 0 "" --help
for command in $(sed -n '/^Subcommands/,/^$/s/^  \([a-z]*\) .*/\1/p' out); do
  expect 0 "" "$command" --help
  grep -A1 '^Example' out | grep -q "^  gradcheck $command" || wrong "$command --help has no example"
  commands="$commands $command"
done
echo "commands:$commands"

# What people have instead of a file of numbers.
expect 0 "" eval neg --input x=x.npy --out y.npy
cmp -s y.npy x.npy && wrong "eval neg changed nothing"
expect 2 "gradcheck: --input x=/dev/zero: is a device or a pipe; a .npy file was expected" eval neg --input x=/dev/zero --out y.npy
expect 2 "gradcheck: --input x=$dir: is a directory; a .npy file was expected" eval neg --input x="$dir" --out y.npy
mkfifo pipe
expect 2 "gradcheck: --input x=pipe: is a device or a pipe; a .npy file was expected" eval neg --input x=pipe --out y.npy
: >empty.npy
expect 2 "gradcheck: --input x=empty.npy: is empty; a .npy file was expected" eval neg --input x=empty.npy --out y.npy
{ cat x.npy; echo; } >longer.npy
expect 2 "gradcheck: --input x=longer.npy: goes on after its data: float32 [2] takes 8 bytes, and 9 are there" \
  eval neg --input x=longer.npy --out y.npy

# A file with a hole of a terabyte is as long as its header says. A sanitizer would speak first.
{ printf '\223NUMPY\001\000\102\000%s' "{'descr': '<f8', 'fortran_order': False, 'shape': (137438953472,)}"; } >hole.npy
[ -n "$SANITIZED" ] || ! truncate -s $((76 + 137438953472 * 8)) hole.npy 2>err || expect 2 "gradcheck: there is not enough memory for that" eval neg --input x=hole.npy --out y.npy
rm hole.npy

# Where output cannot go.
expect 2 "gradcheck: --out pipe: nobody reads this pipe" eval neg --input x=x.npy --out pipe
expect 2 "gradcheck: --out /dev/full: No space left on device" eval neg --input x=x.npy --out /dev/full
(ulimit -f 0; "$gradcheck" eval neg --input x=x.npy --out y2.npy 2>&1) | grep -qx 'gradcheck: --out y2.npy: File too large' || wrong "ulimit -f 0"
expect 2 "gradcheck: --out none/y.npy: No such file or directory" eval neg --input x=x.npy --out none/y.npy
expect 2 "gradcheck: --grad x=y.npy: is written by --out ./y.npy already; name another file" \
  eval neg --input x=x.npy --out ./y.npy --grad x=y.npy
if [ "$(id -u)" != 0 ]; then
  mkdir locked && : >locked/y.npy && chmod 500 locked
  expect 2 "gradcheck: --out locked/y.npy: Permission denied" eval neg --input x=x.npy --out locked/y.npy
  chmod 700 locked
fi
expect 0 "" eval neg --input x=x.npy --out /dev/null
[ -c /dev/null ] || wrong "/dev/null has become a file"
expect 0 "" eval neg --input x=x.npy --out -
cmp -s out y.npy || wrong "--out - is not what --out y.npy is"
[ "$(ls)" = "$(printf 'empty.npy\nerr\nlonger.npy\nout\npipe\nx.npy\ny.npy')" ] || [ -d locked ] || wrong "left behind: $(ls)"

# Streams that are closed, full, or no longer read.
"$gradcheck" list >&- 2>err
[ $? = 2 ] && grep -qx 'gradcheck: stdout: Bad file descriptor' err || wrong "closed stdout: $(cat err)"
"$gradcheck" list 2>&- >&-
[ $? = 2 ] || wrong "stdout and stderr closed"
"$gradcheck" list >/dev/full 2>err
[ $? = 2 ] && grep -qx 'gradcheck: stdout: No space left on device' err || wrong "full stdout: $(cat err)"
{ sleep 0.2; "$gradcheck" list 2>err; echo $? >status; } | true
[ "$(cat status)" = 0 ] && [ ! -s err ] || wrong "broken pipe: $(cat status err)"
"$gradcheck" eval neg --input x=x.npy --out closed.npy >&- 2>&- <&- || wrong "all streams closed"
cmp -s closed.npy y.npy || wrong "with all streams closed, something else is written"
echo "$checks checks"
