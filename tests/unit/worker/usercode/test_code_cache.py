"""The code cache compiles once, and says where a file is wrong."""

from __future__ import annotations

import pytest

from worker.errors import UserCodeError
from worker.usercode.code_cache import CodeCache


def test_code_cache_compiles_once_per_content(tmp_path):
    """The same content gives the same code object, a changed file a new one."""
    file = tmp_path / "m.py"
    file.write_text("x = 1")
    cache = CodeCache()
    first = cache.get(file, "m.py")
    assert cache.get(file, "m.py") is first
    file.write_text("x = 2")
    assert cache.get(file, "m.py") is not first


def test_code_cache_names_code_by_absolute_path(tmp_path):
    """The code's file name is what ``inspect`` and ``linecache`` open."""
    (tmp_path / "m.py").write_text("")
    assert CodeCache().get(tmp_path / "m.py", "m.py").co_filename == str(tmp_path / "m.py")


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"x = 1\ny = (2\nz = 3\n", "m.py:2", "y = (2"),
        (b"def f():\nreturn 1\n", "m.py:2", "return 1"),
        (b"x = 1\nreturn 2\n", "m.py:2", "outside function"),
        (b"x = '\xff'\n", "m.py:1", "not valid utf-8"),
        (b"# -*- coding: nonsense -*-\n", "m.py", "encoding"),
        (b"x = 1\0\n", "m.py", "null bytes"),
    ],
)
def test_code_cache_says_where_a_file_is_wrong(tmp_path, content, place, message):
    """The error has the relative file, the line and the offending text."""
    (tmp_path / "m.py").write_bytes(content)
    with pytest.raises(UserCodeError) as caught:
        CodeCache().get(tmp_path / "m.py", "m.py")
    assert caught.value.where.startswith(place)
    assert message in caught.value.message


def test_code_cache_reports_a_missing_file(tmp_path):
    """A file that vanished is the user's to put back."""
    with pytest.raises(UserCodeError, match=r"gone\.py: the file cannot be read"):
        CodeCache().get(tmp_path / "gone.py", "gone.py")


def test_code_cache_compiles_what_python_compiles(tmp_path):
    """A sum of a thousand terms is a deep tree, and yet no error."""
    (tmp_path / "m.py").write_text(f"x = {' + '.join(['f(1)'] * 1000)}")
    scope = {"__ak_route__": lambda f, _: f, "f": abs}
    exec(CodeCache().get(tmp_path / "m.py", "m.py"), scope)
    assert scope["x"] == 1000
