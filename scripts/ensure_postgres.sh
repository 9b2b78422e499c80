#!/usr/bin/env bash
# See that PostgreSQL's binaries are there: Debian's package when they are not. No cluster of the system's is made.
set -euo pipefail
if command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then exit 0; fi
began=$SECONDS
sudo=""
if [ "$(id -u)" != 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "PostgreSQL is missing and cannot be installed without root: install Debian's package postgresql." >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
  fi
  sudo="sudo -n"
fi
echo "installing PostgreSQL (Debian's package postgresql) …"
$sudo mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends postgresql >/dev/null
echo "PostgreSQL installed in $((SECONDS - began)) s"
