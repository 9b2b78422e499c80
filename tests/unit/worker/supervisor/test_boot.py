"""What a build process is started with."""

from __future__ import annotations

import dataclasses
import stat
import sys
from types import SimpleNamespace

import pytest

from tests.helpers.desired import desired, trigger
from tests.helpers.fake_store import deployment
from worker.config import Settings
from worker.errors import DeployError
from worker.payload.signing import derive_keys
from worker.store.records import Connection, Variable
from worker.supervisor import boot
from worker.usercode import archive


def store_of(build=None):
    """A store that has one build, and a slug for every trigger."""
    return SimpleNamespace(
        builds=SimpleNamespace(get=lambda _id: build),
        triggers=SimpleNamespace(
            reserve_slug=lambda project, name: f"{project}-{name}-slug",
            renames=lambda _project, *, applied: {},
        ),
        vars=SimpleNamespace(
            list=lambda _project: [
                Variable("shop", "MODE", "x", secret=True),
                Variable("shop", "chat__own", "1"),
                Variable("shop", "token", "t-live", "chat", secret=True),
                Variable("shop", "token", "t-other", "gone", secret=True),
            ]
        ),
        connections=SimpleNamespace(list=lambda _project: [Connection("con_1", "shop", "chat", "slack")]),
    )


TRIGGERS = [
    trigger("hook"),
    trigger("other", call="main.py:g"),
    trigger("same"),
    trigger("quiet", call=""),
    trigger("nightly", kind="schedule", call="main.py:g", schedule="@daily"),
]
DEPLOYMENT = dataclasses.replace(
    deployment(),
    desired=desired(triggers=TRIGGERS, name="shop"),
    environment={"A": "1", "TOKEN": "t0p", "LANG": "user"},
    secret_names=["GONE", "TOKEN"],
)


@pytest.fixture
def settings(tmp_path):
    """Settings of an installation with a key."""
    environ = {"AK_HOME": str(tmp_path / "home"), "AK_PAYLOAD_KEY": "01" * 32, "TEMPORAL_API_KEY": "k3y"}
    environ["AK_LOG_FORMAT"] = "json"
    return Settings.load(environ | {"AK_CACHE_DIR": str(tmp_path / "cache"), "AK_MAX_CACHED_SESSIONS": "7"})


@pytest.fixture
def build(tmp_path):
    """A packed project of one file."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "main.py").write_text("x = 1\n")
    return SimpleNamespace(content=archive.pack(source).content)


def launch(settings, build, tell=lambda _text: None):
    """The launch of the deployment."""
    return boot.prepare(
        DEPLOYMENT, store_of(build), settings, "http://127.0.0.1:9980/", "127.0.0.1:7233", tell
    )


def test_launch_extracts_the_build(settings, build):
    """The files are in the home, under the build's id; without requirements our own Python runs them."""
    found = launch(settings, build)
    assert found.boot.directory == str(settings.home / "builds" / "bld_1")
    assert (settings.home / "builds" / "bld_1" / "main.py").read_text() == "x = 1\n"
    assert found.python == sys.executable
    assert found.log_file == settings.home / "logs" / "shop-dep_1.log"


def test_launch_tells_the_process_what_it_is(settings, build):
    """Names, addresses, limits, and the handlers once each."""
    found = launch(settings, build).boot
    assert (found.project, found.deployment, found.build, found.version) == ("shop", "dep_1", "bld_1", "v1")
    assert found.entrypoints == ["main.py:on_event", "main.py:g"]
    assert (found.temporal_address, found.temporal_namespace) == ("127.0.0.1:7233", "default")
    assert found.temporal_environment == {"TEMPORAL_API_KEY": "k3y"}
    assert (found.max_cached_workflows, found.log_level, found.log_format) == (7, "WARNING", "json")
    assert found.eager_calls == 3
    assert launch(dataclasses.replace(settings, eager_calls=50), build).boot.eager_calls == 50


