"""One step in whole: what it was given, what came back, or the error with the user's frames.

Pure. Like everything in stories it is told from the history alone (see `previews`): an object that had to be pickled is
told by its preview, a secret stays masked.

May import: worker.steps, worker.story. Never: the store, a client.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from worker.steps import Step
from worker.story import previews
from worker.story.widths import printable


@dataclass(frozen=True)
class Whole:
    """A step's values: ``given`` with a name where they have one, ``came_back`` empty or one item.

    ``error`` is the type and message, ``frames`` the user's lines that it passed: file, line, function, source.
    ``shortened``: there are objects, or secrets, of which only the preview is told.
    """

    given: tuple[tuple[str, Any], ...] = ()
    came_back: tuple[Any, ...] = ()
    error: str = ""
    frames: tuple[tuple[str, int, str, str], ...] = ()
    shortened: bool = False

    def as_document(self) -> dict[str, Any]:
        """For programs: plain JSON, objects by their preview."""
        return {
            "arguments": [_document(item) for name, item in self.given if not name],
            "keywords": {name: _document(item) for name, item in self.given if name},
            "result": _document(self.came_back[0]) if self.came_back else None,
            "failure": {"message": self.error, "frames": [list(frame) for frame in self.frames]}
            if self.error
            else None,
        }


def whole(step: Step) -> Whole:
    """A step with its payloads, in whole."""
    failure = step.failure or step.last_failure
    return Whole(
        tuple((name, previews.plain(item)) for name, item in previews.given(step.kind, step.arguments)),
        tuple(previews.plain(item) for item in previews.came_back(step.kind, step.name, step.result)),
        previews.failure_text(failure, characters=None) or "",
        tuple(_frames(failure)),
        any(b'"preview"' in payload.data for payload in payloads_of(step)),
    )


def payloads_of(step: Step) -> list[Payload]:
    """Those that `whole` reads; large ones may be references into the store."""
    return [*step.arguments, *([step.result] if step.result is not None else [])]


def lines_of(found: Whole) -> list[str]:
    """For a person: JSON that can be copied, each value under what it is."""
    lines: list[str] = []
    for name, item in found.given:
        lines += ["", f"given {name}".rstrip(), *_indented(item)]
    if found.came_back:
        lines += ["", "came back", *_indented(found.came_back[0])]
    if found.error:
        lines += ["", "failed with", *(f"  {printable(line)}" for line in found.error.splitlines())]
        for file, line, function, source in found.frames:
            lines += [f"    {file}:{line}, in {function}", f"      {source.strip()}"]
    return lines


def _indented(item: Any) -> Iterator[str]:
    text = json.dumps(_document(item), indent=2, ensure_ascii=False)
    for line in text.splitlines():
        yield f"  {printable(line)}"


def _document(item: Any) -> Any:
    if isinstance(item, previews.Shown):
        return item.__qualname__
    if isinstance(item, dict):
        return {key: _document(value) for key, value in item.items()}
    return [_document(value) for value in item] if isinstance(item, list) else item


def _frames(failure: Failure | None) -> Iterator[tuple[str, int, str, str]]:
    details = previews.details_of(failure)
    for frame in details.get("frames") or []:
        file, line, function, source = frame
        yield str(file), int(line), str(function), str(source)
