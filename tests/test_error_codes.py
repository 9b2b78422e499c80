"""Every error has a code of its own, and every code is explained."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import autokitteh
import manifest
import worker
from autokitteh.errors import AutoKittehError
from manifest.errors import CODES as MANIFEST
from worker.cli import doctor
from worker.errors import WorkerError
from worker.gateway import refusals

CODES = [*MANIFEST, *refusals.TEXTS, *doctor.CODES.values()]
DOCUMENT = Path(__file__).parents[1] / "docs" / "errors.md"
ROW = re.compile(r"^\| (AK\d{4}) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def classes() -> list[type[WorkerError]]:
    """All error classes of the worker, wherever they are defined."""
    for module in pkgutil.walk_packages(worker.__path__, "worker."):
        if "error" in module.name.rpartition(".")[2]:
            importlib.import_module(module.name)
    found: list[type[WorkerError]] = []
    waiting = [WorkerError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("worker.")]


def test_codes_are_unique():
    """No two error classes share a code, nor does a class take one of the manifest's."""
    codes = [*(kind.code for kind in classes()), *CODES]
    assert sorted(set(codes)) == sorted(codes)


def test_errors_are_defined_in_files_of_errors():
    """Whoever looks for an error class finds it by the name of its file."""
    pattern = re.compile(r"^class \w+\((?:\w+\.)?\w*Error\):\n(?:.*\n)*?    code = ", re.MULTILINE)
    root = Path(worker.__path__[0])
    found = [path for path in root.rglob("*.py") if pattern.search(path.read_text())]
    assert [path for path in found if path.stem != "errors"] == []


def test_every_code_in_the_source_is_one_of_them():
    """Also where a code is written out, because no error is raised there."""
    known = {*(kind.code for kind in classes()), AutoKittehError.code, *CODES}
    roots = [Path(package.__path__[0]) for package in (worker, autokitteh, manifest)]
    sources = [path.read_text() for root in roots for path in root.rglob("*.py")]
    written = {code for source in sources for code in re.findall(r'"(AK\d{4})"', source)}
    assert written == known


def test_codes_are_documented():
    """Each code stands in the table of errors with meaning and remedy, and no other does."""
    codes = {*(kind.code for kind in classes()), AutoKittehError.code, *CODES}
    rows = ROW.findall(DOCUMENT.read_text())
    assert {code for code, _, _ in rows} == codes
    assert all(meaning.strip() and remedy.strip() for _, meaning, remedy in rows)
