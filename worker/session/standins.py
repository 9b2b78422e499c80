"""Deterministic stand-ins for clock, chance, sleep and a few more.

``usercode.substitutes`` says which real callable has a stand-in and names it; here stands what each does in a session.
The clock is Temporal's: the time at which the present task began, the same on every replay. It moves when the session
waits or calls, not while it computes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import types
import uuid
from collections.abc import Callable
from typing import Any

from temporalio import workflow

from worker.contracts import UserValue, brief
from worker.session import executors, system, tasks, threads
from worker.session.calls import Routed, place
from worker.usercode import conversions, substitutes
from worker.usercode.policy import Decision

_MAKERS = threads.MAKERS | executors.MAKERS
_NANOSECONDS = 1_000_000_000
_MICROSECONDS = 1_000_000
_UUID_EPOCH_100NS = 0x01B21DD213814000  # from 1582-10-15, where version 1 begins, to 1970-01-01
_DEFAULT_TOKEN_BYTES = 32
_LOOPS_METHODS = "methods of the event loop are plain"  # in histories: never change it
_CALLBACKS = {"call_soon": 0, "call_soon_threadsafe": 0, "call_later": 1, "call_at": 1}


class Standins:
    """The stand-ins of one session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def get(self, name: str, callee: Any, site: str) -> Callable[..., UserValue]:
        """What runs instead of ``callee``, whose stand-in is called ``name``."""
        module, _, function = name.rpartition(".")
        session = self._session
        if module == "builtins":
            replaced: Callable[..., UserValue] = session.host.hooks.builtins[function]
            return replaced
        if name in threads.METHODS:
            owner = getattr(callee, "__self__", None)
            made: Any = functools.partial(threads.METHODS[name], session, *([] if owner is None else [owner]))
        elif name in _MAKERS:
            made = functools.partial(_MAKERS[name], session)
        elif name in _SITED:
            made = functools.partial(_SITED[name], session, site)
        elif name == substitutes.LOOP:
            return _of_loop(session, callee, site)
        elif name in _BOUND:
            made = functools.partial(_BOUND[name], getattr(callee, "__self__", None))
        elif name in _GIVEN_REAL:
            made = functools.partial(_GIVEN_REAL[name], callee)
        elif module == "random" and hasattr(session.chance.random, function):
            made = getattr(session.chance.random, function)
        else:
            made = functools.partial(_PLAIN[name], session)
        return StandIn(made, callee)


class StandIn:
    """A stand-in that shows the name of what it stands for."""

    __slots__ = ("__ak_routed__", "_made")

    def __init__(self, made: Callable[..., UserValue], real: Any) -> None:
        self._made = made
        self.__ak_routed__ = real

    def __call__(self, *args: UserValue, **kwargs: UserValue) -> UserValue:
        """Do what the real one would do."""
        return self._made(*args, **kwargs)

    def __repr__(self) -> str:
        """The real one, as the user knows it."""
        return repr(self.__ak_routed__)

    def __getattr__(self, name: str) -> Any:
        """Names, documentation and signature of the real one."""
        return getattr(self.__ak_routed__, name)


def names() -> frozenset[str]:
    """The stand-ins that exist; those of ``random`` are methods of the session's generator."""
    return (
        frozenset(threads.METHODS)
        | frozenset(_MAKERS)
        | frozenset(_SITED)
        | frozenset(_BOUND)
        | frozenset(_GIVEN_REAL)
        | frozenset(_PLAIN)
        | {substitutes.LOOP}
    )


def sleep(session: Any, site: str, seconds: float) -> None:
    """A durable timer. Temporal counts in milliseconds; nothing shorter is lost, it is rounded up."""
    if not isinstance(seconds, int | float):
        if not hasattr(seconds, "__float__"):
            raise TypeError(f"'{type(seconds).__name__}' object cannot be interpreted as an integer")
        seconds = float(seconds)
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds != seconds:  # noqa: PLR0124 - not a number
        raise ValueError("Invalid value NaN (not a number)")
    if seconds == 0:
        session.driver.check_open()
        return
    text = brief(f"sleep {seconds:g} s · {place(site)}")
    workflow.set_current_details(
        session.output.details(f"sleeping {seconds:g} s at `{place(site)}`{system.until(seconds)}")
    )
    session.driver.block(lambda: workflow.sleep(max(seconds, 0.001), summary=text))


def import_module(session: Any, name: str, package: str | None = None) -> types.ModuleType:
    """The user's module of that name, or a library's."""
    module: types.ModuleType = session.namespace.import_module(name, package)
    return module


def _of_loop(session: Any, method: Any, site: str) -> Callable[..., UserValue]:
    """A method of the event loop: it is called where it stands. In older histories it is a call to the outside."""
    if not workflow.patched(_LOOPS_METHODS):
        return Routed(session, method, site, Decision("activity", "not known to be pure"))
    index = _CALLBACKS.get(method.__name__)
    if index is None:
        return method  # type: ignore[no-any-return]

    def made(*args: Any, **kwargs: Any) -> Any:
        head, callback, rest = args[:index], args[index], args[index + 1 :]
        # A greenlet of its own: the callback may call and wait as the program may anywhere else.
        return method(*head, lambda: tasks.spawn(session.driver, lambda: callback(*rest)), **kwargs)

    return made