def test_launch_hands_over_keys_of_the_project_only(settings, build):
    """The process gets keys derived for its project and the secrets it must hide, never the installation's key."""
    found = launch(settings, build).boot
    assert found.payload_keys == {name: key.hex() for name, key in derive_keys(b"\x01" * 32, "shop").items()}
    assert found.secrets == {"TOKEN": "t0p"}
    assert "01" * 32 not in repr(found)


def test_active_deployment_starts_with_the_connections_of_now(settings, build, monkeypatch):
    """Its process learns every variable of the connections that exist, also inherited ones, and which are secret."""
    monkeypatch.setenv("chat__inherited", "yes")
    active = dataclasses.replace(DEPLOYMENT, state="active")
    found = boot.prepare(active, store_of(build), settings, "", "", lambda _text: None).boot
    assert found.connections == {"chat": {"own": "1", "inherited": "yes", "token": "t-live"}}
    assert found.connection_secrets == {"chat__token": "t-live"}


def test_deployment_that_is_not_active_yet_knows_its_own_variables_only(settings, build):
    """What the store says of the connections is the running deployment's."""
    pending = dataclasses.replace(DEPLOYMENT, state="pending")
    found = boot.prepare(pending, store_of(build), settings, "", "", lambda _text: None).boot
    assert (found.connections, found.connection_secrets) == ({}, {})


def test_launch_needs_the_build(settings):
    """A build that is gone from the store is an error that says what to do."""
    with pytest.raises(DeployError, match="build bld_1 is not in the store") as refused:
        launch(settings, None)
    assert refused.value.hint == "Deploy the project again."


def test_process_environment_is_the_deployments(monkeypatch):
    """Variables of the deployment win over inherited ones; what is ours alone is not passed on."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("AK_PAYLOAD_KEY", "k")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = boot.process_environment(DEPLOYMENT, {"hook__webhook_url": "u"}, "")
    assert (found["A"], found["TOKEN"], found["LANG"]) == ("1", "t0p", "user")
    assert not {"AK_PAYLOAD_KEY", "PYTHONPATH"} & found.keys()
    assert found["hook__webhook_url"] == "u"
    assert (found["PYTHONHASHSEED"], found["PYTHONUNBUFFERED"]) == ("0", "1")


def test_process_environment_names_connections():
    """A program finds out what events say of where they come from; what the user says of it wins."""
    connections = [
        {"name": "chat", "integration": "slack", "vars": []},
        {"name": "hub", "integration": "github", "vars": []},
    ]
    known = dataclasses.replace(
        DEPLOYMENT,
        desired=desired(triggers=TRIGGERS, connections=connections, name="shop"),
        environment={"hub__connection_id": "mine"},
    )
    found = boot.process_environment(known, {}, "")
    assert (found["chat__connection_id"], found["hub__connection_id"]) == ("chat", "mine")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h:1", "http://h:1/webhooks/shop-hook-slug"),
        ("http://h:1/", "http://h:1/webhooks/shop-hook-slug"),
        ("", "webhooks/shop-hook-slug"),
    ],
)
def test_webhooks_are_told_by_variable(base, url):
    """Each webhook trigger, with or without a handler, has its URL; schedules have none."""
    found = boot.webhook_urls(DEPLOYMENT, store_of().triggers.reserve_slug, base)
    assert found["hook__webhook_url"] == url
    assert sorted(found) == [f"{name}__webhook_url" for name in ("hook", "other", "quiet", "same")]


def test_webhooks_are_told_by_the_names_they_had():
    """Code that was not changed with its manifest still finds the URL; a name that is another trigger's is its own."""
    slug = store_of().triggers.reserve_slug
    renames = {"before": "hook", "other": "hook", "x": "nightly"}
    extra = {"before__webhook_url": "webhooks/shop-before-slug"}
    assert boot.webhook_urls(DEPLOYMENT, slug, "", renames) == boot.webhook_urls(DEPLOYMENT, slug, "") | extra


def test_the_installations_key_stays_private(settings, build, tmp_path):
    """Where no key is configured, the one made for the first launch is readable by its owner only."""
    made = dataclasses.replace(settings, payload_key="")
    launch(made, build)
    assert stat.S_IMODE((made.home / "key").stat().st_mode) == 0o600
