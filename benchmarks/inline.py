"""What routing adds to a call that runs where it is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from worker.session import router
from worker.session.host import RunningState
from worker.usercode.policy import Policy

CALLS = 20_000
ROUNDS = 25
CODE = """
def function():
    total = ""
    for word in ("some", "constants", "as", "functions", "have", 1, 2.5):
        total += f"{word} and {total!r:>20}"
    return sorted(total, key=lambda item: (item, 3))

class Own:
    def method(self):
        return "something", 4
"""


def call_ns() -> dict[str, float]:
    """Nanoseconds by kind of callee, the fastest of many rounds: everything above it is other load."""
    directory = Path(__file__).parent
    scope: dict[str, Any] = {"__name__": "main", "__file__": str(directory / "main.py")}
    exec(compile(CODE, scope["__file__"], "exec"), scope)
    driver = SimpleNamespace(closed=False, check_open=lambda: None)
    state = RunningState()
    state.enter_thread()
    session: Any = SimpleNamespace(
        driver=driver, inline=set(), inline_methods=set(), inhibited=0, never_activities=[]
    )
    state.current = session
    host: Any = SimpleNamespace(state=state, policy=Policy(directory), hooks=None)
    route, _ref = router.build(host)
    callees = {
        "function": scope["function"],
        "method": scope["Own"]().method,
        "class": scope["Own"],
        "built-in function": len,
        "built-in method": [].append,
    }
    for callee in callees.values():
        assert route(callee, "main.py:1:1") is callee
    loop = best(lambda: [None for _ in range(CALLS)])
    return {
        label: (best(lambda c=callee: repeated(route, c)) - loop) / CALLS * 1e9
        for label, callee in callees.items()
    }


def repeated(route: Callable[[Any, str], Any], callee: Any) -> list[Any]:
    """What stands before each call in transformed code."""
    return [route(callee, "main.py:1:1") for _ in range(CALLS)]


def best(measured: Callable[[], Any]) -> float:
    """Seconds of the fastest round."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        measured()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest
