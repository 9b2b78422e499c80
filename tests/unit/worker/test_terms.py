"""Filters of subscriptions are checked by the supervisor's interpreter, not by the project's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from worker import environment
from worker.process.terms import TermReader

IMPORT_WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import worker.process.__main__, worker.process.assemble, worker.process.terms
"""


@pytest.fixture
def terms():
    """A reader that ends its helper."""
    reader = TermReader(sys.executable)
    yield reader
    reader.close()


def test_build_process_needs_nothing_that_its_environment_is_spared():
    """The libraries of the command line, of manifests and of CEL are not there when a project has its own environment."""
    modules = {
        "celpy",
        *(name.removeprefix("py") for name in environment._NOT_IN_PROCESSES),
    }
    code = IMPORT_WITHOUT.format(blocked=sorted(modules))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_term_of_a_filter_is_an_equality_it_implies(terms):
    """One helper answers for all of them; no filter needs none."""
    assert terms.term_of(" . ") == ("", "")
    assert terms._helper is None
    assert terms.term_of("data.a == 'b' && data.c > 1") == ('["data", "a"]', '"b"')
    helper = terms._helper
    assert terms.term_of("data.c > 1") == ("", "")
    assert terms._helper is helper


def test_wrong_filter_is_an_error_with_the_place(terms):
    """The message is the filter's own."""
    with pytest.raises(ValueError, match=r"invalid filter, 1:\d+: .*nope"):
        terms.term_of("nope == 'b'")


def test_helper_that_died_is_replaced(terms):
    """Nobody has to notice."""
    terms.term_of("data.a == 1")
    terms._helper.kill()
    terms._helper.wait()
    assert terms.term_of("data.a == 'ü'") == ('["data", "a"]', '"\\u00fc"')
