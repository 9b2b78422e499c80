"""Modules that write the time into what they make use the session's, where one runs."""

from __future__ import annotations

import gzip
import http.cookies
import io
import logging
import tarfile
import time
import zipfile

import pytest

from worker.usercode import clocks

MOMENT = 1_700_000_000_250_000_000


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """The modules as they were."""
    for module in (gzip, logging, tarfile, zipfile):
        monkeypatch.setattr(module, "time", module.time)
    monkeypatch.setattr(http.cookies, "_getdate", http.cookies._getdate)


def made():
    """What each of the modules makes."""
    zipped, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a", b"b")
    with tarfile.open(fileobj=packed, mode="w|gz"):
        pass
    cookie: http.cookies.SimpleCookie = http.cookies.SimpleCookie("a=b")
    cookie["a"]["expires"] = 60
    return {
        "gzip": int.from_bytes(gzip.compress(b"a")[4:8], "little"),
        "tarfile": int.from_bytes(packed.getvalue()[4:8], "little"),
        "zipfile": archive.infolist()[0].date_time[:3],
        "logging": logging.makeLogRecord({}).created,
        "cookies": cookie.output(),
    }


def test_a_session_gives_them_its_time():
    """All of them, in whole or in parts of seconds as each writes it."""
    clocks.install(lambda: MOMENT)
    assert made() == {
        "gzip": 1_700_000_000,
        "tarfile": 1_700_000_000,
        "zipfile": time.localtime(1_700_000_000)[:3],
        "logging": pytest.approx(1_700_000_000.25, abs=0.001),
        "cookies": "Set-Cookie: a=b; expires=Tue, 14 Nov 2023 22:14:20 GMT",
    }


def test_elsewhere_they_have_pythons():
    """Where no session runs nothing changes."""
    before = http.cookies._getdate(60)
    clocks.install(lambda: None)
    assert abs(made()["gzip"] - time.time()) < 5
    assert abs(made()["logging"] - time.time()) < 5
    after = http.cookies._getdate(60)
    assert before.split(":")[0] == after.split(":")[0] or before < after
    assert gzip.time.sleep is time.sleep
