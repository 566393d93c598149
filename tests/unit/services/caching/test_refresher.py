"""Which readers refresh an entry early, and how many refreshes run at once."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from services.caching.background import Background
from services.caching.cache_answer import Outcome
from services.caching.entry import Entry
from services.caching.leased_loader import Load, LoadReason
from services.caching.refresher import Refresher, is_due
from tests.clock import Clock

EXPIRES_AT = 1_000.0


def share_of_early_readers(seconds_left: float, load_seconds: float) -> float:
    """The share of readers that refresh so many seconds before the expiry."""
    random = Random(1)
    readers = 20_000
    due = (is_due(100 - seconds_left, 100, load_seconds, random.random()) for _ in range(readers))
    return sum(due) / readers


def test_every_reader_refreshes_an_expired_entry() -> None:
    assert is_due(now=100, expires_at=100, load_seconds=0.001, draw=0)
    assert share_of_early_readers(-1, 0.001) == 1


def test_the_share_of_early_readers_is_as_in_the_paper() -> None:
    # P(-load_seconds · ln(u) ≥ left) = exp(-left / load_seconds)
    assert abs(share_of_early_readers(1, 1) - 0.368) < 0.01
    assert abs(share_of_early_readers(2, 1) - 0.135) < 0.01
    assert share_of_early_readers(60, 0.01) == 0


class Reloads:
    """Records reloads, and ends them when `go_on` is set."""

    def __init__(self) -> None:
        self.reasons: dict[str, LoadReason] = {}
        self.go_on = asyncio.Event()

    async def reload(self, key: str, entry: Entry, load: Load, reason: LoadReason) -> None:
        self.reasons[key] = reason
        await self.go_on.wait()


async def load() -> bytes:
    return b"page"


def entry(load_seconds: float = 0.0) -> Entry:
    return Entry.of(b"page", epoch=1, expires_at=EXPIRES_AT, load_seconds=load_seconds)


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


async def test_an_entry_far_from_its_expiry_is_a_hit_without_a_refresh(
    background: Background,
) -> None:
    refresher = Refresher(Reloads().reload, background, Clock(EXPIRES_AT - 1))
    assert refresher.refresh_if_due("key", entry(), load) is Outcome.HIT
    assert not background


async def test_an_entry_near_its_expiry_is_a_hit_and_refreshed_early(
    background: Background,
) -> None:
    reloads = Reloads()
    refresher = Refresher(reloads.reload, background, Clock(EXPIRES_AT - 1))
    # With a load of 31 years, every reader in the last second refreshes early.
    assert refresher.refresh_if_due("key", entry(load_seconds=1e9), load) is Outcome.HIT
    await asyncio.sleep(0)
    assert reloads.reasons == {"key": LoadReason.EARLY}


async def test_an_entry_at_its_expiry_is_stale_and_refreshed(background: Background) -> None:
    reloads = Reloads()
    refresher = Refresher(reloads.reload, background, Clock(EXPIRES_AT))
    assert refresher.refresh_if_due("key", entry(), load) is Outcome.STALE
    await asyncio.sleep(0)
    assert reloads.reasons == {"key": LoadReason.STALE}


async def test_one_refresh_runs_for_each_key(background: Background) -> None:
    reloads = Reloads()
    refresher = Refresher(reloads.reload, background, Clock(EXPIRES_AT))
    for _ in range(3):
        assert refresher.refresh_if_due("key", entry(), load) is Outcome.STALE
    assert len(background) == 1
    reloads.go_on.set()
    while background:  # noqa: ASYNC110 - the refresh ends on this event loop
        await asyncio.sleep(0)
    refresher.refresh_if_due("key", entry(), load)
    assert len(background) == 1


async def test_refreshes_of_different_keys_are_limited(background: Background) -> None:
    refresher = Refresher(Reloads().reload, background, Clock(EXPIRES_AT))
    for number in range(20):
        assert refresher.refresh_if_due(str(number), entry(), load) is Outcome.STALE
    assert len(background) == 8


async def test_a_failed_refresh_is_tried_again_by_a_later_reader(background: Background) -> None:
    attempts = []

    async def fail(key: str, entry: Entry, load: Load, reason: LoadReason) -> None:
        attempts.append(key)
        raise OSError

    refresher = Refresher(fail, background, Clock(EXPIRES_AT))
    for _ in range(2):
        refresher.refresh_if_due("key", entry(), load)
        while background:  # noqa: ASYNC110 - the refresh ends on this event loop
            await asyncio.sleep(0)
    assert attempts == ["key", "key"]
