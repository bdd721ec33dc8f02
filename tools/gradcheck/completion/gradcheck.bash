# bash completion for gradcheck: commands and options as --help says them, ops with their inputs and attributes as list does.

# The names that an op has, inputs or attributes: _gradcheck_names PROGRAM OP input|attribute
_gradcheck_names() {
  "$1" --no-color list 2>/dev/null | awk -v op="$2" -v kind="$3" '
    /^[^ ]/ { inside = $1 == op }
    inside && kind == "input" && /^    [a-z_0-9]+  / { print $1 "=" }
    inside && kind == "attribute" && /^    [a-z_0-9]+=/ { print substr($1, 1, index($1, "=")) }'
}

_gradcheck() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
  local command= op= word words=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || { [[ -z $command ]] && command=$word; } || { [[ -z $op ]] && op=$word; }
  done
  COMPREPLY=()
  case $prev in
  --dtype) words="f64 f32" ;;
  --order) words="1 2" ;;
  --input | --grad | --tangent | --hvp)
    words=$(_gradcheck_names "$program" "$op" input)
    compopt -o nospace 2>/dev/null
    ;;
  --attr)
    words=$(_gradcheck_names "$program" "$op" attribute)
    compopt -o nospace 2>/dev/null
    ;;
  = | --out | --upstream | --json | --junit | --html | --plugin)
    [[ $cur == = ]] && cur=
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
    ;;
  *)
    if [[ $cur == = ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f)
      return
    elif [[ $cur == -* ]]; then
      words=$("$program" $command --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)" --no-color --quiet"
    elif [[ -z $command ]]; then
      words=$("$program" --help 2>/dev/null | sed -n '/^Subcommands/,/^$/s/^  \([a-z]*\) .*/\1/p')
    elif [[ $command != list ]]; then
      words=$("$program" --no-color list 2>/dev/null | sed -n 's/^\([a-z_0-9]*\)  .*/\1/p')
    fi
    ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _gradcheck gradcheck
