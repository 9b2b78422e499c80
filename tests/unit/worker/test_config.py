"""Settings: defaults, errors that name the variable, the installation's key, the running ``ak up``."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers.locked import held
from worker import config
from worker.config import Keep, Settings, home_problem
from worker.errors import ConfigError


def load(tmp_path, **environ):
    """Settings of an environment that holds nothing else."""
    return Settings.load({"AK_HOME": str(tmp_path), **environ})


def test_settings_have_defaults_for_one_machine(tmp_path):
    """Nothing needs to be configured."""
    found = load(tmp_path)
    assert found.database_url == f"sqlite:///{tmp_path / 'autokitteh.db'}"
    assert (found.listen_host, found.listen_port) == ("127.0.0.1", 9980)
    assert (found.temporal_address, found.temporal_namespace) == (None, "default")
    assert (found.temporal_port, found.ui_port) == (7233, 8233)
    assert found.warnings == []


def test_settings_read_each_variable(tmp_path):
    """Every variable has its effect."""
    found = load(
        tmp_path,
        AK_DATABASE_URL="postgresql://db/ak",
        AK_LISTEN="0.0.0.0:80",
        AK_PUBLIC_URL="https://hooks.example.com/",
        AK_TEMPORAL_PORT="0",
        AK_UI_PORT="1",
        AK_CACHE_DIR="/var/cache/ak",
        AK_BUDGET_SECONDS="0.5",
        AK_MAX_CACHED_SESSIONS="7",
        AK_HISTORY_WARNING="500",
        AK_VERSIONS_LIMIT="250",
        AK_EAGER_CALLS="12",
        AK_RETENTION_EVENT_DAYS="0.5",
        AK_RETENTION_EVENTS="5",
        AK_RETENTION_LOG_DAYS="2",
        AK_RETENTION_LOG_LINES="6",
        AK_RETENTION_DEPLOYMENT_DAYS="3",
        AK_RETENTION_DEPLOYMENTS="4",
        AK_RETENTION_EVERY_SECONDS="60",
        AK_LOG_LEVEL="DEBUG",
        AK_LOG_FORMAT="json",
    )
    assert found.database_url == "postgresql://db/ak"
    assert (found.listen_host, found.listen_port) == ("0.0.0.0", 80)
    assert found.public_url == "https://hooks.example.com"
    assert (found.temporal_port, found.ui_port) == (0, 1)
    assert str(found.cache_dir) == "/var/cache/ak"
    assert (found.budget_seconds, found.max_cached_workflows, found.history_warning) == (0.5, 7, 500)
    assert found.versions_limit == 250
    assert found.eager_calls == 12
    assert found.keep == Keep(0.5, 5, 2, 6, 3, 4, 60)
    assert (found.log_level, found.log_format) == ("debug", "json")


def test_settings_take_temporals_own_variables(tmp_path):
    """Address and namespace are read by Temporal's library; the rest is passed on."""
    found = load(
        tmp_path, TEMPORAL_ADDRESS="t.example.com:7233", TEMPORAL_NAMESPACE="prod", TEMPORAL_API_KEY="k3y"
    )
    assert (found.temporal_address, found.temporal_namespace) == ("t.example.com:7233", "prod")
    assert found.temporal_environment["TEMPORAL_API_KEY"] == "k3y"


def test_settings_read_a_profile_of_temporal(tmp_path):
    """A profile file of Temporal's command line is enough."""
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.default]\naddress = "profile.example.com:7233"\nnamespace = "from-file"\n')
    found = load(tmp_path, TEMPORAL_CONFIG_FILE=str(file))
    assert (found.temporal_address, found.temporal_namespace) == ("profile.example.com:7233", "from-file")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep configuration elsewhere")
@pytest.mark.parametrize("place", ["XDG_CONFIG_HOME", "HOME"])
def test_settings_find_a_profile_of_temporal_where_it_is_by_default(tmp_path, monkeypatch, place):
    """Temporal's library knows the place; that nobody asks it where there is no file is a matter of time only."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv(place, str(tmp_path / "own"))
    assert load(tmp_path).temporal_address is None
    directory = tmp_path / "own" / (".config/temporalio" if place == "HOME" else "temporalio")
    directory.mkdir(parents=True)
    (directory / "temporal.toml").write_text('[profile.default]\naddress = "profile.example.com:7233"\n')
    assert load(tmp_path).temporal_address == "profile.example.com:7233"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AK_LISTEN", "9980"),
        ("AK_LISTEN", "127.0.0.1:http"),
        ("AK_LISTEN", "127.0.0.1:65536"),
        ("AK_TEMPORAL_PORT", "-1"),
        ("AK_UI_PORT", "x"),
        ("AK_BUDGET_SECONDS", "soon"),
        ("AK_BUDGET_SECONDS", "nan"),
        ("AK_MAX_CACHED_SESSIONS", "-5"),
        ("AK_RETENTION_LOG_DAYS", "-1"),
        ("AK_RETENTION_DEPLOYMENTS", "all"),
        ("AK_LOG_LEVEL", "loud"),
        ("AK_LOG_FORMAT", "xml"),
    ],
)
def test_settings_name_variable_and_value_of_an_error(tmp_path, name, value):
    """A wrong value is told with its variable."""
    with pytest.raises(ConfigError, match=f"{name}='{value}'"):
        load(tmp_path, **{name: value})


def test_settings_warn_of_unknown_variables(tmp_path):
    """A misspelled variable is told with the one that was meant."""
    assert load(tmp_path, AK_LISTN="x:1").warnings == ["AK_LISTN is no setting; did you mean AK_LISTEN?"]


def test_settings_keep_secrets_out_of_their_repr(tmp_path):
    """Neither the key nor Temporal's credentials appear when settings are printed."""
    text = repr(load(tmp_path, AK_PAYLOAD_KEY="ab" * 32, TEMPORAL_API_KEY="s3cret"))
    assert "ab" * 32 not in text
    assert "s3cret" not in text


