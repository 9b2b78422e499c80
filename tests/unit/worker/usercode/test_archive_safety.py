"""Packing and unpacking: the same files are the same build, and nothing gets in or out that should not."""

from __future__ import annotations

import io
import os
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.user_projects import write_project
from worker.errors import DeployError
from worker.usercode import archive

PROJECT = {
    "main.py": "import _private",
    "_private.py": "",
    "pkg/data.txt": "data",
    ".env": "SECRET=1",
    ".git/config": "",
    "__pycache__/main.pyc": "",
    "old.pyc": "",
    "node_modules/x/index.js": "",
    "env/pyvenv.cfg": "",
    "env/lib/thing.py": "",
}
NAMES = st.text(st.sampled_from("abcé_-0"), min_size=1, max_size=6)


def tar_of(name, content=b"", **fields):
    """A packed file with one entry."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for field, value in fields.items():
            setattr(info, field, value)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_collect_keeps_what_belongs_to_the_project(tmp_path):
    """Dot-files, caches, environments and node modules stay out; names with an underscore stay in."""
    assert archive.collect(write_project(tmp_path, PROJECT)) == ["_private.py", "main.py", "pkg/data.txt"]


@settings(max_examples=25, deadline=None)
@given(files=st.dictionaries(NAMES, st.text(max_size=20), min_size=1, max_size=5), data=st.data())
def test_build_id_ignores_order_and_times(tmp_path_factory, files, data):
    """The same files written in another order at another time are the same build, to the byte."""
    order = data.draw(st.permutations(sorted(files)))
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for directory, names in ((one, sorted(files)), (two, order)):
        for age, name in enumerate(names):
            (directory / name).write_text(files[name])
            os.utime(directory / name, (age, age))
    first, second = archive.pack(one), archive.pack(two)
    assert first == second
    assert first.build_id.startswith("bld_")


@pytest.mark.parametrize("change", [{"main.py": "x = 2"}, {"other.py": ""}, {"main.py": "x = 1", "b.py": ""}])
def test_build_id_depends_on_paths_and_contents(tmp_path, change):
    """Another text or another file is another build."""
    before = archive.pack(write_project(tmp_path, {"main.py": "x = 1"})).build_id
    assert archive.pack(write_project(tmp_path, change)).build_id != before


def test_unpack_gives_the_files_back(tmp_path):
    """Content and the executable bit come back; a second time nothing is touched."""
    source = write_project(tmp_path / "source", {"main.py": "x = 1", "pkg/run.sh": "echo"})
    (source / "pkg/run.sh").chmod(0o700)
    packed, target = archive.pack(source), tmp_path / "target"
    archive.unpack(packed.content, target)
    assert archive.pack(target) == packed
    assert (target / "pkg/run.sh").stat().st_mode & 0o777 == 0o755
    (target / "main.py").write_text("written by the program")
    archive.unpack(packed.content, target)
    assert (target / "main.py").read_text() == "written by the program"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_unpack_puts_missing_files_back(tmp_path):
    """A file that has gone from a complete directory returns."""
    packed, target = archive.pack(write_project(tmp_path / "s", {"a/b.py": "1", "c.py": "2"})), tmp_path / "t"
    archive.unpack(packed.content, target)
    (target / "a/b.py").unlink()
    (target / "a").rmdir()
    archive.unpack(packed.content, target)
    assert (target / "a/b.py").read_text() == "1"


def test_unpack_finishes_one_that_was_cut_short(tmp_path):
    """What a crash left half done is made anew."""
    packed = archive.pack(write_project(tmp_path / "s", {"main.py": "1"}))
    write_project(tmp_path / "t", {"main.py": "", "stray.py": ""})
    archive.unpack(packed.content, tmp_path / "t")
    assert archive.pack(tmp_path / "t") == packed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tar_of("../evil.py"), "leads out of it"),
        (tar_of("/etc/evil"), "leads out of it"),
        (tar_of("a/../../evil"), "leads out of it"),
        (tar_of("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "leads out of it"),
        (b"no archive at all", "damaged"),
        (tar_of("main.py", b"x" * 5000)[:-40], "damaged"),
    ],
    ids=["parent", "absolute", "inner parent", "link", "garbage", "cut"],
)
def test_unpack_refuses_what_it_did_not_pack(tmp_path, content, message):
    """Nothing is written outside, and nothing half done stays behind."""
    with pytest.raises(DeployError, match=message):
        archive.unpack(content, tmp_path / "inner" / "t")
    assert [path for path in tmp_path.rglob("*") if path.name != "inner"] == []


def test_archive_has_a_limit_both_ways(tmp_path, monkeypatch):
    """Too much data is refused when packed, and when somebody else packed it."""
    source = write_project(tmp_path / "s", {"a.txt": "x" * 700, "b.txt": "x" * 700})
    content = archive.pack(source).content
    monkeypatch.setattr(archive, "LIMIT_BYTES", 1000)
    with pytest.raises(DeployError, match=r"at b\.txt"):
        archive.pack(source)
    with pytest.raises(DeployError, match=r"at b\.txt"):
        archive.unpack(content, tmp_path / "t")


def test_links_inside_the_project_are_stored_as_content(tmp_path):
    """A link to a file or directory of the project is followed; one that leads in a circle is not."""
    write_project(tmp_path, {"real/a.txt": "x"})
    (tmp_path / "file").symlink_to(tmp_path / "real/a.txt")
    (tmp_path / "copy").symlink_to("real")
    (tmp_path / "real/loop").symlink_to(tmp_path)
    assert archive.collect(tmp_path) == ["copy/a.txt", "file", "real/a.txt"]


@pytest.mark.parametrize(
    ("target", "message"), [("/etc/hostname", "outside the project"), ("gone", "not exist")]
)
def test_links_to_elsewhere_are_refused_by_name(tmp_path, target, message):
    """A link out of the project, or to nothing, is named in the error."""
    (tmp_path / "lnk").symlink_to(target)
    with pytest.raises(DeployError, match=rf"lnk .*{message}"):
        archive.collect(tmp_path)


def test_file_names_must_be_text(tmp_path):
    """A name that is not UTF-8 cannot be stored and is refused."""
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.py", os.O_CREAT | os.O_WRONLY))
    with pytest.raises(DeployError, match="is not UTF-8"):
        archive.pack(tmp_path)
