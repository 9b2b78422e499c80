"""Gateways of one home, one after the other and beside each other."""

from __future__ import annotations

from worker.errors import StoreError
from worker.gateway.owner import Owner


class Freed(list):
    """Whose claims were freed."""

    def free_claims(self, owner: str) -> None:
        """Remember it."""
        self.append(owner)


class Away:
    """A store that does not answer."""

    def free_claims(self, owner: str) -> None:
        """Fail."""
        raise StoreError(f"no answer about {owner}")


def test_the_next_gateway_of_a_home_frees_what_the_one_before_had_claimed(tmp_path):
    """Whether it was closed or its process died, which both give the lock back."""
    freed = Freed()
    first = Owner(tmp_path / "home", freed)
    assert freed == []
    first.close()
    second = Owner(tmp_path / "home", freed)
    assert freed == [first.name]
    second.close()
    Owner(tmp_path / "home", freed).close()
    assert freed == [first.name, second.name]


def test_a_gateway_beside_another_leaves_its_claims_alone(tmp_path):
    """Also the one after both frees only what belonged to the holder of the lock."""
    freed = Freed()
    first, beside = Owner(tmp_path, freed), Owner(tmp_path, freed)
    assert freed == []
    assert beside.name != first.name
    first.close()
    beside.close()
    Owner(tmp_path, freed).close()
    assert freed == [first.name]


def test_a_store_that_is_away_keeps_no_gateway_from_starting(tmp_path):
    """The claims free themselves after a while."""
    Owner(tmp_path, Away()).close()
    Owner(tmp_path, Away()).close()
