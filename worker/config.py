"""Settings: the only place that reads the environment.

============================= ======================================================== =============================
variable                      meaning                                                  default
============================= ======================================================== =============================
AK_HOME                       state: database, builds, logs, the installation's key    ~/.autokitteh
AK_DATABASE_URL               sqlite:///file or postgresql://…                         SQLite in AK_HOME
AK_LISTEN                     host:port of the gateway; port 0 takes any free one      127.0.0.1:9980
AK_METRICS_LISTEN             host:port where `ak worker` shows /metrics and /healthz  nowhere
AK_PUBLIC_URL                 where the world reaches the gateway                      the gateway's own address
AK_TEMPORAL_PORT              port of our own Temporal server; 0 takes any free one    7233
AK_UI_PORT                    port of its UI; 0 takes any free one                     8233
AK_PAYLOAD_KEY                the installation's key, 32 bytes as hex                  the file ``key`` in AK_HOME
AK_CACHE_DIR                  Temporal binaries, projects' virtual environments        ~/.cache/autokitteh
AK_BUDGET_SECONDS             how long a handler may compute without a call            5
AK_ANSWER_SECONDS             how long a synchronous webhook waits for its answer      30
AK_PAYLOAD_LIMIT              bytes of one argument list, result or exception          33554432
AK_MAX_CACHED_SESSIONS        sessions kept in memory per build process                1000
AK_VERSIONS_LIMIT             versions of a project that Temporal allows; ours: 1000    100
AK_EAGER_CALLS                calls begun at once that the process takes itself        3; `ak up`: all
AK_IDLE_SECONDS               a draining process without work for so long is stopped   60
AK_HISTORY_WARNING            events of a session's history before its log warns       10000
AK_RETENTION_EVENT_DAYS       days that events, signals and answers are kept           30
AK_RETENTION_EVENTS           the most events that are kept                            1000000
AK_RETENTION_LOG_DAYS         days that a log is kept after a session's last line      30
AK_RETENTION_LOG_LINES        the most lines of logs that are kept                     10000000
AK_RETENTION_DEPLOYMENT_DAYS  days that a deployment is kept after its activation      30
AK_RETENTION_DEPLOYMENTS      deployments of a project that always stay, the newest    10
AK_RETENTION_EVERY_SECONDS    how often what is past its time is deleted; 0: never     3600
AK_LOG_LEVEL                  debug, info, warning, error                              warning
AK_LOG_FORMAT                 text or json                                             text
============================= ======================================================== =============================

Temporal's own variables (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, ``TEMPORAL_API_KEY``, profiles …) are read by
Temporal's own library; ``OTEL_EXPORTER_OTLP_ENDPOINT`` and the like, by OpenTelemetry's, when traces are wanted.

Length: one list of settings, each with how it is read.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import json
import os
import secrets
import urllib.parse
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.errors import ConfigError

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConfigProfile

_KEY_BYTES = 32
_PORT_LIMIT = 65_536
_KNOWN = (
    "AK_HOME",
    "AK_DATABASE_URL",
    "AK_LISTEN",
    "AK_METRICS_LISTEN",
    "AK_PUBLIC_URL",
    "AK_TEMPORAL_PORT",
    "AK_UI_PORT",
    "AK_PAYLOAD_KEY",
    "AK_CACHE_DIR",
    "AK_BUDGET_SECONDS",
    "AK_ANSWER_SECONDS",
    "AK_PAYLOAD_LIMIT",
    "AK_MAX_CACHED_SESSIONS",
    "AK_VERSIONS_LIMIT",
    "AK_EAGER_CALLS",
    "AK_IDLE_SECONDS",
    "AK_HISTORY_WARNING",
    "AK_RETENTION_EVENT_DAYS",
    "AK_RETENTION_EVENTS",
    "AK_RETENTION_LOG_DAYS",
    "AK_RETENTION_LOG_LINES",
    "AK_RETENTION_DEPLOYMENT_DAYS",
    "AK_RETENTION_DEPLOYMENTS",
    "AK_RETENTION_EVERY_SECONDS",
    "AK_LOG_LEVEL",
    "AK_LOG_FORMAT",
)
GRPC = "grpc"
_NOT_INHERITED = ("AK_", "TEMPORAL_", "PYTHON", "VIRTUAL_ENV")
_TRACES_TO = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TRACES_BY = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Keep:
    """What is kept how long: days and numbers; 0 is for ever, and no limit."""

    event_days: float = 30.0
    events: int = 1_000_000
    log_days: float = 30.0
    log_lines: int = 10_000_000
    deployment_days: float = 30.0
    deployments: int = 10
    every_seconds: float = 3600.0

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Keep:
        """Read the environment."""

        def given(name: str, default: float) -> float:
            return number_of(environ, f"AK_RETENTION_{name}", default)

        return cls(
            event_days=given("EVENT_DAYS", cls.event_days),
            events=int(given("EVENTS", cls.events)),
            log_days=given("LOG_DAYS", cls.log_days),
            log_lines=int(given("LOG_LINES", cls.log_lines)),
            deployment_days=given("DEPLOYMENT_DAYS", cls.deployment_days),
            deployments=int(given("DEPLOYMENTS", cls.deployments)),
            every_seconds=given("EVERY_SECONDS", cls.every_seconds),
        )


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured."""

    home: Path
    database_url: str
    listen_host: str = "127.0.0.1"
    listen_port: int = 9980
    metrics_listen: tuple[str, int] | None = None
    public_url: str = ""
    temporal_address: str | None = None
    temporal_namespace: str = "default"
    temporal_environment: dict[str, str] = field(default_factory=dict, repr=False)
    temporal_port: int = 7233
    ui_port: int = 8233
    payload_key: str = field(default="", repr=False)
    cache_dir: Path = Path()
    budget_seconds: float = 5.0
    answer_seconds: float = 30.0
    payload_limit: int = 32 * 1024 * 1024
    max_cached_workflows: int = 1000
    versions_limit: int = 100  # Temporal's default
    eager_calls: int = 0  # 0: what Temporal's library does; all with a server of our own
    idle_seconds: float = 60.0
    history_warning: int = 10_000
    keep: Keep = field(default_factory=Keep)
    log_level: str = "warning"
    log_format: str = "text"
    tracing: bool = False
    traces_protocol: str = "http/protobuf"
    traces_ratio: float = 1.0
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, home: Path | None = None) -> Settings:
        """Read the environment.

        Raises:
            ConfigError: a value is not what its variable takes.
        """
        environ = os.environ if environ is None else environ
        home = home or home_directory(environ)
        host, port = listen_address(environ.get("AK_LISTEN", "127.0.0.1:9980"))
        profile = temporal_profile(environ) if temporal_is_configured(environ) else None
        return cls(
            home=home,
            database_url=environ.get("AK_DATABASE_URL") or f"sqlite:///{home / 'autokitteh.db'}",
            listen_host=host,
            listen_port=port,
            metrics_listen=listen_address(environ["AK_METRICS_LISTEN"], "AK_METRICS_LISTEN")
            if environ.get("AK_METRICS_LISTEN")
            else None,
            public_url=url_of(environ, "AK_PUBLIC_URL"),
            temporal_address=(profile.address if profile else None) or None,
            temporal_namespace=(profile.namespace if profile else None) or "default",
            temporal_environment={
                name: value for name, value in environ.items() if name.startswith("TEMPORAL_")
            },
            temporal_port=port_of(environ, "AK_TEMPORAL_PORT", 7233),
            ui_port=port_of(environ, "AK_UI_PORT", 8233),
            payload_key=environ.get("AK_PAYLOAD_KEY", ""),
            cache_dir=Path(environ.get("AK_CACHE_DIR") or Path.home() / ".cache" / "autokitteh").expanduser(),
            budget_seconds=number_of(environ, "AK_BUDGET_SECONDS", 5.0),
            answer_seconds=number_of(environ, "AK_ANSWER_SECONDS", 30.0),
            payload_limit=int(number_of(environ, "AK_PAYLOAD_LIMIT", 32 * 1024 * 1024)),
            max_cached_workflows=int(number_of(environ, "AK_MAX_CACHED_SESSIONS", 1000)),
            versions_limit=int(number_of(environ, "AK_VERSIONS_LIMIT", 100)),
            eager_calls=int(number_of(environ, "AK_EAGER_CALLS", 0)),
            idle_seconds=number_of(environ, "AK_IDLE_SECONDS", 60.0),
            history_warning=max(1, int(number_of(environ, "AK_HISTORY_WARNING", 10_000))),
            keep=Keep.load(environ),
            log_level=choice_of(environ, "AK_LOG_LEVEL", "warning", _LEVELS),
            log_format=choice_of(environ, "AK_LOG_FORMAT", "text", ("text", "json")),
            traces_protocol=traces_protocol_of(environ),
            traces_ratio=number_of(environ, "OTEL_TRACES_SAMPLER_ARG", 1.0),
            tracing=any(environ.get(name) for name in _TRACES_TO)
            and environ.get("OTEL_SDK_DISABLED", "").lower() != "true",
            warnings=unknown_variables(environ),
        )

    def make_home(self) -> None:
        """Make the home's directory, unless it is there.

        Raises:
            ConfigError: it cannot be made, or is none.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"AK_HOME: the directory {self.home} cannot be made: {error.strerror}",
                hint="Set AK_HOME to a directory that you may write to.",
            ) from None

    def installation_key(self) -> bytes:
        """The key that seals secrets and signs payloads; made at first use when none is configured.

        Raises:
            ConfigError: it cannot be read or made, or is no key.
        """
        if self.payload_key:
            return parse_key(self.payload_key, "AK_PAYLOAD_KEY")
        path = self.home / "key"
        self.make_home()
        try:
            return parse_key(self._key(path), str(path))
        except OSError as error:
            raise ConfigError(
                f"AK_HOME: the key {path} cannot be used: {error.strerror}",
                hint="Give its user the right to read and write the home, or set AK_HOME to another one.",
            ) from None

    def _key(self, path: Path) -> str:
        if not path.exists():
            fresh = self.home / f"key.{os.getpid()}.{secrets.token_hex(4)}"
            try:
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_hex(_KEY_BYTES))
                with contextlib.suppress(FileExistsError):
                    os.link(fresh, path)  # fails when another process was first: its key counts
            finally:
                fresh.unlink(missing_ok=True)
        return path.read_text(errors="replace").strip()


def home_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Where state is kept."""
    environ = os.environ if environ is None else environ
    return Path(environ.get("AK_HOME") or Path.home() / ".autokitteh").expanduser().absolute()


