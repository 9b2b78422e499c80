"""docker-compose.yml and Dockerfile, without a container engine: the files are checked, their commands are run.

What the image would hold is made as the Dockerfile says, in a directory of its own, and used for the rest: so this is
also the test that the built wheel works without the source tree.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml

from tests.helpers import compose, postgres
from tests.helpers.temporal import shared_server
from tests.helpers.waiting import eventually_sync
from worker.config import Settings
from worker.contracts import EAGER_CALLS

ROOT = compose.ROOT
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
SCHEMA = json.loads((ROOT / "tests" / "vendored" / "compose-spec.json").read_text())
VALUES = {
    **compose.example(),
    "POSTGRES_PASSWORD": "s3cret0fPostgres",
    "AK_PAYLOAD_KEY": "cd" * 32,
    "AK_PUBLIC_URL": "https://hooks.example.com",
}


@pytest.fixture(scope="module")
def services():
    """The services, with the variables of a filled in .env."""
    return compose.load(VALUES)["services"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the image's first stage makes: its COPY and RUN lines, carried out in a directory."""
    root = tmp_path_factory.mktemp("image")
    source, target = root / "source", root / "opt"
    source.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AK_", "PYTHON", "VIRTUAL"))
    }
    stage = DOCKERFILE.partition("\nFROM python:3.12-slim\n")[0]
    for line in stage.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *names, to = rest.split()
            for name in names:
                copy(ROOT / name, source / to / (name if to == "./" else ""))
        elif word == "RUN":
            command = rest.replace("/opt/autokitteh", str(target))
            done = subprocess.run(
                ["sh", "-c", command], cwd=source, env=kept, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    shutil.rmtree(source)
    return target


def copy(path: Path, to: Path) -> None:
    """As COPY does, without what .dockerignore leaves out."""
    if path.is_dir():
        shutil.copytree(path, to, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy(path, to)


def test_compose_file_follows_the_specification(services):
    """Validated against the specification's own schema, as written and with its variables filled in."""
    for found in (yaml.safe_load(compose.FILE.read_text()), compose.load(VALUES)):
        jsonschema.Draft7Validator(SCHEMA).validate(found)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate({"services": {"a": {"imagee": "b"}}})


def test_every_variable_is_in_the_example():
    """With the same default; what has none is empty there, and asked for with a message."""
    example = compose.example()
    asked = compose.variables()
    assert example.keys() == asked.keys()
    for name, ways in asked.items():
        assert len(ways) == 1, f"{name} has different defaults: {ways}"
        (way,) = ways
        assert way == (f":-{example[name]}" if example[name] else ":?set it in .env, see .env.example"), name


def test_settings_of_the_example_are_the_defaults(tmp_path):
    """What it names and does not change is as it would be without it; the calls begun at once are three either way."""
    given = {
        name: value
        for name, value in compose.example().items()
        if name.startswith(("AK_RETENTION_", "AK_ANSWER_", "AK_BUDGET_", "AK_IDLE_"))
    }
    assert len(given) == 9
    assert Settings.load(given, tmp_path) == Settings.load({}, tmp_path)
    assert int(compose.example()["AK_EAGER_CALLS"]) == EAGER_CALLS


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "AK_PAYLOAD_KEY", "AK_PUBLIC_URL"])
def test_nothing_starts_without_what_must_be_chosen(name):
    """No password and no key has a default."""
    with pytest.raises(compose.MissingError, match=r"set it in \.env"):
        compose.load({**VALUES, name: ""})


def test_services_start_after_what_they_need(services):
    """Who waits for health waits for something that has a check, who waits for an end for something that ends."""
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            needed = services[other]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in needed, f"{name} waits for {other}"
            if how["condition"] == "service_completed_successfully":
                assert needed["restart"].startswith("on-failure"), f"{name} waits for the end of {other}"
    order: list[str] = []
    waiting = dict(services)
    while waiting:
        ready = [
            name for name, service in waiting.items() if set(service.get("depends_on", {})) <= set(order)
        ]
        assert ready, f"these wait for each other: {sorted(waiting)}"
        order += ready
        waiting = {name: service for name, service in waiting.items() if name not in ready}


def test_secrets_of_the_example_are_nowhere_but_in_the_environment(services):
    """Neither in a command line nor in a health check; nothing but the gateway may be published to the world."""
    for name, service in services.items():
        words = [*service.get("command", []), *service.get("healthcheck", {}).get("test", [])]
        assert not [word for word in words if VALUES["POSTGRES_PASSWORD"] in str(word)], name
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:")


