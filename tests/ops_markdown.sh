#!/bin/sh
# usage: ops_markdown.sh <ops_markdown> <source directory>
#
# docs/ops.md is what the program prints, and every public function that gives a variable is in it.
program=$1 source=$2
listed=$("$program") || exit 1
echo "$listed" | diff "$source/docs/ops.md" - || { echo "docs/ops.md is not what $program prints: run it > docs/ops.md"; exit 1; }

# What ops are made of, or made for: no ops.
helpers='run argmax make_result take_part put_part split_evenly along one_each make_result_in apply sum_to greater select parameter hvp jacobian map checkpoint hook softmax_ce_unfused score_gradient place_of_gradient constant pointwise pointwise_times row_loss'
names=$(sed -n 's/^| \([a-z0-9_]*\) |.*/\1/p' "$source/docs/ops.md")
for name in $(cat "$source"/autodiff/*.hpp "$source"/autodiff/ops/*.hpp "$source"/losses/*.hpp |
  grep -E '^(template <.*> *)?(requires .*)?(std::vector<Variable<T>>|Variable<T>|Labels|LstmState<T>) +[a-z0-9_]+\(' |
  sed -E 's/.*(Variable<T>>?|Labels|State<T>) +([a-z0-9_]+)\(.*/\2/' | sort -u); do
  count=$((count + 1))
  [ "$name" != stddev ] || name=std # what NumPy and PyTorch call it
  echo "$helpers $names" | tr ' ' '\n' | grep -qx "$name" || missing="$missing $name"
done
echo "$((count)) functions, $(echo "$names" | wc -l) declared"
[ $((count)) -gt 20 ] && [ -z "$missing" ] || { echo "not declared:$missing"; exit 1; }

# Every loss has a picture or a word in docs/losses.md.
for loss in $(echo "$listed" | sed -n '/^## Losses/,$s/^| \([a-z0-9_]*\) |.*/\1/p' | grep -vx name); do
  grep -qE "^## (.*[ ,])?$loss(,.*)?$" "$source/docs/losses.md" || { echo "docs/losses.md says nothing of $loss"; exit 1; }
done
for picture in $(sed -n 's/.*](losses\/\(.*\.svg\)).*/\1/p' "$source/docs/losses.md"); do
  [ -s "$source/docs/losses/$picture" ] || { echo "docs/losses/$picture is not there"; exit 1; }
done