def home_problem(home: Path) -> str:
    """Why the home could not be made or used, as far as that can be seen without trying; empty when it could."""
    nearest = next(folder for folder in [home, *home.parents] if folder.exists())
    if not nearest.is_dir():
        return f"AK_HOME: {nearest} is not a directory"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"AK_HOME: you may not write to {nearest}"
    return ""


def inherited_environment() -> dict[str, str]:
    """What a build process inherits of our environment: nothing that is ours alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def child_environment() -> dict[str, str]:
    """Our whole environment, for a short-lived process of ours."""
    return dict(os.environ)


def process_environment() -> MutableMapping[str, str]:
    """The environment of this process, which in a build process belongs to the user's program."""
    return os.environ


def report_descriptor() -> int:
    """Where a build process reports to; taken out of the environment, which is the user's."""
    return int(os.environ.pop("AK_REPORT_FD", "2"))


def boot_descriptor() -> int:
    """Where a process reads its configuration when its standard input is a terminal."""
    return int(os.environ.pop("AK_BOOT_FD", "0"))


def temporal_is_configured(environ: Mapping[str, str]) -> bool:
    """Whether there is anything for Temporal's library to read, which takes longer to load than most commands run."""
    homes = (
        os.environ.get("XDG_CONFIG_HOME"),
        Path.home() / ".config",
        Path.home() / "Library/Application Support",
    )
    return any(name.startswith("TEMPORAL_") for name in environ) or any(
        Path(home, "temporalio", "temporal.toml").exists() for home in homes if home
    )


