"""Exceptions: chains, groups, finally order, custom classes, tracebacks, notes, suppression, assertions, warnings."""

import contextlib
import sys
import traceback


class AppError(Exception):
    def __init__(self, code, message="", **more):
        super().__init__(message)
        self.code = code
        self.more = more

    def __str__(self):
        return f"[{self.code}] {super().__str__()}"


class Child(AppError):
    pass


def order(log):
    try:
        log.append("try")
        return log.append("returned") or "value"
    finally:
        log.append("finally")


def override():
    try:
        raise ValueError("lost")
    finally:
        return "overridden"  # noqa


def loop():
    out = []
    for i in range(5):
        try:
            if i == 1:
                continue
            if i == 3:
                break
            out.append(i)
        finally:
            out.append(f"f{i}")
    else:
        out.append("else")
    return out


def chain():
    try:
        try:
            {}["missing"]
        except KeyError as error:
            raise Child(7, "chained", k=1) from error
    except AppError as error:
        print(error, error.code, error.more, repr(error.__cause__), error.__suppress_context__, error.args)
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            int("x")
    except ValueError as error:
        print(type(error.__context__).__name__, error.__cause__)
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            raise RuntimeError("hidden") from None
    except RuntimeError as error:
        print(error.__suppress_context__, error.__context__ is not None)


def groups():
    try:
        raise ExceptionGroup("many", [ValueError(1), TypeError("t"), ExceptionGroup("inner", [ValueError(2), KeyError("k")])])
    except* ValueError as group:
        print("values", [str(e) for e in group.exceptions], group.message)
    except* (TypeError, KeyError) as group:
        print("others", len(group.exceptions))
    try:
        try:
            raise ExceptionGroup("eg", [OSError(2, "no"), ValueError("v")])
        except* OSError as g:
            print(g.exceptions[0].errno)
    except ExceptionGroup as rest:
        print("rest", rest.exceptions)


def nested():
    def third():
        raise LookupError("deep")

    def second():
        third()

    try:
        second()
    except LookupError:
        kind, value, tb = sys.exc_info()
        names = [frame.name for frame in traceback.extract_tb(tb)]
        lines = [frame.line for frame in traceback.extract_tb(tb)]
        print(kind.__name__, value, names, lines)
        print(traceback.format_exc().splitlines()[0], traceback.format_exc().splitlines()[-1])
        print([f.lineno - nested.__code__.co_firstlineno for f in traceback.extract_tb(tb)])
    print(sys.exc_info())


@contextlib.contextmanager
def managed():
    try:
        yield 1
    except KeyError as error:
        raise AppError(3, "translated") from error


def main(event=None):
    log = []
    print(order(log), log, override(), loop())
    chain()
    groups()
    nested()
    try:
        with managed():
            raise KeyError("x")
    except AppError as error:
        print(error, type(error.__cause__).__name__)
    with contextlib.suppress(FileNotFoundError, ZeroDivisionError):
        1 / 0
    with contextlib.ExitStack() as stack:
        for i in range(3):
            stack.callback(print, "callback", i)
        stack.enter_context(contextlib.closing(type("C", (), {"close": lambda self: print("closed")})()))
    try:
        raise ValueError("noted")
    except ValueError as error:
        error.add_note("a note")
        print(error.__notes__)
    try:
        assert 1 == 2, f"not {1 + 1}"
    except AssertionError as error:
        print("assert", error)
    for bad in (lambda: [][1], lambda: {}["k"], lambda: None.x, lambda: int("z"), lambda: "a" + 1, lambda: (1)(), lambda: undefined, lambda: [1].index(5), lambda: len(5), lambda: print(1, nope=2)):
        try:
            bad()
        except Exception as error:
            print(type(error).__name__, error)
    try:
        raise AppError
    except TypeError as error:
        print(error)
    try:
        try:
            raise KeyboardInterrupt("ctrl")
        finally:
            print("cleanup")
    except BaseException as error:
        print(repr(error))
    try:
        sys.exit(3)
    except SystemExit as error:
        print("exit", error.code)
    try:
        exit(4)
    except SystemExit as error:
        print("exit", error.code)
    e = None
    try:
        raise StopAsyncIteration
    except StopAsyncIteration as e:
        pass
    print("e" in locals())

    def reraise():
        try:
            raise ValueError("again")
        except ValueError:
            raise

    try:
        reraise()
    except ValueError as error:
        print(len(traceback.extract_tb(error.__traceback__)), error.with_traceback(None).__traceback__)


if __name__ == "__main__":
    main()
