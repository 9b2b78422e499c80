"""A project directory as canonical bytes: order, times and cache files do not matter, content does.

Kept: everything but names that begin with a dot, ``__pycache__``, compiled files, ``node_modules`` and virtual
environments. Names that begin with ``_`` are kept. A link is stored as what it points to, inside the project only.
A file that vanishes while we look was not there; what is read of a file is read once.

The requirements are packed like any file, but are no part of the id: they make another deployment of the same build.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from worker.errors import DeployError

REQUIREMENTS = "requirements.txt"
LIMIT_BYTES = 64 * 1024 * 1024
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_HASH_CHARACTERS = 32
_DONE = ".complete"


@dataclass(frozen=True)
class Archive:
    """A packed project; ``texts`` are its Python files and its requirements, as they were read."""

    content: bytes
    build_id: str
    files: list[str]
    texts: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)


def collect(directory: Path, without: Path | None = None) -> list[str]:
    """The files that belong to a build, as sorted relative POSIX paths.

    Args:
        directory: the project.
        without: a directory that is none of its files even when it lies inside: our own state.

    Raises:
        DeployError: a link leads out of the project, or it is the directory of our own state.
    """
    root, state = directory.resolve(), without.resolve() if without is not None else None
    if root == state:
        raise DeployError(
            f"{directory} is AK_HOME: its key and its database would be part of the project",
            hint="Set AK_HOME to another directory, or move the project.",
        )
    return sorted(_walk(directory, root, state))


def leads_round(path: Path) -> bool:
    """Whether the links of a path lead round in a circle; said in another way by each version of Python."""
    try:
        path.resolve(strict=True)
    except RuntimeError:
        return True
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _walk(directory: Path, root: Path, state: Path | None) -> Iterator[str]:
    try:
        entries = sorted(directory.iterdir())
    except FileNotFoundError:
        if directory.resolve() == root:
            raise
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED or entry.suffix == ".pyc":
            continue
        if entry.is_dir() and state is not None and entry.resolve() == state:
            continue
        _check_name(entry.name)
        if leads_round(entry):
            raise DeployError(
                f"{_relative(entry, root)} is a link that leads round in a circle", hint="Remove the link."
            )
        target = entry.resolve()
        if entry.is_symlink() and not target.exists():
            raise DeployError(
                f"{_relative(entry, root)} is a link to {target}, which does not exist",
                hint="Remove the link, or add the file.",
            )
        if entry.is_symlink() and target != root and root not in target.parents:
            raise DeployError(
                f"{_relative(entry, root)} is a link to {target}, outside the project",
                hint="Copy the file into it.",
            )
        if entry.is_dir():
            if not (entry / "pyvenv.cfg").exists() and not (
                entry.is_symlink() and target in entry.absolute().parents
            ):
                yield from _walk(entry, root, state)
        elif entry.is_file():
            yield _relative(entry, root)


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DeployError(f"the file name {name!r} is not UTF-8", hint="Rename the file.") from None


def _relative(entry: Path, root: Path) -> str:
    parent = entry.parent.resolve() if not entry.parent.is_symlink() else entry.parent
    try:
        return (parent / entry.name).relative_to(root).as_posix()
    except ValueError:
        return entry.name


def pack(directory: Path, without: Path | None = None) -> Archive:
    """The project's files and the id of their content; ``without`` as in ``collect``.

    Raises:
        DeployError: too large, or a file cannot be read.
    """
    digest = hashlib.sha256()
    buffer = io.BytesIO()
    total = 0
    files = []
    texts = {}
    with (
        # The header carries no time, so that the same files are the same bytes.
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in collect(directory, without):
            try:
                with (directory / name).open("rb") as file:
                    content = file.read()
                    executable = bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise DeployError(
                    f"{name} cannot be read: {error.strerror}", hint="Correct its permissions, or remove it."
                ) from None
            total += len(content)
            if total > LIMIT_BYTES:
                raise DeployError(
                    f"the project is over {LIMIT_BYTES // 2**20} MiB (at {name})", hint="Keep data elsewhere."
                )
            files.append(name)
            if name.endswith(".py") or name == REQUIREMENTS:
                texts[name] = content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o755 if executable else 0o644
            tar.addfile(info, io.BytesIO(content))
            if name != REQUIREMENTS:
                digest.update(f"{name}\0{int(executable)}\0{len(content)}\0".encode() + content)
    return Archive(buffer.getvalue(), f"bld_{digest.hexdigest()[:_HASH_CHARACTERS]}", files, texts)


def digests(content: bytes) -> dict[str, str]:
    """The files of an archive, each with a hash of what it is.

    Raises:
        DeployError: it is damaged.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            for member in tar:
                source = tar.extractfile(member)
                digest = hashlib.sha256(source.read() if source is not None else b"").hexdigest()
                found[member.name] = f"{member.mode & stat.S_IXUSR}:{digest}"
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DeployError(f"the build is damaged: {error}", hint="Deploy the project again.") from error
    return found


