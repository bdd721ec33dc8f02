#!/bin/sh
# usage: tool_man.sh <gradcheck> <source directory>
#
# The man page has the commands and options that --help has, and no others; and it is laid out without complaint.
gradcheck=$1 page=$2/docs/gradcheck.1
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
text=$(sed 's/\\-/-/g' "$page")
commands=$("$gradcheck" --help | sed -n '/^Subcommands/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || exit 1
for command in "" $commands; do "$gradcheck" $command --help; done | grep -oE '^  (-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u >options.help
echo "$text" | grep -oE -- '--[a-z-]+' | sort -u >options.man
diff options.help options.man || { echo "(< only in --help, > only in the man page)"; exit 1; }
for command in $commands; do
  echo "$text" | grep -A1 '^\.TP' | grep -qx "\.B $command" || { echo "the man page has no $command"; exit 1; }
done
echo "$(echo "$commands" | wc -w) commands, $(wc -l <options.man) options"
version=$("$gradcheck" --version | sed 's/gradcheck \([0-9]*\.[0-9]*\).*/\1/')
echo "$text" | grep -q "\"wengert $version\"" || { echo "the man page is not of version $version"; exit 1; }
command -v man >/dev/null || exit 0
complaints=$(LC_ALL=C.UTF-8 MANWIDTH=80 MANROFFSEQ= man --warnings -l "$page" 2>&1 >/dev/null)
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
