"""What a project directory would become: its variables, its version, and what is refused before anything is written."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import pytest

from manifest import Manifest, State, StoredVar
from tests.helpers.desired import desired, var
from tests.helpers.fake_store import deployment
from tests.helpers.projects import write
from worker import target
from worker.errors import DeployError, UserCodeError
from worker.store.records import Variable
from worker.usercode import archive


def state_of(*variables, **parts):
    """A project with some variables."""
    stored = (
        StoredVar(v.name, v.value, v.connection, v.secret, v.description, v.manifest_value) for v in variables
    )
    return State("", variables=tuple(stored), **parts)


def store_of(*variables, active=None, state=None, build=None):
    """A store with some variables and an active deployment; nothing can be written to it."""
    return SimpleNamespace(
        vars=SimpleNamespace(list=lambda _project: list(variables)),
        builds=SimpleNamespace(get=lambda _id: build),
        deployments=SimpleNamespace(
            active=lambda _project: active, state=lambda _project: state or state_of(*variables)
        ),
    )


def model(tree):
    """The manifest's project."""
    return Manifest.from_json(tree).project


CHAT = {"name": "chat", "integration": "slack", "vars": [var("token", "", secret=True)]}


@pytest.mark.parametrize(
    ("wanted", "stored", "values", "secrets"),
    [
        (desired(variables=[var("A", "1")]), [], {"A": "1"}, []),
        (
            desired(variables=[var("A", "1")]),
            [Variable("p", "A", "by hand", manifest_value="1")],
            {"A": "by hand"},
            [],
        ),
        (
            desired(variables=[var("A", "2")]),
            [Variable("p", "A", "by hand", manifest_value="1")],
            {"A": "2"},
            [],
        ),
        (desired(variables=[var("A", "1")]), [Variable("p", "A", "before")], {"A": "1"}, []),
        (desired(), [Variable("p", "B", "mine")], {"B": "mine"}, []),
        (desired(), [Variable("p", "B", "old", manifest_value="old")], {}, []),
        (
            desired(variables=[var("A", "1")]),
            [Variable("p", "A", "s", secret=True, manifest_value="1")],
            {"A": "s"},
            ["A"],
        ),
        (
            desired(connections=[CHAT]),
            [Variable("p", "token", "t", "chat", secret=True, manifest_value="")],
            {"chat__token": "t"},
            ["chat__token"],
        ),
        (
            desired(connections=[CHAT]),
            [Variable("p", "extra", "e", "chat")],
            {"chat__token": "", "chat__extra": "e"},
            ["chat__token"],
        ),
        (desired(), [Variable("p", "token", "t", "gone", secret=True)], {}, []),
    ],
    ids=[
        "manifest",
        "by hand is kept",
        "manifest changed",
        "manifest names it for the first time",
        "by hand alone",
        "gone from the manifest",
        "secret by hand",
        "connection",
        "connection by hand",
        "connection is gone",
    ],
)
def test_configuration_weighs_hand_against_manifest(wanted, stored, values, secrets):
    """A value set by hand stays until the manifest's own value changes."""
    assert target.configuration(model(wanted), state_of(*stored)) == (values, secrets)


def test_version_depends_on_all_that_decides_behaviour(monkeypatch):
    """Code, values, requirements and our own runtime; not their order, nor comments."""
    plain = target.version_of("bld_1", {"A": "1", "B": "2"}, "requests\n")
    assert plain == target.version_of("bld_1", {"B": "2", "A": "1"}, "# why\nrequests  # this\nautokitteh\n")
    others = {
        target.version_of("bld_2", {"A": "1", "B": "2"}, "requests\n"),
        target.version_of("bld_1", {"A": "1", "B": "3"}, "requests\n"),
        target.version_of("bld_1", {"A": "1"}, "requests\n"),
        target.version_of("bld_1", {"A": "1", "B": "2"}, "requests==2\n"),
    }
    monkeypatch.setattr(target, "runtime_fingerprint", lambda: "another")
    others.add(target.version_of("bld_1", {"A": "1", "B": "2"}, "requests\n"))
    assert len(others - {plain}) == 5


