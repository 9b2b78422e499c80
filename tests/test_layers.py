"""Rules of the house about imports that import-linter's contracts do not say."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENDORS = ("slack", "github", "google")


def imports(path: Path) -> set[str]:
    """Top-level names of the modules a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def files(place: str) -> list[Path]:
    """The Python files of a place."""
    return sorted((ROOT / place).rglob("*.py"))


def test_sdk_core_imports_the_standard_library_only():
    """User code can import the SDK anywhere."""
    for path in files("autokitteh"):
        if path.stem not in VENDORS:
            assert imports(path) <= sys.stdlib_module_names | {"autokitteh"}, path


def test_manifest_keeps_its_libraries_in_their_files():
    """Only one file knows the YAML library, and one the CEL library."""
    for path in files("manifest"):
        assert ("yaml" in imports(path)) == (path.stem == "source"), path
        assert "celpy" not in imports(path) or path.stem == "cel_parse", path


def test_only_the_settings_read_the_environment():
    """os.environ is read in one place of the worker."""
    for path in files("worker"):
        reads = any(
            isinstance(node, ast.Attribute)
            and node.attr in {"environ", "getenv"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            for node in ast.walk(ast.parse(path.read_text()))
        )
        assert not reads or path.name in {"config.py", "devserver.py"}, path


def test_only_the_store_knows_the_database():
    """SQLAlchemy and drivers stay in the store."""
    for path in files("worker"):
        if "store" not in path.parts:
            assert not imports(path) & {"sqlalchemy", "psycopg", "sqlite3"}, path


def test_only_the_gateway_knows_starlette():
    """The web framework stays in the gateway."""
    for path in files("worker"):
        if "gateway" not in path.parts:
            assert not imports(path) & {"starlette", "uvicorn"}, path
