"""Values of megabytes, in every direction."""

import outside
from autokitteh import AutoKittehError, start, wait_for_signal


def megabytes(event):
    text = "x" * (3 << 20)
    doubled = outside.double(text)
    raw = outside.double(bytes(2 << 20))
    return [len(event.data.text), len(doubled), len(raw), "y" * (1 << 20)]


def gets_megabytes(event):
    print("waiting")
    return len(wait_for_signal("big")["text"])


def raises_megabytes(event):
    try:
        outside.fail_custom("z" * (2 << 20), 7)
    except outside.CustomError as error:
        return [len(error.response), error.code]


def too_large(event):
    texts = []
    huge = "x" * (40 << 20)
    for attempt in (lambda: outside.double(huge), lambda: outside.double("x" * (20 << 20)), lambda: start("large.py:megabytes", {"text": huge})):
        try:
            attempt()
        except Exception as error:
            texts.append(f"{type(error).__name__}: {error}".splitlines()[0])
    return texts
