#!/usr/bin/env bash
# Make the virtual environment with ak and the development tools in it; says how long it took.
set -euo pipefail
venv=$1
began=$SECONDS

usable() { "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=""
found=""
for name in python3 python3.14 python3.13 python3.12 python3.11; do
  if version=$("$name" --version 2>/dev/null); then
    found="$found $name ($version)"
    if usable "$name"; then
      python=$name
      break
    fi
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer with its venv module is needed; found:${found:- none}." >&2
  echo "On Debian: apt-get install python3 python3-venv. Elsewhere put a newer python3 first on PATH." >&2
  exit 1
fi

if ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  echo "making $venv with $("$python" --version) …"
  "$python" -m venv --clear "$venv"
fi
echo "installing ak and its tools into $venv: a minute or two, once …"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
echo "set up in $((SECONDS - began)) s"
