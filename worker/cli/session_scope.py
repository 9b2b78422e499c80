"""What ``ak session list`` says when it found nothing: whether what was asked for exists, and what was looked for.

Asked only then, so that names of former deployments, whose sessions are still known, go on working.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from worker.cli import context, nearest
from worker.cli.output import moment
from worker.errors import NotFoundError
from worker.story.sources import files_of

if TYPE_CHECKING:
    from worker.cli.sessions_query import Asked
    from worker.store import Store

_NAMED = 8


def whole_event(store: Store, asked: Asked) -> tuple[Asked, NotFoundError | None]:
    """With the whole id of the event, where only its beginning was given; the error where no such event is known.

    Events are cleaned away before the sessions that they started, so that need not be the end.

    Raises:
        NotFoundError: several events begin like this.
    """
    from worker.cli.event import existing

    if not asked.event:
        return asked, None
    try:
        return replace(asked, event=existing(store, asked.event).id), None
    except NotFoundError as error:
        if any(item.startswith(asked.event) for item in store.events.near(asked.event)):
            raise
        return asked, error


def check(store: Store, asked: Asked) -> None:
    """See that project, trigger and handler exist.

    Raises:
        NotFoundError: one of them does not; what comes nearest is named, or what there is.
    """
    if asked.project:
        context.project(store, asked.project)
    projects = [asked.project] if asked.project else [item.name for item in store.projects.list()]
    within = f"the project {asked.project} has" if asked.project else "there is"
    if asked.trigger:
        triggers = [item.name for project in projects for item in store.triggers.list(project)]
        former = [name for project in projects for name in store.triggers.renames(project, applied=True)]
        if asked.trigger not in {*triggers, *former}:
            hint = nearest.hint(asked.trigger, triggers, there_are("Triggers", triggers))
            raise NotFoundError(f"{within} no trigger {asked.trigger}", hint=hint)
    if asked.handler and not store.log.begun(asked.project, asked.handler, limit=1):
        called = [item.call for project in projects for item in store.triggers.list(project) if item.call]
        defined = [name for project in projects for name in handlers_of(store, project)]
        if not any(is_of(name, asked.handler) for name in (*called, *defined)):
            known = list(dict.fromkeys([*called, *defined]))
            hint = nearest.hint(asked.handler, forms(known), there_are("Handlers", known))
            raise NotFoundError(f"{within} no handler {asked.handler}", hint=hint)


def is_of(handler: str, asked: str) -> bool:
    """Whether a handler is one of those asked for: ``main.py:on_event``, ``main.py`` or ``on_event``."""
    file, _, function = handler.rpartition(":")
    return asked in {handler, file, function}


def forms(handlers: list[str]) -> Iterator[str]:
    """All ways to name them."""
    for handler in handlers:
        file, _, function = handler.rpartition(":")
        yield from (handler, function, file)


def there_are(what: str, names: list[str]) -> str:
    """``Triggers: orders, pay``."""
    found = list(dict.fromkeys(names))
    more = ", …" if len(found) > _NAMED else ""
    return f"{what}: {', '.join(found[:_NAMED])}{more}" if found else "See `ak session list`."


def handlers_of(store: Store, project: str) -> list[str]:
    """The functions at the top of the files that the project runs now: each can be started by its name."""
    deployment = store.deployments.active(project)
    build = store.builds.get(deployment.build_id) if deployment is not None else None
    found: list[str] = []
    for name, text in files_of(build.content, ".py") if build is not None else ():
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError):
            continue  # a file that no handler is in
        found += [
            f"{name}:{item.name}" for item in body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
    return found


def nothing(asked: Asked) -> str:
    """What was looked for, and how to look for more."""
    words = {
        "--trigger": f"of the trigger {asked.trigger}" if asked.trigger else "",
        "--event": f"that the event {asked.event} started or reached" if asked.event else "",
        "--handler": f"of the handler {asked.handler}" if asked.handler else "",
        "--state": f"in the state {' or '.join(asked.states)}" if asked.states else "",
        "--error": f"with {asked.error!r} in its error" if asked.error else "",
        "--since": f"started since {moment(asked.since)}" if asked.since else "",
        "--until": f"started until {moment(asked.until)}" if asked.until else "",
    }
    given = {option: text for option, text in words.items() if text}
    project = f" of the project {asked.project}" if asked.project else ""
    if not given:
        start = f"ak session start {asked.project or 'PROJECT'} HANDLER"
        return f"there is no session{project}\n  `{start}` starts one, or an event that a trigger listens to."
    text = " ".join(("there is no session" + project, *given.values()))
    if [*given] == ["--event"]:
        return f"{text}\n  `ak event explain {asked.event}` says why."
    return f"{text}\n  Ask for more: leave out {' or '.join(given)}."
