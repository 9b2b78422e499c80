"""The index of a project's Python files: which module names the project defines, and where.

May import: ``worker.errors``, ``code_cache``, the standard library.

Two names per module. The *user's name* is what an import statement says (``calendar``, ``pkg.mod``). The *runtime
name* is the module's ``__name__``, and its place in ``sys.modules`` while it is there. They are the same, except
where the top-level name means something outside the project too (the standard library, an installed distribution,
``worker``, ``manifest``, ``autokitteh``): then the runtime name is ``project.calendar``, so that nothing global is
ever shadowed. Which names those are depends on the build and on the installed packages alone, never on what happens
to be imported already.

Packages follow Python's order: a directory with ``__init__.py``, then a file, then a directory without
``__init__.py`` that holds Python files somewhere.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from worker.usercode.code_cache import CodeCache

INIT = "__init__.py"
OWN_NAMES = frozenset({"worker", "manifest", "autokitteh", "__main__", "builtins"})
_SKIPPED_DIRECTORIES = frozenset({"__pycache__", "node_modules", "site-packages"})
_PREFIXES = ("project", "project_", "project__")


@dataclass(frozen=True)
class UserModule:
    """One importable module. ``file`` is relative, and empty for a directory without ``__init__.py``."""

    name: str
    runtime_name: str
    file: str
    directory: str = ""  # absolute, for packages only

    @property
    def is_package(self) -> bool:
        """Whether it can have submodules."""
        return bool(self.directory)


class Project:
    """The modules of the project in ``directory``, indexed once."""

    def __init__(self, directory: Path, cache: CodeCache | None = None) -> None:
        self.directory = Path(os.path.realpath(directory))
        self.code = cache or CodeCache()
        self._files: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._index(self.directory, ())

    @cached_property
    def modules(self) -> dict[str, UserModule]:
        """Every module by the user's name."""
        return {name: self._module(name) for name in sorted({*self._files, *self._packages})}

    @cached_property
    def files(self) -> dict[str, str]:
        """The user's name of a module by its relative file."""
        return {module.file: name for name, module in self.modules.items() if module.file}

    @cached_property
    def by_runtime_name(self) -> dict[str, str]:
        """The user's name of a module by its runtime name."""
        return {module.runtime_name: name for name, module in self.modules.items()}

    @cached_property
    def prefix(self) -> str:
        """The package under which modules run whose own name is taken."""
        free = (p for p in _PREFIXES if p not in self._top_level and not self._outside(p))
        return next(free, _PREFIXES[-1])

    @cached_property
    def taken(self) -> frozenset[str]:
        """Top-level names of the project that mean something outside it as well."""
        return frozenset(name for name in self._top_level if self._outside(name))

    def path(self, module: UserModule) -> Path:
        """The absolute path of the module's file, or of its directory."""
        return self.directory / module.file if module.file else Path(module.directory)

    def find(self, name: str) -> str | None:
        """The user's name of the module that ``name`` in an import statement means, None for one from outside.

        A directory the program put on ``sys.path`` counts when it lies in the project: its modules are the user's
        code, and would run without the router otherwise.
        """
        top = name.partition(".")[0]
        if top in self._top_level:
            return name
        for entry in sys.path:
            if os.path.isabs(entry) and not entry.startswith(self._root):  # noqa: PTH117 - each import statement asks
                continue
            path = os.path.realpath(entry)
            if path.startswith(self._root):
                root = path.removeprefix(self._root).replace(os.sep, ".")
                if f"{root}.{top}" in self.modules:
                    return f"{root}.{name}"
        return None

    def is_bare(self, name: str) -> bool:
        """Whether this is a top-level directory without ``__init__.py``, whose name is taken outside as well.

        In plain Python the package outside wins; here the two are merged.
        """
        return name in self.taken and name not in self._files

    @cached_property
    def _root(self) -> str:
        return f"{self.directory}{os.sep}"

    @cached_property
    def _top_level(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in (*self._files, *self._packages))

    def _module(self, name: str) -> UserModule:
        top = name.partition(".")[0]
        runtime = f"{self.prefix}.{name}" if top in self.taken else name
        file = self._files.get(name, "")
        is_package = not file or file.endswith(f"/{INIT}")
        return UserModule(name, runtime, file, self._packages[name] if is_package else "")

    def _index(self, directory: Path, parts: tuple[str, ...]) -> bool:
        """Index one directory; whether it holds Python files, itself or further down."""
        found = False
        for entry in _entries(directory):
            if entry.is_dir():
                if entry.is_symlink() and _is_loop(entry.path, directory):
                    continue
                inner = (*parts, entry.name)
                if self._index(Path(entry.path), inner):
                    found = True
                    self._packages.setdefault(_dotted(inner), entry.path)
            elif entry.name.endswith(".py") and entry.is_file():
                found = True
                self._add_file(entry, parts)
        return found

    def _add_file(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> None:
        relative = "/".join((*parts, entry.name))
        if entry.name == INIT and parts:
            self._files[_dotted(parts)] = relative
            return
        name = _dotted((*parts, entry.name.removesuffix(".py")))
        if (self.directory / Path(*parts) / entry.name[:-3] / INIT).is_file():
            return  # the package beside it wins
        self._files[name] = relative

    def _outside(self, name: str) -> bool:
        """Whether ``import name`` would find something if the project did not exist."""
        if name in OWN_NAMES or name in sys.stdlib_module_names:
            return True
        search = [e for e in sys.path if not self._contains(e)]
        for finder in sys.meta_path:
            path = search if finder is importlib.machinery.PathFinder else None
            try:
                if finder.find_spec(name, path) is not None:
                    return True
            except (ImportError, ValueError, AttributeError):
                continue
        return False

    def _contains(self, entry: str) -> bool:
        path = Path(os.path.realpath(entry or os.curdir))
        return path == self.directory or self.directory in path.parents


def _dotted(parts: tuple[str, ...]) -> str:
    """A module name; a dot in a file's name cannot be part of one."""
    return ".".join(part.replace(".", "_") for part in parts)


def _is_loop(link: str, directory: Path) -> bool:
    target = Path(os.path.realpath(link))
    here = Path(os.path.realpath(directory))
    return target == here or target in here.parents


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """The entries worth looking at, in a fixed order."""
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name.startswith(".") or entry.name in _SKIPPED_DIRECTORIES:
                continue
            if entry.is_dir() and (Path(entry.path) / "pyvenv.cfg").exists():
                continue
            yield entry
