#!/usr/bin/env bash
# See that a Temporal server binary is there before tests start: found, downloaded or built (minutes, once).
set -euo pipefail
began=$SECONDS
"$1" - <<'PY'
import asyncio
from worker import devserver
from worker.config import Settings
asyncio.run(devserver.find(Settings.load().cache_dir, lambda text: print(text, flush=True)))
PY
echo "Temporal ready after $((SECONDS - began)) s"
