"""Call sites that look as if their function should be an activity, found without running anything.

These calls give an object that belongs to one process and cannot be kept. In a handler the call itself is an error when it
is made, perhaps weeks after the deployment; so the deployment says where they stand. Functions marked ``@activity`` may
do as they like, and module level is another matter: it runs anew in every session.
"""

from __future__ import annotations

import ast
from typing import Final

NEEDS_ONE_PROCESS: Final = frozenset(
    [
        "sqlite3.connect",
        "psycopg.connect",
        "psycopg2.connect",
        "pymysql.connect",
        "mysql.connector.connect",
        "pyodbc.connect",
        "subprocess.Popen",
        "socket.socket",
        "socket.create_connection",
        "ssl.wrap_socket",
        "smtplib.SMTP",
        "smtplib.SMTP_SSL",
        "imaplib.IMAP4",
        "imaplib.IMAP4_SSL",
        "ftplib.FTP",
        "ftplib.FTP_TLS",
        "poplib.POP3",
        "multiprocessing.Process",
        "multiprocessing.Pool",
        "concurrent.futures.ProcessPoolExecutor",
        "os.fork",
        "paramiko.SSHClient",
        "selenium.webdriver.Chrome",
        "selenium.webdriver.Firefox",
        "playwright.sync_api.sync_playwright",
        "websocket.create_connection",
        "websockets.connect",
        "websockets.sync.client.connect",
        "pymongo.MongoClient",
    ]
)
_ACTIVITY: Final = frozenset({"autokitteh.activity", "autokitteh.activities.activity"})


def hints(source: str, file: str) -> list[tuple[str, str]]:
    """The places in a file, as ``main.py:12``, and what stands there.

    Args:
        source: the file's text; one that does not parse has no hints.
        file: its path inside the project.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    finder = _Finder()
    finder.visit(tree)
    return [(f"{file}:{line}", name) for line, name in finder.found]


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self._names: dict[str, str] = {}
        self._functions = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self._names[alias.asname or first] = alias.name if alias.asname else first

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module and not node.level:
                self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if any(self._is_activity(item) for item in node.decorator_list):
            return
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if not any(self._is_activity(item) for item in node.decorator_list):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self._full_name(node.func)
        if self._functions and name in NEEDS_ONE_PROCESS:
            self.found.append((node.lineno, name))
        self.generic_visit(node)

    def _is_activity(self, node: ast.expr) -> bool:
        return self._full_name(node.func if isinstance(node, ast.Call) else node) in _ACTIVITY

    def _full_name(self, node: ast.expr) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._names:
            return ""
        return ".".join([self._names[node.id], *reversed(parts)])
