#!/bin/sh
# usage: tool_check.sh <gradcheck> <source directory>
#
# Checks everything, as a user does, and holds the reports against their schemas. 77 where what reads them is missing.
gradcheck=$1 docs=$2/docs
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
"$gradcheck" check --seed 3 --json all.json --junit all.xml >all.txt || { cat all.txt; exit 1; }
tail -n 1 all.txt
tail -n 1 all.txt | grep -qE '^[0-9]+ ops, [0-9]+ checks, seed 3: all right$' || exit 1
"$gradcheck" check --quiet --order 2 --dtype f64 tanh >quiet.txt || exit 1
[ "$(cat quiet.txt)" = "1 op, 1 check, seed 1: all right" ] || { cat quiet.txt; exit 1; }
"$gradcheck" check softmax --json first.json >/dev/null && "$gradcheck" check softmax --json again.json >/dev/null &&
  cmp first.json again.json || { echo "the same seed, and another report"; exit 1; }
"$gradcheck" check softmax --seed 2 --json other.json >/dev/null && ! cmp -s first.json other.json ||
  { echo "another seed, and the same report"; exit 1; }
"$gradcheck" check softmax --directions 4 --dtype f64 --json along.json | grep 'missed with a probability' || exit 1

command -v xmllint >/dev/null || { echo "skipped: xmllint is not there"; exit 77; }
xmllint --noout --schema "$docs/gradcheck.xsd" all.xml || exit 1
/usr/bin/python3 -W ignore - "$docs/gradcheck.schema.json" all.json first.json along.json <<'P'
import json, sys
try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not there")
    sys.exit(77)
schema = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    report = json.load(open(name))
    jsonschema.Draft202012Validator(schema).validate(report)
    print(name, "is as its schema says:", len(report["checks"]), "checks")
P
