"""Manifests: every spelling loads, every problem is told with its place, all at once."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import manifest
from manifest import entrypoint, render, schedules

MANIFESTS = Path(__file__).parents[2] / "manifests"
GOOD = sorted(MANIFESTS.glob("good-*.yaml"))
BAD = sorted(MANIFESTS.glob("bad-*.yaml"))
PROJECT = MANIFESTS / "project"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_manifest_loads_and_fits_the_schema(path):
    """No problem, and the JSON Schema agrees."""
    result = manifest.load(path, directory=PROJECT)
    assert result.problems == []
    assert manifest.Manifest.from_json(result.manifest.to_json()) == result.manifest
    jsonschema.validate(yaml.safe_load(path.read_text()), manifest.json_schema())


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_manifest_tells_all_its_problems(path):
    """The rendered problems are the golden text beside the manifest."""
    result = manifest.load(path, directory=PROJECT)
    golden = path.with_suffix(".problems.txt")
    assert render.text(result.problems, path.read_text()) + "\n" == golden.read_text()
    assert result.manifest is None
    assert [item["line"] for item in render.as_json(result.problems)] == [
        item.line for item in result.problems
    ]


def load(text: str):
    """The model of a project given by its body."""
    result = manifest.load_text(f"version: v2\nproject:\n  name: p\n{text}")
    assert result.problems == []
    return result.manifest.project


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.50", "1.50"),
        ("true", "true"),
        ("null", ""),
        ("~", ""),
        ("", ""),
        ("'null'", "null"),
        ("0x1F", "0x1F"),
        ("120", "120"),
        ("2026-01-02", "2026-01-02"),
    ],
)
def test_values_are_read_literally(written, value):
    """A value is the text that is written."""
    assert load(f"  vars:\n    - {{name: A, value: {written}}}\n").vars[0].value == value


@pytest.mark.parametrize("spelling", ["type: webhook", "webhook: {}", "type: webhook, webhook: {}"])
def test_webhook_spellings(spelling):
    """Both spellings, and both together."""
    assert load(f"  triggers:\n    - {{name: t, {spelling}}}\n").triggers[0].kind == "webhook"


def test_trigger_defaults_and_specials():
    """Durable unless told otherwise; ``*`` and ``.`` mean everything."""
    found = load(
        "  triggers:\n    - {name: t, type: webhook, event_type: '*', filter: '.', is_durable: false}\n"
    ).triggers[0]
    assert (found.event_type, found.filter, found.is_durable, found.is_sync) == ("", "", False, False)
    assert load("  triggers:\n    - {name: t, type: webhook}\n").triggers[0].is_durable is True


def test_unknown_meaningless_key_is_only_a_warning():
    """A key that users of the original write without effect does not stop them."""
    result = manifest.load_text(
        "version: v1\nproject: {name: p, triggers: [{name: t, webhook: {}, data: {a: 1}}], x-note: 1}\n"
    )
    assert [(item.code, item.severity) for item in result.problems] == [("AK2002", "warning")]
    assert result.manifest is not None


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ("schedule: '@daily', is_sync: true", ["means nothing to a schedule"]),
        ("connection: c, is_sync: true", ["means nothing to a connection"]),
        ("schedule: '@daily', is_sync: false", []),
        ("type: webhook, is_sync: true", []),
    ],
)
def test_waiting_for_an_answer_where_nobody_waits_is_a_warning(trigger, said):
    """AutoKitteh takes it, so it is no error; it changes nothing, so it is said."""
    head = "version: v2\nproject:\n  name: p\n  connections: [{name: c, integration: slack}]\n"
    result = manifest.load_text(f"{head}  triggers:\n    - {{name: t, {trigger}}}\n")
    assert result.manifest is not None
    assert [(item.severity, item.line) for item in result.problems] == [("warning", 6)] * len(said)
    assert all(words in item.message for words, item in zip(said, result.problems, strict=True))


def test_filter_problem_points_into_the_file():
    """The column is that of the word inside the quoted filter."""
    text = 'version: v2\nproject:\n  name: p\n  triggers:\n    - name: t\n      type: webhook\n      filter: "data.x == foo"\n'
    problem = manifest.load_text(text).problems[0]
    assert (problem.line, text.splitlines()[problem.line - 1][problem.column - 1 :][:3]) == (7, "foo")


def test_anchors_and_merge_keys_work():
    """YAML's own means of sharing."""
    project = load(
        "  triggers:\n    - &one {name: a, type: webhook, call: 'm.py:f'}\n    - {<<: *one, name: b}\n"
    )
    assert [(item.name, item.call) for item in project.triggers] == [("a", "m.py:f"), ("b", "m.py:f")]


@given(st.text(max_size=200))
def test_loader_never_crashes(text):
    """Whatever stands in the file, the answer is a model or problems."""
    result = manifest.load_text(text)
    assert (result.manifest is not None) or result.problems


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "*/5 9-17 * * 1-5",
        "0 0 1 1 * 2027",
        "*/1 * * * * * *",
        "@daily",
        "@every 90s",
        "@every 1h30m",
        "CRON_TZ=Europe/Paris 0 9 * * *",
    ],
)
def test_schedules_that_are(text):
    """Five to seven fields, shorthands, intervals, zones."""
    assert schedules.problem_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * *",
        "61 * * * *",
        "@evry 5m",
        "@every",
        "@every five",
        "CRON_TZ=Nowhere/Town 0 9 * * *",
        "x * * * * * *",
        "0 0 1 1 * soon",
    ],
)
def test_schedules_that_are_not(text):
    """Each is told why."""
    assert schedules.problem_of(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("main.py:f", "main.py:f"),
        ("a/b.py:C.m", "a/b.py:C.m"),
        ("main.py f", "main.py:f"),
        ("main:f", None),
        ("main.py:", None),
        ("main.py:1", None),
    ],
)
def test_entry_points(text, found):
    """File and name, separated by a colon or a space."""
    parsed = entrypoint.parse(text)
    assert (str(parsed) if parsed else None) == found