def temporal_profile(environ: Mapping[str, str]) -> ClientConfigProfile:
    """Temporal's own configuration: its variables and profile file."""
    from temporalio.envconfig import ClientConfigProfile

    try:
        return ClientConfigProfile.load(override_env_vars=dict(environ))
    except Exception as error:
        raise ConfigError(
            f"Temporal's configuration cannot be read: {error}",
            hint="Correct TEMPORAL_CONFIG_FILE, or the profile that TEMPORAL_PROFILE names.",
        ) from None


def parse_key(text: str, source: str) -> bytes:
    """A key given as hex."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            f"{source} is not a key of {_KEY_BYTES} bytes as hex", hint="Make one: `openssl rand -hex 32`"
        )
    return key


def listen_address(text: str, name: str = "AK_LISTEN") -> tuple[str, int]:
    """``host:port``."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) >= _PORT_LIMIT:
        raise ConfigError(f"{name}={text!r} is not host:port", hint="Example: 127.0.0.1:9980")
    return host.strip("[]") or "127.0.0.1", int(port)


def url_of(environ: Mapping[str, str], name: str) -> str:
    """Where something is reached; empty where nothing is said."""
    text = environ.get(name, "").rstrip("/")
    try:
        parts = urllib.parse.urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is none
        known = False
    if text and not known:
        raise ConfigError(f"{name}={text!r} is not a URL", hint="Example: https://hooks.example.com")
    return text


