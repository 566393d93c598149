"""Observers, sinks and records for the tests of this folder."""

import threading
from collections import Counter
from datetime import UTC, datetime

from services.async_logging.record import Level, Record

MOMENT = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


class Counts:
    """An observer that adds up."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def accepted(self, count: int) -> None:
        self.of["accepted"] += count

    def written(self, count: int) -> None:
        self.of["written"] += count

    def sampled(self, count: int) -> None:
        self.of["sampled"] += count

    def dropped(self, count: int) -> None:
        self.of["dropped"] += count

    def failed(self, count: int) -> None:
        self.of["failed"] += count


class MemorySink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    @property
    def lines(self) -> list[bytes]:
        return b"".join(self.writes).splitlines()

    def write(self, text: bytes) -> None:
        self.writes.append(text)

    def close(self) -> None:
        self.closed = True


class HangingSink(MemorySink):
    """Does not come back from a write before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.released = threading.Event()

    def write(self, text: bytes) -> None:
        self.begun.set()
        self.released.wait()
        super().write(text)


class FullDisk(MemorySink):
    """Refuses what is written while it is full."""

    full = True

    def write(self, text: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().write(text)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def record(level: Level = Level.INFO, body: str = "order checked", **attributes: object) -> Record:
    return Record(MOMENT, level, body, attributes)
