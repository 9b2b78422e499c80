#!/usr/bin/env bash
# See that a Chromium is there for the test of the Temporal UI: Debian's package when it is not.
set -euo pipefail
. "$(dirname "$0")/ensure_package.sh"
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
ensure_package Chromium chromium
