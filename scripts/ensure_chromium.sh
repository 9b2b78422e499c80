#!/usr/bin/env bash
# See that a Chromium is there for the test of the Temporal UI: Debian's package when it is not.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
began=$SECONDS
sudo=""
if [ "$(id -u)" != 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "Chromium is missing and cannot be installed without root: install Debian's package chromium." >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
  fi
  sudo="sudo -n"
fi
echo "installing Chromium (Debian's package chromium) …"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null
echo "Chromium installed in $((SECONDS - began)) s"
