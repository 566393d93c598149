"""Copies in memory: bounded in bytes and in age, and never of what was dropped meanwhile."""

import pytest

from services.caching.entry import Entry
from services.caching.local_tier import LocalTier
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tier(clock: Clock) -> LocalTier:
    tier = LocalTier(most=5_000, lifetime=10, clock=clock)
    tier.open()
    return tier


def entry(size: int = 600) -> Entry:
    return Entry.of(b"x" * size, 1, 1e9, 0.001)


def keep(tier: LocalTier, key: str, size: int = 600, as_of: float = 0) -> None:
    with tier.filling(key) as put:
        put(entry(size), as_of)


def test_a_copy_lives_from_the_instant_it_was_known_to_be_right(
    tier: LocalTier, clock: Clock
) -> None:
    clock.now = 4
    keep(tier, "key", as_of=2)
    clock.now = 11.9
    assert tier.find("key") == entry()
    clock.now = 12
    assert tier.find("key") is None
    assert tier.size == 0


def test_the_one_used_longest_ago_makes_room(tier: LocalTier) -> None:
    for number in range(5):
        keep(tier, str(number))
    assert tier.size == 5_000
    tier.find("0")
    keep(tier, "5")
    assert [key for key in "012345" if tier.find(key)] == ["0", "2", "3", "4", "5"]


def test_what_is_larger_than_the_tier_is_not_kept(tier: LocalTier) -> None:
    keep(tier, "key", size=10_000)
    assert tier.find("key") is None
    assert tier.size == 0


def test_a_copy_dropped_while_it_was_asked_for_is_not_kept(tier: LocalTier) -> None:
    with tier.filling("key") as put:
        tier.drop("key")
        put(entry(), 0)
    assert tier.find("key") is None


def test_closing_forgets_copies_and_those_under_way(tier: LocalTier) -> None:
    keep(tier, "one")
    with tier.filling("two") as put:
        tier.close()
        tier.open()
        put(entry(), 0)
    assert tier.find("one") is tier.find("two") is None
    assert tier.size == 0


def test_closed_it_keeps_nothing(tier: LocalTier) -> None:
    tier.close()
    keep(tier, "key")
    assert tier.find("key") is None


def test_a_failed_load_leaves_nothing_announced(tier: LocalTier) -> None:
    with pytest.raises(OSError), tier.filling("key"):  # noqa: PT011 - raised by this test
        raise OSError
    assert not tier._filling
