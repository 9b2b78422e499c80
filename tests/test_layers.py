"""Rules of the house about imports that import-linter's contracts do not say."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The SDK's own modules; every other module of the package is a helper for one vendor.
CORE = {
    "__init__",
    "_runtime",
    "_handlers",
    "_local",
    "_recorded",
    "_virtual_time",
    "activities",
    "attr_dict",
    "concurrency",
    "connections",
    "errors",
    "event",
    "events",
    "outcomes",
    "packages",
    "signals",
    "store",
    "testing",
    "triggers",
}
LONG_LIVED = {"DevServer", "Gateway", "Supervisor", "Worker", "Outbox"}
# Who puts the long-lived parts together: an operator's command, one machine, a build process.
BUILDERS = (
    "worker/cli/",
    "worker/dev.py",
    "worker/embedded.py",
    "worker/supervisor/",
    "worker/process/",
    "worker/gateway/server.py",
)


def files(place: str) -> list[Path]:
    """The Python files of a place."""
    return sorted((ROOT / place).rglob("*.py"))


def modules(path: Path) -> set[str]:
    """Full names of the modules a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(path: Path) -> set[str]:
    """Top-level names of the modules a file imports."""
    return {name.partition(".")[0] for name in modules(path)}


def vendors() -> set[str]:
    """Full names of the SDK's modules for vendors."""
    places = (path.relative_to(ROOT / "autokitteh").parts[0] for path in files("autokitteh"))
    return {f"autokitteh.{Path(place).stem}" for place in places if Path(place).stem not in CORE}


def test_sdk_core_imports_the_standard_library_only():
    """User code can import the SDK anywhere."""
    for path in files("autokitteh"):
        if path.relative_to(ROOT / "autokitteh").parts[0].removesuffix(".py") in CORE:
            assert imports(path) <= sys.stdlib_module_names | {"autokitteh"}, path


def test_vendor_modules_are_imported_by_user_code_only():
    """A vendor's library is needed by nobody who does not use it."""
    for path in [*files("autokitteh"), *files("manifest"), *files("worker")]:
        own = f"autokitteh.{path.relative_to(ROOT).parts[1].removesuffix('.py')}"
        assert not modules(path) & (vendors() - {own}), path


def test_manifest_keeps_its_libraries_in_their_files():
    """Only one file knows the YAML library, and one the CEL library; Temporal is known to schedules alone."""
    for path in files("manifest"):
        assert ("yaml" in imports(path)) == (path.stem == "source"), path
        assert "celpy" not in imports(path) or path.stem == "cel_parse", path
        assert "temporalio" not in imports(path) or path.stem == "schedules", path


def test_only_the_settings_read_the_environment():
    """os.environ is read in one place of the worker."""
    for path in files("worker"):
        tree = ast.parse(path.read_text())
        reads = any(
            isinstance(node, ast.Attribute)
            and node.attr in {"environ", "environb", "getenv"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            for node in ast.walk(tree)
        )
        named = {"os.environ", "os.environb", "os.getenv"} & modules(path)
        assert not (reads or named) or path == ROOT / "worker" / "config.py", path


def test_only_the_store_knows_the_database():
    """SQLAlchemy and drivers stay in the store."""
    for path in files("worker"):
        if "store" not in path.relative_to(ROOT).parts:
            assert not imports(path) & {"sqlalchemy", "psycopg", "sqlite3"}, path


def test_only_the_gateway_knows_starlette():
    """The web framework stays in the gateway."""
    for path in files("worker"):
        if "gateway" not in path.relative_to(ROOT).parts:
            assert not imports(path) & {"starlette", "uvicorn"}, path


def test_only_entry_points_construct_long_lived_objects():
    """Whoever starts something that keeps running also ends it; everybody else is handed what exists."""
    for path in files("worker"):
        if path.relative_to(ROOT).as_posix().startswith(BUILDERS):
            continue
        made = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not made & LONG_LIVED, path


def test_nothing_waits_with_wait_for():
    """On Python 3.11 ``asyncio.wait_for`` swallows a cancellation that comes as its wait ends; ``timeout`` does not."""
    for path in files("worker"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "wait_for":
                assert not (isinstance(node.value, ast.Name) and node.value.id == "asyncio"), path
