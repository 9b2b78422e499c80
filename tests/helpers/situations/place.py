"""Where a situation is made: a directory, a home, and the commands in them."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.config import Settings
from worker.store import Store, open_store
from worker.store.records import Deployment

MANIFEST = "version: v2\nproject:\n  name: shop\n"
# Those that take a running installation: ``tests/acceptance/test_situations.py`` makes them.
OF_INSTALLATIONS = (
    "`ak up` was killed",
    "A container asks whether its gateway can work",
    "The gateway has lost Temporal",
    "A process is killed again and again",
    "The disk of the home is full",
)


class Place:
    """A directory, a home, and the commands in them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., str]) -> None:
        self.here = root / "here"
        self.home = root / "home"
        self.patch = monkeypatch
        self.ak = run

    def write(self, **files: str | bytes) -> None:
        """Files of the project; ``__`` stands for the dot in their names."""
        for name, content in files.items():
            path = self.here / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    @property
    def settings(self) -> Settings:
        """Those of the home."""
        return Settings.load({"AK_HOME": str(self.home)})

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        """The store of the home."""
        with contextlib.closing(
            open_store(self.settings.database_url, secret_key=self.settings.installation_key())
        ) as store:
            yield store

    def deployed(self, manifest: str = MANIFEST, *, active: bool = True, **files: str) -> Deployment:
        """The project is in the store, as a worker left it."""
        from worker import target

        self.write(autokitteh__yaml=manifest, **files)
        with self.store() as store:
            made = target.request(target.prepare(self.here, store), store)
            if active:
                store.deployments.activate(made.id)
        return made

    def types(self, text: str, *, terminal: bool = False) -> None:
        """What stands on standard input from now on."""
        given = io.StringIO(text)
        self.patch.setattr(given, "isatty", lambda: terminal, raising=False)
        self.patch.setattr(sys, "stdin", given)


Make = Callable[[Place], object]
SITUATIONS: dict[str, Make] = {}


def situation(make: Make) -> Make:
    """Register it by its first line."""
    assert make.__doc__
    title = make.__doc__.partition("\n")[0].rstrip(".")
    assert title not in SITUATIONS, title
    SITUATIONS[title] = make
    return make
