"""Messages read alike: what is wrong in a small letter without a full stop, what to do as a sentence, commands marked.

Looks at each place in the source that makes an error of ours; what is put in at run time counts as some text.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import worker
from worker import errors

KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.WorkerError)
} | {"SecretLeakError", "UnpicklableError", "TooLargeError"}
ROOT = Path(worker.__path__[0])
PROPER = ("Temporal", "TEMPORAL_", "AK_", "KEY=VALUE")  # what begins with a capital wherever it stands
PUT_IN = "…"


def text_of(node: ast.expr | None) -> str | None:
    """The literal text of an argument; None when it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else PUT_IN for part in node.values)
    if isinstance(node, ast.IfExp):
        return text_of(node.body)
    return None


def made() -> list[tuple[str, str | None, str | None]]:
    """Place, message and hint of each error in the source."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in KINDS and node.args:
                hints = [word.value for word in node.keywords if word.arg == "hint"]
                place = f"{path.relative_to(ROOT.parent)}:{node.lineno}"
                found.append((place, text_of(node.args[0]), text_of(hints[0]) if hints else None))
    return found


MADE = made()


def test_a_message_is_no_sentence():
    """It stands after a code and a place, and before its remedy."""
    for place, message, _ in MADE:
        if message is None:
            continue
        assert message[0].islower() or not message[0].isalpha() or message.startswith(PROPER), place
        assert not message.endswith((".", "!")), place
        assert "please" not in message.lower(), place


def test_a_hint_is_a_sentence():
    """Or ends with what to write, or with the names there are, after a colon; commands stand in backticks."""
    for place, _, hint in MADE:
        if hint is None:
            continue
        assert hint[0].isupper() or hint[0] in "`-…" or hint.startswith(PROPER), place
        assert hint.endswith((".", "?", "`")) or re.search(r": \S", hint) or hint[0] == PUT_IN, place
        bare = re.sub(r"`[^`]*`", "", hint)
        assert not re.search(r"\bak [a-z]", bare.replace("by ak?", "")), place


def test_most_errors_say_what_to_do():
    """The rest says it in the message, or is about what nobody can put right."""
    assert len(MADE) > 120
    silent = [at for at, text, hint in MADE if text is not None and hint is None]
    assert len(silent) < len(MADE) / 4, silent
