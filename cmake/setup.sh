# Sourced by ./run and ./check, which say who they are in $name and where in $root: installs what is missing,
# configures the release build, and sees to it that the last line says what happened.
set -eu
cd "$root"
started=$(date +%s)

doing="starting"
trap 'status=$?; [ $status -eq 0 ] || echo "$name: failed while $doing"' EXIT
trap 'exit 130' INT TERM

say() { echo "$name: $*"; }
seconds() { echo $(($(date +%s) - started)); }

install_missing() {
  missing=
  for package in $(sed 's/#.*//' cmake/packages.txt); do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0

  doing="looking for a way to install$missing"
  if ! command -v apt-get >/dev/null; then
    say "apt-get is not there; install these packages by other means:$missing"
    exit 1
  elif [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    say "not root, and sudo is not there; as root: apt-get install --no-install-recommends$missing"
    exit 1
  fi

  say "installs with apt${as_root:+, through $as_root}:$missing"
  doing="installing$missing"
  apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
  $apt update </dev/null
  $apt install --no-install-recommends $missing </dev/null
}

if command -v dpkg-query >/dev/null; then
  install_missing
else
  say "this is no Debian: takes it that what cmake/packages.txt lists is there"
fi

doing="configuring"
cmake --preset release