def test_version_is_80_bits_of_a_hash(monkeypatch):
    """By hand: base 32 of the first ten bytes, which a Temporal build id takes."""
    monkeypatch.setattr(target, "runtime_fingerprint", lambda: "f")
    digest = hashlib.sha256(json.dumps(["bld_1", [["A", "1"]], ["requests"], "f"]).encode()).hexdigest()
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    bits = f"{int(digest[:20], 16):080b}"
    expected = "".join(digits[int(bits[at : at + 5], 2)] for at in range(0, 80, 5))
    assert target.version_of("bld_1", {"A": "1"}, "requests") == expected


def test_version_never_shows_a_value():
    """Secrets are in the hash only."""
    assert "hunter2" not in target.version_of("bld_1", {"PASSWORD": "hunter2"}, "")


def test_prepare_reads_a_project(tmp_path):
    """Everything the deployment needs is there; handlers once each, in the manifest's order."""
    triggers = """
        - {name: b, type: webhook, call: "main.py:g"}
        - {name: a, type: webhook, call: "main.py:f"}
        - {name: c, type: webhook, call: "main.py:g"}
        - {name: d, type: webhook}
    """
    files = {"main.py": "def f(e): ...\ndef g(e): ...\n", "requirements.txt": "requests\n"}
    project = write(
        tmp_path / "p", "shop", files, triggers=triggers, extra="vars:\n  - {name: A, value: 1}\n"
    )
    found = target.prepare(project, store_of())
    assert (found.project, found.environment, found.secret_names) == ("shop", {"A": "1"}, [])
    assert (found.handlers, found.requirements) == (["main.py:g", "main.py:f"], "requests\n")
    assert sorted(found.packed.files) == ["autokitteh.yaml", "main.py", "requirements.txt"]
    assert (found.changed, found.warnings) == (True, [])


def test_objects_that_cannot_be_kept_are_pointed_at(tmp_path):
    """A deployment says where a durable handler would fail, and is not refused for it."""
    source = "import sqlite3\n\ndef read(event):\n    return sqlite3.connect('a')\n"
    trigger = '\n- {name: a, type: webhook, call: "db.py:read"}'
    project = write(tmp_path / "p", "shop", {"db.py": source}, triggers=trigger)
    warnings = target.prepare(project, store_of()).warnings
    assert [w for w in warnings if "sqlite3" in w] == [
        (
            "db.py:4: sqlite3.connect gives an object that cannot be kept; use it in a function marked "
            "@autokitteh.activity, or say is_durable: false"
        )
    ]


