"""Findings in functions marked ``@activity``: what they change and what they return."""

from __future__ import annotations

import ast
import concurrent.futures
import csv
import hmac
import io
import queue
import re
import socket
import ssl
import subprocess
import tarfile
import threading
import types
import weakref
import zipfile
from collections.abc import Iterator
from typing import Final

from worker.lint.findings import ERROR, NOTE, Hazard, hazard
from worker.lint.names import Summary
from worker.lint.shape import own_nodes
from worker.lint.values import Function, Instance, Lambda, Value

_MUTATORS: Final = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
        "update",
        "setdefault",
        "popitem",
        "appendleft",
        "popleft",
    ]
)
# Types whose objects cannot be kept, also as bases. A test asks the codec about each.
LIVE: Final[tuple[type, ...]] = (
    *(socket.socket, subprocess.Popen, types.CoroutineType),
    *(io.BufferedReader, io.BufferedWriter, io.FileIO, zipfile.ZipFile, tarfile.TarFile, ssl.SSLContext),
    *(type(threading.Lock()), type(threading.RLock()), threading.Event, threading.Condition),
    *(
        threading.Semaphore,
        threading.Thread,
        queue.Queue,
        concurrent.futures.Executor,
        concurrent.futures.Future,
    ),
    *(re.Match, type(csv.reader(())), type(csv.writer(io.StringIO())), csv.DictReader, hmac.HMAC),
    *(types.AsyncGeneratorType, weakref.ref),
)
LIVE_NAMES: Final = frozenset(
    {"sqlite3.Connection", "sqlite3.Cursor"}
)  # drivers are imported in the store only


def changed_arguments(function: Function) -> Iterator[Hazard]:
    """The first change of an argument."""
    node = function.node
    if isinstance(node, ast.Module | ast.Lambda):
        return
    arguments = node.args
    names = {item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self"}
    for item in own_nodes(node):
        name = _changed_name(item)
        if name in names:
            yield hazard(
                function,
                getattr(item, "lineno", node.lineno),
                "changed-argument",
                NOTE,
                f"the activity {function.qualname} changes its argument {name}",
                "the change is carried back when the call ends; returning the new value says it better",
            )
            return


def _changed_name(node: ast.AST) -> str:
    """The name whose object a node changes; empty when it changes none."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
        return node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    for target in targets:
        if isinstance(target, ast.Subscript | ast.Attribute) and isinstance(target.value, ast.Name):
            return target.value.id
    return ""


def unkeepable_results(function: Function, summary: Summary) -> Iterator[Hazard]:
    """Results that no history can hold."""
    for line, value in summary.returned:
        what = ""
        if isinstance(value, Lambda) or (isinstance(value, Function) and value.local):
            what = "a function without a place of its own"
        elif is_live(value):
            assert isinstance(value, Instance)
            what = f"a {value.kind.__qualname__.lstrip('_')}"
        if what:
            yield hazard(
                function,
                line,
                "unkeepable-result",
                ERROR,
                f"the activity {function.qualname} returns {what}, which cannot be kept",
                "return data made from it",
            )


def is_live(value: Value) -> bool:
    """Whether it belongs to one process; the text of a file that is open for reading travels."""
    if not isinstance(value, Instance):
        return False
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in value.kind.__mro__}
    return issubclass(value.kind, LIVE) or not names.isdisjoint(LIVE_NAMES)