def export(content: bytes, path: Path, requirements: str | None = None) -> list[str]:
    """Write the files of an archive to a directory, or to a zip file by its name; returns their names.

    What is in the way is written over; other files of a directory stay.

    Args:
        content: the archive.
        path: where to.
        requirements: those of the deployment, where they count and not what was packed.

    Raises:
        DeployError: it is damaged, or an entry leads out of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        _extract(content, fresh)
        if requirements:
            (fresh / REQUIREMENTS).write_text(requirements)
        elif requirements is not None:
            (fresh / REQUIREMENTS).unlink(missing_ok=True)
        files = [file for file in sorted(fresh.rglob("*")) if file.is_file()]
        names = [file.relative_to(fresh).as_posix() for file in files]
        if path.suffix == ".zip":
            whole = fresh / f".{fresh.name}.zip"  # no file of a build begins with a dot
            with zipfile.ZipFile(whole, "x", zipfile.ZIP_DEFLATED) as packed:
                for file, name in zip(files, names, strict=True):
                    packed.write(file, name)
            whole.replace(path)
        else:
            for file, name in zip(files, names, strict=True):
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                file.replace(path / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return names


def unpack(content: bytes, directory: Path) -> None:
    """Extract into ``directory``, which is complete or not there at all; one that is complete is kept.

    Files that have gone missing from it since are put back; those that are there are never touched, since programs
    may write beside their code.

    Raises:
        DeployError: an entry leads out of the directory, there is too much in it, or it is damaged.
    """
    missing = _missing(directory)
    if missing == []:
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))
    try:
        _extract(content, fresh)
        if missing is not None:
            for name in missing:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).replace(directory / name)
            return
        names = sorted(path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file())
        (fresh / _DONE).write_bytes("\0".join(names).encode())
        if directory.exists():
            shutil.rmtree(directory)  # an extraction that was cut short
        fresh.replace(directory)
    except OSError:
        if not (directory / _DONE).exists():
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def mentions(content: bytes, pattern: re.Pattern[str]) -> bool:
    """Whether a Python file of an archive holds what the pattern matches."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.name.endswith(".py") else None
            if source is not None and pattern.search(source.read().decode(errors="replace")):
                return True
    return False


def _missing(directory: Path) -> list[str] | None:
    """Files that are gone from a complete directory; None where it is not complete."""
    try:
        names = (directory / _DONE).read_bytes().decode()
    except OSError:
        return None
    return [name for name in names.split("\0") if name and not (directory / name).exists()]


def _extract(content: bytes, directory: Path) -> None:
    try:
        _extract_members(content, directory)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DeployError(f"the build is damaged: {error}", hint="Deploy the project again.") from error


def _extract_members(content: bytes, directory: Path) -> None:
    total = 0
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        for member in tar:
            if not member.isfile() or member.name.startswith("/") or ".." in Path(member.name).parts:
                raise DeployError(f"the build holds {member.name!r}, which leads out of it")
            total += member.size
            if total > LIMIT_BYTES:
                raise DeployError(f"the build is over {LIMIT_BYTES // 2**20} MiB (at {member.name})")
            target = directory / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            target.write_bytes(source.read())
            target.chmod(member.mode & 0o777)
