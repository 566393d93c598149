"""The answer to a lookup in a cache: the entry, its origin, and how current it is."""

from enum import StrEnum
from typing import NamedTuple

from services.caching.entry import Entry


class Outcome(StrEnum):
    """Where the entry of an answer came from."""

    HIT = "hit"
    STALE = "stale"  # expired, or not verifiable
    MISS = "miss"
    SHARED = "shared"  # loaded by another caller or process
    ERROR = "error"  # loaded because Redis is unreachable


class Answer(NamedTuple):
    """An entry that contains every write acknowledged before `as_of`.

    `as_of` is in seconds of the monotonic clock. The promise holds only if `verified` is True.
    """

    entry: Entry
    outcome: Outcome
    as_of: float
    verified: bool = True