def test_prepare_knows_what_is_already_deployed(tmp_path):
    """The same version and manifest are no change; another manifest is one."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n"})
    first = target.prepare(project, store_of())
    build = SimpleNamespace(content=first.packed.content)
    active = SimpleNamespace(
        version=first.version,
        desired=first.desired,
        build_id=first.packed.build_id,
        environment=first.environment,
        requirements=first.requirements,
    )
    applied = state_of(triggers=model(first.desired).triggers)
    same = target.prepare(project, store_of(active=active, state=applied, build=build))
    assert (same.changed, same.plan.changes) == (False, ())
    drifted = target.prepare(project, store_of(active=active, build=build))
    assert [change.as_json()["name"] for change in drifted.plan.changes] == ["go"]
    active.desired = desired()
    assert target.prepare(project, store_of(active=active, state=applied, build=build)).changed is True


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda project: (project / "util.py").write_text("x = 2\n"),
            [("update", "file", "util.py")],
        ),
        (lambda project: (project / "util.py").chmod(0o755), [("update", "file", "util.py")]),
        (lambda project: (project / "util.py").unlink(), [("delete", "file", "util.py")]),
        (lambda project: (project / "new.py").write_text(""), [("create", "file", "new.py")]),
        (lambda project: None, [("update", "runtime", "ak")]),
        (
            lambda project: (project / "requirements.txt").write_text("idna==2\n"),
            [("update", "file", "requirements.txt")],
        ),
        (lambda project: (project / "requirements.txt").unlink(), [("delete", "file", "requirements.txt")]),
        (
            lambda project: (project / "requirements.txt").write_text("# why\nidna==1\n"),
            [("update", "runtime", "ak")],
        ),
    ],
    ids=[
        "changed",
        "executable",
        "gone",
        "new",
        "nothing but the runtime",
        "requirements",
        "no requirements",
        "comment",
    ],
)
def test_plan_has_all_that_differs_from_what_runs(tmp_path, change, expected):
    """Files that changed, came or went; where nothing else did, it is ak itself."""
    files = {"main.py": "def on_event(e): ...\n", "util.py": "x = 1\n", "requirements.txt": "idna==1\n"}
    project = write(tmp_path / "p", "shop", files)
    first = target.prepare(project, store_of())
    build = SimpleNamespace(content=first.packed.content)
    active = SimpleNamespace(version="another", desired=first.desired, build_id=first.packed.build_id)
    active.environment, active.requirements = {}, first.requirements
    change(project)
    applied = state_of(triggers=model(first.desired).triggers)
    found = target.prepare(project, store_of(active=active, state=applied, build=build)).plan.changes
    assert [(c.action, c.place.kind, c.place.name) for c in found] == expected


def test_plan_has_what_was_set_by_hand_meanwhile(tmp_path):
    """A value that was only stored takes effect with the next deployment, and that is said."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n"})
    by_hand = [Variable("shop", "A", "2"), Variable("shop", "token", "t", "chat", secret=True)]
    first = target.prepare(project, store_of(*by_hand))
    active = SimpleNamespace(version="another", desired=first.desired, build_id=first.packed.build_id)
    active.environment, active.requirements = {"A": "1", "GONE": "x"}, ""
    applied = state_of(*by_hand, triggers=model(first.desired).triggers)
    found = target.prepare(project, store_of(active=active, state=applied)).plan.changes
    assert [(change.place.label, change.note) for change in found] == [
        ("A", "changed by hand since the last deployment"),
        ("GONE", "changed by hand since the last deployment"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("autokitteh.yaml", "version: v3\n", "AK2008"),
        ("autokitteh.yaml", "version: v2\n", "names no project"),
        ("helper.py", "def f(:\n", "invalid syntax"),
        ("helper.py", "x = '\0'\n", "null bytes"),
    ],
)
def test_prepare_refuses_what_cannot_work(tmp_path, name, content, message):
    """The manifest's problems, and files that do not parse, are told with their place."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n"})
    (project / name).write_text(content)
    with pytest.raises((DeployError, UserCodeError), match=message) as refused:
        target.prepare(project, store_of())
    assert name in f"{refused.value.where} {refused.value}"


def test_other_requirements_are_another_version_of_the_same_build(tmp_path):
    """The files are what a build is; what its interpreter has belongs to the deployment."""
    files = {"main.py": "def on_event(e): ...\n", "requirements.txt": "idna==1\n"}
    project = write(tmp_path / "p", "shop", files)
    first = target.prepare(project, store_of())
    (project / "requirements.txt").write_text("idna==2\n")
    second = target.prepare(project, store_of())
    assert first.packed.build_id == second.packed.build_id
    assert (first.version == second.version, second.requirements) == (False, "idna==2\n")


def test_home_inside_a_project_is_none_of_its_files(tmp_path, monkeypatch):
    """Neither the key nor the database is packed; a project that is AK_HOME itself is refused."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n", "state/key": "secret"})
    monkeypatch.setenv("AK_HOME", str(project / "state"))
    assert target.prepare(project, store_of()).packed.files == ["autokitteh.yaml", "main.py"]
    monkeypatch.setenv("AK_HOME", str(project))
    with pytest.raises(DeployError, match="is AK_HOME: its key"):
        target.prepare(project, store_of())


