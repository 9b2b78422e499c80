#!/usr/bin/env bash
# Make the virtual environment with ak and the development tools in it; says how long it took.
set -euo pipefail
venv=$1
began=$SECONDS
find_python() {
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"; return
    fi
  done
}
python=$(find_python)
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is needed and was not found on PATH." >&2
  exit 1
fi
echo "setting up $venv with $("$python" --version) …"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
echo "set up in $((SECONDS - began)) s"