def port_of(environ: Mapping[str, str], name: str, default: int) -> int:
    """A port."""
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) >= _PORT_LIMIT:
        raise ConfigError(f"{name}={text!r} is not a port", hint="A number from 0 (any free port) to 65535.")
    return int(text)


def number_of(environ: Mapping[str, str], name: str, default: float) -> float:
    """A number that is not negative."""
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name}={text!r} is not a number", hint="A number of 0 or more.")
    return value


def choice_of(environ: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    text = (environ.get(name) or default).lower()
    if text not in choices:
        raise ConfigError(f"{name}={text!r} is none of its values", hint=f"Choose one: {', '.join(choices)}")
    return text


def traces_protocol_of(environ: Mapping[str, str]) -> str:
    """How the collector of traces is spoken to: what is said of traces, else of all signals, else over HTTP."""
    name = next((name for name in _TRACES_BY if environ.get(name)), _TRACES_BY[0])
    return choice_of(environ, name, "http/protobuf", ("http/protobuf", GRPC))


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are not."""
    found = []
    for name in sorted(environ):
        if name.startswith("AK_") and name not in _KNOWN:
            close = difflib.get_close_matches(name, _KNOWN, 1)
            found.append(f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else ""))
    return found


def running_file(home: Path) -> Path:
    """Where a running ``ak up`` describes itself."""
    return home / "run.json"


def write_running(home: Path, *, gateway: str, temporal: str, ui: str, versions_limit: int) -> None:
    """Describe the running ``ak up``, so that other commands find it."""
    path = running_file(home)
    fresh = path.with_suffix(".tmp")
    described = {"gateway": gateway, "temporal": temporal, "ui": ui, "versions_limit": versions_limit}
    fresh.write_text(json.dumps(described | {"pid": os.getpid()}))
    fresh.replace(path)


def lock_file(home: Path) -> Path:
    """What a running ``ak up`` holds a lock on; the lock goes with the process."""
    return home / "up.lock"


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; looking takes a lock that all who look may share, for an instant."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is no such file, or its file system has no locks
        return False
    return False


def read_running(home: Path) -> dict[str, Any] | None:
    """The running ``ak up`` of this home; None when there is none, or it died.

    Its lock tells, and not its number alone, which another process may have by now.
    """
    lock = lock_file(home)
    if not is_held(lock):
        return None
    try:
        found: dict[str, Any] = json.loads(running_file(home).read_text())
        described = int(found["pid"]) == int(
            lock.read_text()
        )  # else it is the one before, and this one is starting
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if described else None


def died_running(home: Path) -> int | None:
    """The process of an ``ak up`` of this home that ended without being stopped; None when there is none."""
    try:
        pid = int(json.loads(running_file(home).read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if read_running(home) is None else None


def remove_running(home: Path) -> None:
    """It runs no more."""
    running_file(home).unlink(missing_ok=True)
