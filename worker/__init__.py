"""Everything that runs: gateway, supervisor, build processes, sessions, and the command line."""

from __future__ import annotations