def _time_ns(_session: Any) -> int:
    return workflow.time_ns()


def _time(_session: Any) -> float:
    return workflow.time()


def _local_or_utc(callee: Any, seconds: float | None = None) -> UserValue:
    return callee(workflow.time() if seconds is None else seconds)


def _asctime(callee: Any, moment: Any = None) -> UserValue:
    return callee(conversions.local(workflow.time()) if moment is None else moment)


def _strftime(callee: Any, form: str, moment: Any = None) -> UserValue:
    return callee(form, conversions.local(workflow.time()) if moment is None else moment)


def _now(cls: Any, tz: dt.tzinfo | None = None) -> Any:
    seconds, nanoseconds = divmod(workflow.time_ns(), _NANOSECONDS)
    return cls.fromtimestamp(seconds, tz).replace(microsecond=nanoseconds * _MICROSECONDS // _NANOSECONDS)


def _utcnow(cls: Any) -> Any:
    return _now(cls, dt.UTC).replace(tzinfo=None)


def _today(cls: Any) -> Any:
    return cls.fromtimestamp(workflow.time_ns() // _NANOSECONDS)


def _uuid1(session: Any, node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
    chance = session.chance
    stamp = workflow.time_ns() // 100 + _UUID_EPOCH_100NS + chance.below(10_000)
    sequence = chance.below(1 << 14) if clock_seq is None else clock_seq
    return uuid.UUID(
        fields=(
            stamp & 0xFFFFFFFF,
            (stamp >> 32) & 0xFFFF,
            (stamp >> 48) & 0x0FFF,
            (sequence >> 8) & 0x3F,
            sequence & 0xFF,
            chance.below(1 << 48) | 1 << 40 if node is None else node,
        ),
        version=1,
    )


def _token(convert: Callable[[bytes], UserValue]) -> Callable[..., UserValue]:
    def standin(session: Any, nbytes: int | None = None) -> UserValue:
        return convert(session.chance.bytes(_DEFAULT_TOKEN_BYTES if nbytes is None else nbytes))

    return standin


def _urlsafe(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _seeded(session: Any, *args: UserValue) -> Any:
    generator = type(session.chance.random)
    return (
        generator(*args)
        if args and args[0] is not None
        else generator(int.from_bytes(session.chance.bytes(16), "big"))
    )


def _system_random(session: Any, *_args: UserValue) -> Any:
    chance = session.chance

    class SystemRandom(type(chance.random)):  # type: ignore[misc]
        """``random.SystemRandom`` over the session's unpredictable stream."""

        def random(self) -> float:
            return float((int.from_bytes(chance.bytes(7), "big") >> 3) * 2.0**-53)

        def getrandbits(self, k: int) -> int:
            return int.from_bytes(chance.bytes((k + 7) // 8), "big") >> (-k % 8)

        def randbytes(self, n: int) -> bytes:
            return bytes(chance.bytes(n))

        def seed(self, *args: UserValue, **kwargs: UserValue) -> None:
            """Has no effect, as in Python."""

    return SystemRandom()


def _choice(session: Any, sequence: Any) -> UserValue:
    if not len(sequence):
        raise IndexError("Cannot choose from an empty sequence")
    return sequence[session.chance.below(len(sequence))]


def _randbits(session: Any, k: int) -> int:
    return int.from_bytes(session.chance.bytes((k + 7) // 8), "big") >> (-k % 8)


_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_SITED: dict[str, Callable[..., Any]] = {"time.sleep": sleep}
_BOUND: dict[str, Callable[..., Any]] = {
    "datetime.datetime.now": _now,
    "datetime.datetime.utcnow": _utcnow,
    "datetime.datetime.today": lambda cls: _now(cls, None),
    "datetime.date.today": _today,
}
_GIVEN_REAL: dict[str, Callable[..., Any]] = {
    "time.localtime": _local_or_utc,
    "time.gmtime": _local_or_utc,
    "time.ctime": _local_or_utc,
    "time.asctime": _asctime,
    "time.strftime": _strftime,
}
_PLAIN: dict[str, Callable[..., Any]] = {
    **{f"time.{name}": _time for name in _CLOCKS},
    **{f"time.{name}_ns": _time_ns for name in _CLOCKS},
    "uuid.uuid1": _uuid1,
    "uuid.uuid4": lambda session: session.chance.uuid4(),
    "os.urandom": lambda session, size: session.chance.bytes(size),
    "os.getrandom": lambda session, size, _flags=0: session.chance.bytes(size),
    "secrets.token_bytes": _token(bytes),
    "secrets.token_hex": _token(bytes.hex),
    "secrets.token_urlsafe": _token(_urlsafe),
    "secrets.randbelow": lambda session, limit: session.chance.below(limit),
    "secrets.randbits": _randbits,
    "secrets.choice": _choice,
    "random.Random": _seeded,
    "random.SystemRandom": _system_random,
    "importlib.import_module": import_module,
    "asyncio.run": lambda session, main, **_options: tasks.run_coroutine(session.driver, main),
    "asyncio.as_completed": tasks.as_completed,
    "asyncio.new_event_loop": lambda _session: asyncio.get_running_loop(),
}
