"""The shape of a manifest as data: keys, types, patterns, descriptions. The loader reads it; so does the JSON Schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from manifest.schedules import OVERLAPS

VERSIONS = ("v1", "v2")
NAME_PATTERN = r"^[a-zA-Z_]\w*$"
CALL_PATTERN = r"^[^:\s][^:]*\.py[: ][a-zA-Z_][\w.]*$"
TRIGGER_KINDS = ("webhook", "schedule", "connection")
INTEGRATIONS = [
    "airtable",
    "anthropic",
    "asana",
    "auth0",
    "aws",
    "azurebot",
    "chatgpt",
    "confluence",
    "discord",
    "github",
    "gmail",
    "google",
    "googlecalendar",
    "googledrive",
    "googleforms",
    "googlegemini",
    "googlesheets",
    "hubspot",
    "jira",
    "kubernetes",
    "linear",
    "microsoft",
    "microsoft_teams",
    "notion",
    "pipedrive",
    "reddit",
    "salesforce",
    "slack",
    "telegram",
    "twilio",
    "youtube",
    "zoom",
    "test",
]


@dataclass(frozen=True)
class Key:
    """One key of an object. ``type`` is text, bool, map, ``list of NAME`` or the name of an object."""

    name: str
    type: str
    description: str
    required: bool = False
    pattern: str = ""
    choices: tuple[str, ...] = ()
    ignored: bool = False  # known from other systems, without meaning here


OBJECTS: dict[str, tuple[Key, ...]] = {
    "manifest": (
        Key("version", "text", "v1 or v2.", required=True, choices=VERSIONS),
        Key("project", "project", "The project."),
    ),
    "project": (
        Key(
            "name",
            "text",
            "The project's name, also its task queue in Temporal.",
            required=True,
            pattern=NAME_PATTERN,
        ),
        Key("display_name", "text", "A name for people."),
        Key("connections", "list of connection", "Connections to integrations."),
        Key("vars", "list of var", "Variables, seen by the program as environment variables."),
        Key("triggers", "list of trigger", "What starts handlers."),
    ),
    "connection": (
        Key("name", "text", "The connection's name.", required=True, pattern=NAME_PATTERN),
        Key("integration", "text", "The integration.", required=True, choices=tuple(INTEGRATIONS)),
        Key("vars", "list of var", "Variables of the connection, seen as CONNECTION__NAME."),
    ),
    "var": (
        Key("name", "text", "The variable's name.", required=True, pattern=NAME_PATTERN),
        Key("value", "text", "Its value, taken literally; empty when missing."),
        Key("description", "text", "What it is for."),
        Key("secret", "bool", "Encrypted at rest and hidden everywhere."),
    ),
    "trigger": (
        Key("name", "text", "The trigger's name.", required=True, pattern=NAME_PATTERN),
        Key("type", "text", "webhook, schedule or connection.", choices=TRIGGER_KINDS),
        Key(
            "call", "text", "The handler: file.py:function. Without it the trigger only feeds subscriptions."
        ),
        Key("event_type", "text", "Only events of this type; all when empty or *."),
        Key(
            "filter",
            "text",
            "Only events for which this CEL expression over `data` and `event_type` is true.",
        ),
        Key("is_durable", "bool", "false runs the whole handler as one step."),
        Key("is_sync", "bool", "The webhook waits for the handler's answer."),
        Key("webhook", "map", "`{}`: the same as `type: webhook`."),
        Key("schedule", "text", "A cron expression with 5 to 7 fields, @daily and the like, or @every 90s."),
        Key("timezone", "text", "The schedule's time zone, such as Europe/Berlin; UTC when missing."),
        Key(
            "overlap",
            "text",
            "What a tick does while a session of the schedule still runs; missing: it starts another.",
            choices=OVERLAPS,
        ),
        Key(
            "catchup", "text", "Ticks that were missed by no more than this are made up for; 1m when missing."
        ),
        Key("jitter", "text", "Every tick comes at random up to this much later."),
        Key("connection", "text", "The connection whose events start the handler."),
        Key("data", "map", "No meaning.", ignored=True),
    ),
}


def keys_of(name: str) -> dict[str, Key]:
    """The keys of an object by name."""
    return {key.name: key for key in OBJECTS[name]}


def is_name(text: str) -> bool:
    """Whether a text can be a name."""
    return re.match(NAME_PATTERN, text, re.ASCII) is not None and not text.endswith("\n")


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``autokitteh.yaml``, for editors and other tools."""
    definitions = {name: _object(keys) for name, keys in OBJECTS.items() if name != "manifest"}
    kinds = [{"required": [kind]} for kind in TRIGGER_KINDS]
    definitions["trigger"]["anyOf"] = [{"required": ["type"]}, *kinds]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "autokitteh.yaml",
        **_object(OBJECTS["manifest"]),
        "$defs": definitions,
    }


def _object(keys: tuple[Key, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "required": [key.name for key in keys if key.required],
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }


def _property(key: Key) -> dict[str, Any]:
    shape: dict[str, Any] = {"description": key.description}
    if key.type == "text":
        # A scalar is taken as it is written, so numbers and booleans are texts as well.
        shape["type"] = (
            ["string", "number", "boolean", "null"] if not (key.pattern or key.choices) else "string"
        )
        if key.pattern:
            shape["pattern"] = key.pattern
        if key.choices:
            shape["enum"] = list(key.choices)
    elif key.type == "bool":
        shape["type"] = ["boolean", "null"]
    elif key.type == "map":
        shape["type"] = ["object", "null"]
    elif key.type.startswith("list of "):
        shape |= {
            "type": ["array", "null"],
            "items": {"$ref": f"#/$defs/{key.type.removeprefix('list of ')}"},
        }
    else:
        shape["$ref"] = f"#/$defs/{key.type}"
    return shape
