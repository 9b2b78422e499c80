"""Secrets travel by name: their values stand nowhere in what is sent or shown."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.codecs import codec, round_trip, sent
from tests.helpers.strategies import READABLE
from worker.payload import exceptions
from worker.payload.errors import SecretLeakError
from worker.payload.secret import Secrets

TOKEN = "hunter22-zz"
PEM = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\\'\"\n" + "q7Z" * 60 + "\n-----END KEY-----\n"


@dataclasses.dataclass
class Login:
    """A login with a password."""

    user: str
    password: str


@given(READABLE, st.text(max_size=10), st.text(max_size=10))
def test_secret_anywhere_in_a_value_is_not_sent(value, before, after):
    """Wherever a text with the secret stands, the value comes back and the secret is not in the payload."""
    made = codec(TOKEN=TOKEN)
    whole = {"v": value, "h": [before + TOKEN + after, (TOKEN,)], TOKEN: before}
    tree = made.encode(whole)
    assert TOKEN not in sent(tree)
    assert made.decode(json.loads(sent(tree))) == whole


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {TOKEN}",
        {"a": [f"x {TOKEN} y"]},
        b"\x00hunter22-zz\xff",
        (TOKEN, 1),
        {TOKEN: 1},
        [dt.date.min, TOKEN],
        Login("me", TOKEN),
        TOKEN + TOKEN,
    ],
    ids=lambda value: type(value).__name__,
)
def test_secrets_travel_by_name(value):
    """A secret's value is nowhere in what is sent, and is back on the other side."""
    made = codec(TOKEN=TOKEN)
    assert TOKEN not in sent(made.encode(value))
    assert round_trip(value, made) == value


def test_new_value_is_filled_in_on_the_other_side():
    """A history made with an old token replays with the new one."""
    tree = codec(TOKEN=TOKEN).encode(f"Bearer {TOKEN}")
    assert tree["preview"] == "Bearer ••••••"
    assert codec(TOKEN="another-one").decode(tree) == "Bearer another-one"
    assert codec().decode(tree) == "Bearer "


def test_secret_that_cannot_be_replaced_is_an_error():
    """What would show a secret inside opaque data is refused with the secret's name and without its value."""
    with pytest.raises(SecretLeakError, match="TOKEN") as refused:
        codec(TOKEN=TOKEN).encode([dt.date.min, bytearray(b"x hunter22-zz")])
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("value", [Login("me", PEM), (PEM,), [dt.date.min, "x" * 30 + PEM], PEM.encode()])
def test_secret_of_many_lines_is_not_shown_in_part(value):
    """Neither escaping nor cutting makes a part of a secret visible in a preview."""
    made = codec(KEY=PEM)
    for shown in (made.preview(value), made.call_preview("f", (value,), {"k": value})):
        assert "MII" not in shown
        assert "q7Z" not in shown
        assert "BEGIN" not in shown


def test_secret_in_an_exception_is_hidden():
    """Message, arguments, attributes and source lines of an error show no secret."""
    error = ValueError(f"denied: {TOKEN}", object())
    error.request = {"Authorization": TOKEN}
    error.opaque = [TOKEN, open]
    error.add_note(TOKEN)
    tree = exceptions.encode_exception(
        error, codec(TOKEN=TOKEN), lambda _: [("main.py", 1, "f", f"g('{TOKEN}')")]
    )
    assert TOKEN not in sent(tree)


def test_longest_secret_wins():
    """A secret that holds another is replaced as a whole."""
    secrets = Secrets({"SHORT": "abcdef", "LONG": "abcdefgh"})
    assert secrets.split("x abcdefgh abcdef") == ["x ", {"var": "LONG"}, " ", {"var": "SHORT"}]
    assert secrets.mask("abcdefgh") == "••••••"


def test_short_values_are_no_secrets():
    """A value of a few characters would hit ordinary words."""
    secrets = Secrets({"FLAG": "true", "EMPTY": ""})
    assert not secrets
    assert secrets.split("true") is None


@given(st.dictionaries(st.sampled_from("ABC"), st.text(min_size=6, max_size=9)), st.text(), st.data())
def test_parts_join_to_the_text(values, text, draw):
    """However secrets overlap, the parts make the same text again and none of them holds a secret."""
    secrets = Secrets(values)
    if values:
        text += draw.draw(st.sampled_from(sorted(values.values()))) + text
    parts = secrets.split(text)
    assert parts is None or secrets.join(parts) == text
    assert all(value not in part for value in values.values() for part in parts or [] if type(part) is str)


def test_new_values_are_filled_in_and_old_ones_keep_their_name():
    """After a rotation the old text still travels by its name, and the new value is what arrives."""
    secrets = Secrets({"TOKEN": "old-token"})
    parts = secrets.split("Bearer old-token")
    secrets.tell({"TOKEN": "new-token"})
    assert secrets.join(parts) == "Bearer new-token"
    assert secrets.split("Bearer old-token") == parts == secrets.split("Bearer new-token")
    assert secrets.mask("old-token new-token") == "•••••• ••••••"
    assert secrets.found_in(b"x old-token") == "TOKEN"


def test_what_others_know_is_hidden_and_not_filled_in():
    """A session knows the newest token's name, and goes on with its own."""
    secrets = Secrets({"TOKEN": "old-token"})
    secrets.tell({"TOKEN": "old-token"}, also={"TOKEN": "new-token"})
    assert secrets.join(secrets.split("new-token")) == "old-token"


@pytest.mark.parametrize("form", ["user:{}", "{}", "ab{}", "{}:x"])
def test_secrets_in_base64_travel_by_name(form):
    """A password in an Authorization header is no more readable than the password."""
    made = codec(TOKEN=TOKEN)
    header = base64.b64encode(form.format(TOKEN).encode()).decode()
    tree = made.encode({"Authorization": f"Basic {header}"})
    assert header not in sent(tree)
    assert made.decode(json.loads(sent(tree))) == {"Authorization": f"Basic {header}"}


def test_key_in_json_travels_by_name():
    """What JSON writes with escapes is found as well."""
    made = codec(KEY=PEM)
    tree = made.encode(json.dumps({"key": PEM}))
    assert "MIIEpAIBAAKCAQEA7" not in sent(tree)
    assert json.loads(made.decode(json.loads(sent(tree)))) == {"key": PEM}
