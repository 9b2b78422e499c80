"""Small projects of a user, written to a directory and loaded into namespaces that route nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from worker.usercode.namespace import Hooks, Namespace
from worker.usercode.project import Project


def same(value: Any, site: str) -> Any:
    """A router that changes nothing."""
    return value


def write_project(directory: Path, files: dict[str, str]) -> Path:
    """Write the files (relative path → text) and return the directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return directory


@dataclass
class UserProject:
    """A project with namespaces on demand; ``current`` is the one that "runs"."""

    project: Project
    current: Namespace | None = None
    loads: list[bool] = field(default_factory=list)

    def namespace(self, *, permanent: bool = False, **options: Any) -> Namespace:
        """A fresh namespace."""
        return Namespace(self.project, self.hooks(), permanent=permanent, **options)

    def hooks(self, route: Callable[[Any, str], Any] = same) -> Hooks:
        """Hooks that record loads and know the current namespace."""
        return Hooks(route, same, lambda made: made, {}, self.loads.append, lambda: self.current)


def user_project(directory: Path, files: dict[str, str]) -> UserProject:
    """Write a project and index it."""
    return UserProject(Project(write_project(directory, files)))
