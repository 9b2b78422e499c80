#!/usr/bin/env bash
# See that PostgreSQL's binaries are there: Debian's package when they are not. No cluster of the system's is made.
set -euo pipefail
. "$(dirname "$0")/ensure_package.sh"
if command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then exit 0; fi
settings=/etc/postgresql-common/createcluster.conf
if [ ! -e "$settings" ] && as_root mkdir -p "$(dirname "$settings")" 2>/dev/null; then
  echo "create_main_cluster = false" | as_root tee "$settings" >/dev/null
fi
ensure_package PostgreSQL postgresql
