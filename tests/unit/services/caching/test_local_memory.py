"""Cache entries in memory: bounds in bytes and lifetime, and entries dropped during a lookup."""

import pytest

from services.caching.entry import Entry
from services.caching.local_memory import LocalMemory
from tests.clock import Clock

LIFETIME = 10
#: Each entry counts 400 bytes more than its body.
BODY_BYTES = 600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> LocalMemory:
    memory = LocalMemory(maximum_bytes=5_000, lifetime=LIFETIME, clock=clock)
    memory.open()
    return memory


def entry(body_bytes: int = BODY_BYTES) -> Entry:
    return Entry.of(b"x" * body_bytes, 1, 1e9, 0.001)


def store(memory: LocalMemory, key: str, body_bytes: int = BODY_BYTES, as_of: float = 0) -> None:
    with memory.expecting(key) as put:
        put(entry(body_bytes), as_of)


def test_a_lifetime_begins_when_the_entry_was_current(memory: LocalMemory, clock: Clock) -> None:
    clock.now = 4
    store(memory, "key", as_of=2)
    clock.now = 11.9
    assert memory.find("key") == entry()
    clock.now = 12
    assert memory.find("key") is None
    assert memory.size_bytes == 0


def test_the_least_recently_used_entry_is_evicted(memory: LocalMemory) -> None:
    for number in range(5):
        store(memory, str(number))
    assert memory.size_bytes == 5_000
    memory.find("0")
    store(memory, "5")
    assert [key for key in "012345" if memory.find(key)] == ["0", "2", "3", "4", "5"]
    assert memory.size_bytes == 5_000


def test_storing_a_key_again_replaces_its_entry(memory: LocalMemory) -> None:
    store(memory, "key")
    store(memory, "key", body_bytes=100)
    assert memory.find("key") == entry(100)
    assert memory.size_bytes == 500


def test_an_absent_item_counts_the_overhead_only(memory: LocalMemory) -> None:
    with memory.expecting("key") as put:
        put(Entry.of(None, 1, 1e9, 0.001), 0)
    assert memory.size_bytes == 400


def test_an_entry_larger_than_the_memory_is_not_stored(memory: LocalMemory) -> None:
    store(memory, "key", body_bytes=10_000)
    assert memory.find("key") is None
    assert memory.size_bytes == 0


def test_dropping_a_key_removes_its_entry(memory: LocalMemory) -> None:
    store(memory, "key")
    memory.drop("key")
    assert memory.find("key") is None
    assert memory.size_bytes == 0


def test_an_entry_dropped_during_its_lookup_is_not_stored(memory: LocalMemory) -> None:
    with memory.expecting("key") as put:
        memory.drop("key")
        put(entry(), 0)
    assert memory.find("key") is None


def test_only_the_last_of_concurrent_lookups_stores(memory: LocalMemory) -> None:
    with memory.expecting("key") as put_first:
        with memory.expecting("key") as put_last:
            put_first(entry(1), 0)
            assert memory.find("key") is None
            put_last(entry(2), 0)
        put_first(entry(1), 0)
    assert memory.find("key") == entry(2)


def test_an_earlier_lookup_that_ends_first_leaves_the_last_able_to_store(
    memory: LocalMemory,
) -> None:
    earlier, last = memory.expecting("key"), memory.expecting("key")
    earlier.__enter__()
    put_last = last.__enter__()
    earlier.__exit__(None, None, None)
    put_last(entry(), 0)
    last.__exit__(None, None, None)
    assert memory.find("key") == entry()


def test_closing_forgets_entries_and_lookups_in_progress(memory: LocalMemory) -> None:
    store(memory, "one")
    with memory.expecting("two") as put:
        memory.close()
        memory.open()
        put(entry(), 0)
    assert memory.find("one") is memory.find("two") is None
    assert memory.size_bytes == 0


def test_a_new_memory_is_closed(clock: Clock) -> None:
    memory = LocalMemory(maximum_bytes=5_000, lifetime=LIFETIME, clock=clock)
    assert not memory.is_open
    assert memory.size_bytes == 0
    store(memory, "key")
    assert memory.find("key") is None


def test_a_closed_memory_stores_nothing(memory: LocalMemory) -> None:
    memory.close()
    assert not memory.is_open
    store(memory, "key")
    assert memory.find("key") is None


def test_a_failed_lookup_leaves_no_announcement(memory: LocalMemory) -> None:
    with pytest.raises(OSError), memory.expecting("key"):  # noqa: PT011 - raised by this test
        raise OSError
    assert not memory._expected
