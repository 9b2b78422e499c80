"""Each test of the store runs on SQLite and on Postgres."""

from __future__ import annotations

import itertools

import pytest

from tests.helpers import postgres
from worker.store import open_store

KEY = b"k" * 32


@pytest.fixture(scope="session")
def postgres_server():
    """One Postgres cluster for the run."""
    with postgres.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request, tmp_path):
    """Makes fresh databases of one kind; each call gives the URL of another."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: f"sqlite:///{tmp_path / f'store{next(numbers)}.db'}"
    server = request.getfixturevalue("postgres_server")
    return lambda: postgres.new_database(server)


@pytest.fixture
def database_url(new_database):
    """A fresh database."""
    return new_database()


@pytest.fixture
def another_database_url(new_database):
    """A second one of the same kind."""
    return new_database()


@pytest.fixture
def store(database_url):
    """A store on a fresh database."""
    made = open_store(database_url, secret_key=KEY)
    yield made
    made.close()
