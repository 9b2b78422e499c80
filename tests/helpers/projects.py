"""Small projects, written where a test needs them."""

from __future__ import annotations

import textwrap
from pathlib import Path


def write(directory: Path, name: str, files: dict[str, str], *, triggers: str = "", extra: str = "") -> Path:
    """A project with a webhook ``go`` on ``main.py:on_event`` unless other triggers are given."""
    directory.mkdir(parents=True, exist_ok=True)
    chosen = triggers or "- {name: go, type: webhook, call: 'main.py:on_event'}"
    manifest = (
        f"version: v2\nproject:\n  name: {name}\n{textwrap.indent(textwrap.dedent(extra), '  ')}  triggers:\n"
    )
    (directory / "autokitteh.yaml").write_text(
        manifest + textwrap.indent(textwrap.dedent(chosen), "    ") + "\n"
    )
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return directory
