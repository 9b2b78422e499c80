"""A project's interpreter: ours, or a virtual environment of its own when it has requirements.

The project's requirements are resolved *together with* our runtime's, so that a conflict is an error at deploy and not
an import error at three in the morning. A requirement on ``autokitteh`` means us. Environments are keyed by everything
that decides their content and kept; of our code they see the three packages and nothing else of where we live.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from worker import clock
from worker.errors import DeployError

RUNTIME_DISTRIBUTION = "autokitteh-temporal"
RUNTIME_PACKAGES = ("autokitteh", "manifest", "worker")
# Needed by the command line and the gateway only: a build process runs without them, a project may have its own.
_NOT_IN_PROCESSES = frozenset(
    {"cel-python", "prometheus-client", "rich", "starlette", "typer", "uv", "uvicorn", "pyyaml"}
)
_OURS = re.compile(r"^\s*autokitteh([-_.]+temporal)?\s*(\[[^\]]*\])?\s*([<>=!~;@ ].*)?$", re.IGNORECASE)
_TELL_SECONDS = 3.0
_ESSENTIAL_LINES = 12


def requirement_lines(text: str) -> list[str]:
    """The requirements that mean something, each in one line with its options: no comments, none on us."""
    lines = []
    for line in _logical_lines(text):
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if bare and not _OURS.match(bare):
            lines.append(bare)
    return lines


def _logical_lines(text: str) -> Iterator[str]:
    """Lines as pip reads them: one that ends in a backslash goes on in the next, a comment ends it."""
    begun = ""
    for line in text.splitlines():
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            begun += line.rstrip("\\")
            continue
        yield f"{begun} {line}" if is_comment else begun + line
        begun = ""
    yield begun


def runtime_requirements() -> list[str]:
    """What a build process needs of our own dependencies."""
    found = importlib.metadata.requires(RUNTIME_DISTRIBUTION) or []
    plain = [line for line in found if "extra ==" not in line]
    return sorted(
        line
        for line in plain
        if re.split(r"[\s<>=!~\[;]", line, maxsplit=1)[0].lower() not in _NOT_IN_PROCESSES
    )


def key(requirements: str) -> str:
    """What an environment is filed under."""
    parts = [
        *requirement_lines(requirements),
        "--",
        *runtime_requirements(),
        sys.version,
        str(package_root()),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def package_root() -> Path:
    """The directory that holds our packages."""
    return Path(__file__).resolve().parents[1]


def interpreter(
    requirements: str, cache: Path, directory: Path, tell: Callable[[str], None] = lambda _text: None
) -> str:
    """The Python that runs a project; makes its environment when it is not there yet.

    Args:
        requirements: the text of ``requirements.txt``, or nothing.
        cache: where environments are kept.
        directory: the extracted build: requirements such as ``./lib`` are relative to it.
        tell: called with progress when it takes longer than a few seconds.

    Raises:
        DeployError: the requirements cannot be installed, with the resolver's reason.
    """
    lines = requirement_lines(requirements)
    if not lines:
        return sys.executable
    home = cache / "environments" / key(requirements)
    python = home / "bin" / "python"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".ready").exists():
            build(home, requirements, directory, tell)
        (home / ".ready").touch()  # also: it is in use, see worker.retention.files
    return str(python)


def build(home: Path, requirements: str, directory: Path, tell: Callable[[str], None]) -> None:
    """Make the environment: resolve both sets together, install, make our packages importable."""
    import uv

    tool = uv.find_uv_bin()
    began = clock.monotonic()
    stopped = threading.Event()

    def report() -> None:
        while not stopped.wait(_TELL_SECONDS):
            tell(f"installing requirements … {clock.monotonic() - began:.0f} s")

    threading.Thread(target=report, daemon=True).start()
    try:
        run(
            [tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
            directory,
            requirements,
        )
        ours = home / "runtime-requirements.txt"
        ours.write_text("\n".join(runtime_requirements()) + "\n")
        theirs = directory / ".requirements-resolved.txt"
        theirs.write_text("\n".join(requirement_lines(requirements)) + "\n")
        try:
            run(
                [
                    tool,
                    "pip",
                    "install",
                    "--quiet",
                    "--python",
                    str(home / "bin" / "python"),
                    "-r",
                    str(theirs),
                    "-r",
                    str(ours),
                ],
                directory,
                requirements,
            )
        finally:
            theirs.unlink(missing_ok=True)
    finally:
        stopped.set()
    site = next((home / "lib").glob("python*/site-packages"))
    for name in RUNTIME_PACKAGES:
        link = site / name
        if not link.exists():
            link.symlink_to(package_root() / name)


def run(command: list[str], directory: Path, requirements: str) -> None:
    """Run one step of the installer."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        text = [line for line in done.stderr.splitlines() if line.strip()]
        shown = "\n  ".join(text[:_ESSENTIAL_LINES])
        raise DeployError(
            f"the requirements cannot be installed beside our own:\n  {shown}",
            where=f"requirements.txt:{blamed(done.stderr, requirements)}",
            hint="Correct requirements.txt; the running deployment stays.",
        )


def blamed(reason: str, requirements: str) -> int:
    """The line of the requirement the resolver complains about; 1 when it names none."""
    for number, line in enumerate(requirements.splitlines(), 1):
        name = re.split(r"[\s<>=!~\[;@]", line, maxsplit=1)[0]
        mention = rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
        if name and not name.startswith("#") and re.search(mention, reason, re.IGNORECASE):
            return number
    return 1
