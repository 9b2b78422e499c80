"""Everything that writes: pprint, stdout, redirection, logging, tracebacks, warnings, odd prints."""

import contextlib
import io
import logging
import logging.config
import pprint
import sys
import traceback
import warnings


def main(event=None):
    print()
    print("b", 1, None, sep="-")
    print("two\nlines")
    print("é ☃ \N{GRINNING FACE}", "tab\t|")
    pprint.pprint({"key": list(range(30)), "b": {"c": "d" * 30}})
    print(pprint.pformat([1, {"a": 2}]))
    sys.stdout.write("written ")
    sys.stdout.write("directly\n")
    print("flushed", flush=True)
    with contextlib.redirect_stdout(io.StringIO()) as captured:
        print("inside")
        pprint.pprint("p")
    print("captured", repr(captured.getvalue()))
    try:
        1 / 0
    except ZeroDivisionError:
        traceback.print_exc(file=sys.stdout, limit=0)
    logger = logging.getLogger("app")
    logger.setLevel(logging.DEBUG)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    logger.addHandler(handler)
    logger.debug("debug %s", 1)
    logger.warning("warn %(k)s", {"k": "v"})
    try:
        {}["k"]
    except KeyError:
        logger.exception("failed")
    logger.removeHandler(handler)
    print(stream.getvalue().splitlines()[:3], stream.getvalue().splitlines()[-1])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.warn("careful", DeprecationWarning, stacklevel=1)
    print([(str(w.message), w.category.__name__, w.filename.endswith("output.py")) for w in seen])
    print("end", file=sys.stdout)
    print(*range(3), sep=", ", end="!\n")
    print("", "")
    print(sys.stdout.encoding.lower())
    pprint.pp([3, 2])


if __name__ == "__main__":
    main()