def test_file_that_vanishes_meanwhile_was_not_there(tmp_path, monkeypatch):
    """Between the look at the directory and the reading of its files: a deployment of what is left."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n", "notes.py": "x = 1\n"})
    plain = archive.collect

    def collect(*given):
        """The files; one is gone right afterwards."""
        found = plain(*given)
        (project / "notes.py").unlink()
        return found

    monkeypatch.setattr(archive, "collect", collect)
    assert target.prepare(project, store_of()).packed.files == ["autokitteh.yaml", "main.py"]


def test_file_that_vanishes_after_packing_is_packed(tmp_path, monkeypatch):
    """What was read is what is checked and deployed."""
    project = write(tmp_path / "p", "shop", {"main.py": "def on_event(e): ...\n", "notes.py": "x = 1\n"})
    plain = archive.pack

    def pack(directory, without):
        """The archive; the project is moved away right afterwards."""
        packed = plain(directory, without)
        (project / "notes.py").unlink()
        return packed

    monkeypatch.setattr(archive, "pack", pack)
    assert target.prepare(project, store_of()).packed.files == ["autokitteh.yaml", "main.py", "notes.py"]


def test_prepare_asks_for_a_manifest(tmp_path):
    """A directory without one is told what to create."""
    with pytest.raises(DeployError, match=r"there is no autokitteh\.yaml"):
        target.prepare(tmp_path, store_of())


def test_reconfigure_needs_something_to_change():
    """Without an active deployment, or with the same values, nothing is asked for."""
    wanted = desired(variables=[var("A", "1")])
    known = Variable("p", "A", "1", manifest_value="1")
    version = target.version_of("bld_1", {"A": "1"}, "")
    active = SimpleNamespace(build_id="bld_1", version=version, desired=wanted, requirements="")
    assert target.reconfigure("p", store_of(known)) is None
    assert target.reconfigure("p", store_of(known, active=active)) is None


def test_reconfigure_asks_for_the_same_build_with_new_values():
    """A value set by hand makes another version of the active build."""
    asked = []
    wanted = desired(variables=[var("A", "1")])
    active = SimpleNamespace(build_id="bld_1", version="old", desired=wanted, requirements="requests")
    store = store_of(Variable("p", "A", "2", manifest_value="1"), active=active)
    store.deployments.request = lambda *fields: asked.append(fields) or deployment()
    assert target.reconfigure("p", store) == deployment()
    version = target.version_of("bld_1", {"A": "2"}, "requests")
    assert asked == [("p", "bld_1", version, wanted, {"A": "2"}, [], "requests")]


def version_with(project, token: str, source: str) -> str:
    """The version of a project with a connection, whose code is this and whose token is that."""
    write(project, "p", {"main.py": source}, extra="connections: [{name: chat, integration: slack}]\n")
    return target.prepare(project, store_of(Variable("p", "token", token, "chat", secret=True))).version


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("import autokitteh.slack\n\ndef on_event(e): autokitteh.slack.slack_client('chat')\n", False),
        ("if __name__ == '__main__': print('__init__')\n\ndef on_event(e): ...\n", False),
        ("import os\n\ndef on_event(e): os.getenv('chat__token')\n", True),
        ("import os\n\ndef on_event(e): os.getenv('chat__' + 'token')\n", True),
        ("import os\n\ndef on_event(e): os.getenv(e.data.name + '__token')\n", True),
        ("import os\n\ndef on_event(e): os.getenv(f'{e.a}__{e.b}')\n", True),
        ("import os\n\ndef on_event(e): os.getenv(e.a + '__' + e.b)\n", True),
    ],
    ids=["client", "main", "name", "prefix", "end", "f-string", "sum"],
)
def test_token_makes_another_version_only_where_the_code_reads_it(tmp_path, source, reads):
    """Clients look a token up when they call; code that reads the environment sees its deployment's."""
    old, new = (version_with(tmp_path / "p", token, source) for token in ("one", "two"))
    assert (old != new) == reads


def test_variable_that_is_set_first_makes_another_version(tmp_path):
    """Whether a connection has credentials decides what programs do."""
    source = "def on_event(e): ...\n"
    assert version_with(tmp_path / "p", "one", source) != target.prepare(tmp_path / "p", store_of()).version


def test_stored_values_forget_what_was_deleted_by_hand():
    """A variable of the manifest that is gone from the store is not set again."""
    wanted = desired(variables=[var("A", "1"), var("B", "1")], connections=[CHAT])
    known = [Variable("p", "A", "9", manifest_value="0"), Variable("p", "B", "9")]
    project = target.with_stored_values(wanted, store_of(*known))["project"]
    assert project["vars"] == [var("A", "0")]
    assert project["connections"] == [CHAT | {"vars": []}]
