"""Each test of the store runs on SQLite and on Postgres."""

from __future__ import annotations

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
def database_url(request, tmp_path):
    """A fresh database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return postgres.new_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def store(database_url):
    """A store on a fresh database."""
    made = open_store(database_url, secret_key=KEY)
    yield made
    made.close()
