"""Test doubles of this folder: an observer, sinks that misbehave, and sample records."""

import threading
from collections import Counter
from datetime import UTC, datetime

from services.async_logging.log_record import Level, Record

MOMENT = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


class CountingObserver:
    """A `LogObserver` that sums up the counts by outcome."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def accepted(self, count: int) -> None:
        self.counts["accepted"] += count

    def written(self, count: int) -> None:
        self.counts["written"] += count

    def sampled(self, count: int) -> None:
        self.counts["sampled"] += count

    def dropped(self, count: int) -> None:
        self.counts["dropped"] += count

    def failed(self, count: int) -> None:
        self.counts["failed"] += count


class MemorySink:
    """Keeps the written bytes in memory."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    @property
    def lines(self) -> list[bytes]:
        return b"".join(self.writes).splitlines()

    def write(self, text: bytes) -> None:
        self.writes.append(text)

    def close(self) -> None:
        self.is_closed = True


class HangingSink(MemorySink):
    """Blocks each write until `released` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.released = threading.Event()

    def write(self, text: bytes) -> None:
        self.begun.set()
        self.released.wait()
        super().write(text)


class FullDisk(MemorySink):
    """Refuses writes while `is_full` is true."""

    is_full = True

    def write(self, text: bytes) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        super().write(text)


def numbered_lines(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def sample_record(
    level: Level = Level.INFO, body: str = "order checked", **attributes: object
) -> Record:
    return Record(MOMENT, level, body, attributes)