def test_mounted_files_and_volumes_exist(services):
    """Files are in the repository, scripts of theirs are valid, named volumes are declared."""
    declared = compose.load(VALUES)["volumes"]
    for service in services.values():
        for mount in service.get("volumes", []):
            source, target, *_ = mount.split(":")
            assert (ROOT / source).exists() if source.startswith(".") else source in declared
            for word in service.get("command", []) if source.startswith(".") else []:
                if str(word).startswith(f"{target}/"):
                    script = ROOT / source / Path(word).name
                    subprocess.run(["sh", "-n", str(script)], check=True)
    config = yaml.safe_load((ROOT / "docker" / "temporal-dynamic-config.yaml").read_text())
    assert all(isinstance(values[0]["value"], int | bool | str) for values in config.values())


def test_dockerfile_copies_what_is_there():
    """Every COPY names files of the repository that .dockerignore lets through."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    names = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert names
    for name in names:
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, pattern) for pattern in let_through), name
    assert sorted(names) == sorted(let_through)


def test_image_runs_as_nobody_in_particular(services):
    """The image has a user of its own, and its entry point is ak."""
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "\nUSER autokitteh\n" in final
    assert json.loads(re.search(r"^ENTRYPOINT (.+)$", final, re.MULTILINE)[1]) == ["ak"]
    assert {service["image"] for service in services.values() if "build" in service} == {"autokitteh:local"}


@pytest.mark.timeout(300)
def test_installed_wheel_stands_on_its_own(image):
    """From the image's directory, with no source tree in reach: help, version, a vendor's library, a project's check."""
    ak = str(image / "bin" / "ak")
    for words in (
        [ak, "--help"],
        [ak, "version"],
        [str(image / "bin" / "python"), "-c", "import slack_sdk, worker"],
    ):
        done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    where = subprocess.run(
        [str(image / "bin" / "python"), "-c", "import worker; print(worker.__file__)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(image))


class Stack:
    """The services of ours, as plain processes from what the image holds."""

    def __init__(self, image, services, hosts, home):
        self.image, self.services, self.hosts, self.home = image, services, hosts, home
        self.processes = []

    def words(self, name, *instead):
        """The command and environment of a service, in a home of its own."""
        command, environment = compose.as_process(self.services[name], self.hosts)
        home = {"AK_HOME": str(self.home / name), "AK_CACHE_DIR": str(self.home / "cache")}
        path = {"PATH": f"{self.image / 'bin'}:{os.environ['PATH']}", "HOME": str(self.home)}
        return [str(self.image / "bin" / "ak"), *(instead or command)], {**path, **home, **environment}

    def start(self, name):
        """Start a service."""
        command, environment = self.words(name)
        with (self.home / f"{name}.log").open("a") as log:
            process = subprocess.Popen(command, env=environment, cwd="/", stdout=log, stderr=log)
        self.processes.append(process)

    def healthy(self, name):
        """Whether its health check says so."""
        check = self.services[name]["healthcheck"]["test"]
        assert check[:2] == ["CMD", "ak"]
        command, environment = self.words(name, *check[2:])
        return (
            subprocess.run(command, env=environment, cwd="/", capture_output=True, check=False).returncode
            == 0
        )

    def run(self, *words):
        """``docker compose run --rm ak …``."""
        command, environment = self.words("ak", *words)
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def stop(self):
        """SIGTERM, as Compose does; returns the statuses."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        return [process.wait(30) for process in self.processes]


@pytest.mark.timeout(300)
def test_services_work_as_the_file_starts_them(image, services, tmp_path):
    """The commands, environments and health checks of the file, on a real Postgres and a real Temporal."""
    with postgres.server() as database, shared_server(tmp_path / "temporal") as temporal:
        url = postgres.new_database(database.url).removeprefix("postgresql://ak@")
        hosts = {
            f"autokitteh:{VALUES['POSTGRES_PASSWORD']}@postgres:5432/autokitteh": f"ak@{url}",
            "temporal:7233": temporal.address,
            "0.0.0.0:9980": f"127.0.0.1:{free_port()}",
        }
        stack = Stack(image, services, hosts, tmp_path)
        try:
            assert not stack.healthy("gateway")
            assert not stack.healthy("worker")
            stack.start("gateway")
            stack.start("worker")
            eventually_sync(lambda: stack.healthy("gateway") and stack.healthy("worker"))
            deployed = stack.run("deploy", str(ROOT / "examples" / "quickstart"), "--json")
            (hook,) = deployed["webhooks"].values()
            assert hook.startswith("https://hooks.example.com/webhooks/")
            answer = httpx.post(
                f"http://{hosts['0.0.0.0:9980']}{hook.removeprefix('https://hooks.example.com')}"
            )
            event = answer.headers["AutoKitteh-Event-ID"]
            session = eventually_sync(lambda: stack.run("session", "list", "--event", event, "--json"))[0][
                "id"
            ]
            assert stack.run("session", "wait", session, "--json")["state"] == "completed"
            assert stack.stop() == [0, 0]
            assert not stack.healthy("worker")
        finally:
            for process in stack.processes:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()


def free_port() -> int:
    """A port nobody has."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