def test_installation_key_is_made_once_and_kept_private(tmp_path):
    """All processes that ask at the same time get the same key, in a file only its owner can read."""
    home = tmp_path / "fresh"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load(home).installation_key(), range(16)))
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 1
    assert stat.S_IMODE((home / "key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["key"]


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    """The disk is full: the next start finds neither half a key nor what was to become one."""

    def full(_number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        "worker.config.secrets.token_hex", lambda size: "ab" * size if size < 32 else full(size)
    )
    with pytest.raises(ConfigError, match="No space left on device"):
        load(tmp_path).installation_key()
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_told(tmp_path):
    """A file is in its way; where it can be made there is nothing to tell, and nothing is made."""
    (tmp_path / "taken").write_text("")
    assert home_problem(tmp_path / "taken" / "home") == f"AK_HOME: {tmp_path / 'taken'} is not a directory"
    assert home_problem(tmp_path / "new" / "home") == home_problem(tmp_path) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_installation_key_of_the_environment_wins(tmp_path):
    """A configured key is used, and no file is made."""
    assert load(tmp_path, AK_PAYLOAD_KEY="01" * 32).installation_key() == b"\x01" * 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["zz" * 32, "01" * 16])
def test_installation_key_must_be_32_bytes_of_hex(tmp_path, text):
    """A key that is too short or no hex is refused without being repeated."""
    with pytest.raises(ConfigError, match="AK_PAYLOAD_KEY is not a key of 32 bytes") as caught:
        load(tmp_path, AK_PAYLOAD_KEY=text).installation_key()
    assert text not in str(caught.value)


def described(home):
    """This process describes itself as a running ``ak up``."""
    config.write_running(
        home,
        gateway="http://127.0.0.1:1",
        temporal="127.0.0.1:2",
        ui="http://127.0.0.1:3",
        versions_limit=1000,
    )


def test_running_describes_this_process_until_it_is_removed(tmp_path):
    """Other commands find addresses of the running ``ak up``."""
    with held(tmp_path):
        described(tmp_path)
        found = config.read_running(tmp_path)
        assert found is not None
        assert (found["gateway"], found["temporal"]) == ("http://127.0.0.1:1", "127.0.0.1:2")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "up.lock"]
        config.remove_running(tmp_path)
        config.remove_running(tmp_path)
        assert config.read_running(tmp_path) is None


def test_running_is_whoever_holds_the_lock(tmp_path):
    """A process that got the number of one that was killed is none, nor is the next ``ak up`` while it starts."""
    with held(tmp_path):
        described(tmp_path)
    assert config.read_running(tmp_path) is None  # its number is alive: it is ours
    assert config.died_running(tmp_path) == os.getpid()
    with held(tmp_path, pid=os.getpid() + 1):
        assert config.read_running(tmp_path) is None
    with held(tmp_path):
        assert config.read_running(tmp_path) is not None


@pytest.mark.parametrize("text", ["", "{", "{}", json.dumps({"pid": 2**22 + 1}), "[]"])
def test_running_ignores_what_a_dead_process_left(tmp_path, text):
    """A broken file, or that of a process that is gone, counts as nothing."""
    config.running_file(tmp_path).write_text(text)
    assert config.read_running(tmp_path) is None
    assert config.died_running(tmp_path) == (2**22 + 1 if "pid" in text else None)
    with held(tmp_path):
        assert config.read_running(tmp_path) is None


def test_build_processes_inherit_nothing_that_is_ours(monkeypatch):
    """Our settings and Temporal's credentials stay with us; everything else is inherited."""
    monkeypatch.setenv("AK_PAYLOAD_KEY", "k")
    monkeypatch.setenv("TEMPORAL_API_KEY", "k")
    monkeypatch.setenv("LANG", "C.UTF-8")
    found = config.inherited_environment()
    assert "LANG" in found
    assert not {"AK_PAYLOAD_KEY", "TEMPORAL_API_KEY"} & found.keys()
