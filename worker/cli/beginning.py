"""How ``ak up`` begins: with Temporal's server, and everything else is loaded while it starts.

Nothing here may be slow to load; see ``worker.embedded``.
"""

from __future__ import annotations

from pathlib import Path

from worker import embedded
from worker.cli import context
from worker.cli.output import Output
from worker.config import Settings
from worker.log import configure


async def up(directories: list[Path], settings: Settings, out: Output, *, watching: bool = False) -> int:
    """Everything on one machine, until a signal."""
    out.logs_json = settings.log_format == "json"
    configure(settings.log_level, as_json=out.logs_json)
    stopped = context.stop_event()
    for warning in settings.warnings:
        out.progress(f"warning: {warning}")
    async with embedded.begun(settings, out.progress) as server:
        from worker.cli import running  # it takes as long as the server does

        return await running.up(directories, settings, server, stopped, out, watching=watching)
