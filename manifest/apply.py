"""Carry out a plan on a target.

Planning and applying are one computation: what is applied is the plan, made anew against the target as it is at that
moment. Doing it twice does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable

from manifest.changes import Change, Create, Delete, Rename, Update
from manifest.model import Project
from manifest.plan import Plan, plan
from manifest.target import Target


def apply(desired: Project, target: Target, tell: Callable[[Change], None] = lambda _change: None) -> Plan:
    """Make a project what its manifest says; returns what had to be done.

    Args:
        desired: the manifest's project.
        target: where; it is asked for its state, then changed.
        tell: called after each change.
    """
    made = plan(desired, target.current(desired.name))
    execute(made, target, tell)
    return made


def execute(made: Plan, target: Target, tell: Callable[[Change], None] = lambda _change: None) -> None:
    """Make the changes of a plan, in their order."""
    for change in made.changes:
        match change:
            case Create() | Update():
                target.put(made.project, change.place, change.fields)
            case Delete():
                target.delete(made.project, change.place)
            case Rename():
                target.rename(made.project, change.place, change.to)
        tell(change)
