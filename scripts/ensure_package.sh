# Sourced by the ensure scripts: install a Debian package, or say what is skipped without it.

# give_up NAME WHY: in CI a missing service fails the run; at home its tests are skipped.
give_up() {
  echo "$1 is missing and $2." >&2
  if [ -n "${CI:-}" ]; then exit 1; fi
  echo "The tests that need it are skipped." >&2
  exit 0
}

# ensure_package NAME PACKAGE: needs root, or sudo that does not ask.
ensure_package() {
  local name=$1 package=$2 began=$SECONDS log
  command -v apt-get >/dev/null || give_up "$name" "this system has no apt-get: install it by hand"
  as_root true 2>/dev/null || give_up "$name" "only root can install it: apt-get install $package"
  echo "installing $name (Debian's package $package): up to a few minutes, once …"
  log=$(mktemp)
  if ! { as_root apt-get update &&
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y \
      --no-install-recommends -o Dpkg::Options::=--force-confold "$package"; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    give_up "$name" "Debian's package $package could not be installed"
  fi
  rm -f "$log"
  echo "$name installed in $((SECONDS - began)) s"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
