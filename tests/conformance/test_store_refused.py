"""What is said where a database runs and does not let us in."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.helpers import postgres
from worker.errors import WorkerError
from worker.store import open_store

KEY = b"k" * 32


def refusal(url: str) -> WorkerError:
    """What opening the store says."""
    with pytest.raises(WorkerError) as caught:
        open_store(url, secret_key=KEY).projects.list()
    return caught.value


def test_each_refusal_of_postgres_has_its_remedy(postgres_server):
    """A database that is not there, a role that is not there, one without rights: none is told to look whether it runs."""
    url = postgres.new_database(postgres_server)
    missing = refusal(f"{url}_not")
    assert (missing.code, missing.hint) == (
        "AK1302",
        "Create it (createdb), or correct its name in AK_DATABASE_URL.",
    )
    stranger = refusal(url.replace("//ak@", "//nobody:s3cret@"))
    assert (stranger.code, stranger.hint) == (
        "AK1302",
        "Correct the user or the password in AK_DATABASE_URL.",
    )
    assert "s3cret" not in str(stranger)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE guest LOGIN"))
        connection.execute(sa.text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    engine.dispose()
    guest = refusal(url.replace("//ak@", "//guest@"))
    assert "no schema has been selected" in guest.message
    assert guest.hint == "Give its user the right to create tables in the schema, and to use them."
