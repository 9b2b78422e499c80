"""What a deployment changes beside what its manifest decides: files, variables set by hand meanwhile, the runtime.

The plan of the manifest is made by ``manifest.plan``; here it gets the rest, so that a deployment that is needed never
comes without its reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from manifest import Change, Create, Delete, Place, Plan, State, Update
from worker import environment
from worker.store import Store
from worker.store.records import Deployment
from worker.usercode import archive


def whole(
    made: Plan,
    current: State,
    active: Deployment | None,
    packed: archive.Archive,
    values: dict[str, str],
    requirements: str,
    store: Store,
) -> Plan:
    """The plan of a deployment that is needed, with all of its reasons.

    Args:
        made: the manifest's plan.
        current: the project as it is.
        active: what runs now.
        packed: the files to be deployed.
        values: the variables the new deployment's process will see.
        requirements: what its interpreter has.
        store: has the files of what runs now.
    """
    changes = [*made.changes, *of_files(active, packed, store)]
    named = {change.place for change in changes}
    changes += [change for change in of_requirements(active, requirements) if change.place not in named]
    if active is not None:
        planned = {change.place for change in made.changes if change.place.kind == "variable"}
        changes += by_hand(active.environment, values, current, planned)
        if not changes:
            changes.append(Update(Place("runtime", "ak"), note="another version of ak or of Python"))
    return dataclasses.replace(made, changes=tuple(changes))


def of_files(active: Deployment | None, packed: archive.Archive, store: Store) -> Iterator[Change]:
    """The files that differ from those that run now."""
    if active is not None and active.build_id == packed.build_id:
        return
    build = store.builds.get(active.build_id) if active is not None else None
    before = archive.digests(build.content) if build is not None else {}
    after = archive.digests(packed.content)
    for name in sorted(before.keys() | after.keys()):
        place = Place("file", name)
        if name not in before:
            yield Create(place)
        elif name not in after:
            yield Delete(place)
        elif before[name] != after[name]:
            yield Update(place)


def of_requirements(active: Deployment | None, requirements: str) -> Iterator[Change]:
    """Other requirements of the same build: they are no part of its id."""
    if active is None:
        return
    before, after = (environment.requirement_lines(text) for text in (active.requirements, requirements))
    if before != after:
        place = Place("file", archive.REQUIREMENTS)
        yield Update(place) if before and after else Create(place) if after else Delete(place)


def by_hand(
    before: dict[str, str], after: dict[str, str], current: State, planned: set[Place]
) -> Iterator[Change]:
    """The variables that a person changed since the last deployment, which takes effect with this one."""
    places = {
        variable_name(item.connection, item.name): (item.connection, item.name) for item in current.variables
    }
    known = {variable_name(place.connection, place.name) for place in planned}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name) and name not in known:
            connection, own = places.get(name, ("", name))
            yield Update(Place("variable", own, connection), note="changed by hand since the last deployment")


def variable_name(connection: str, name: str) -> str:
    """What a variable is called in the environment of a process."""
    return f"{connection}__{name}" if connection else name
