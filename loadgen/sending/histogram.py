"""Latencies in bounded memory, however long a run: an HDR histogram in seconds."""

from collections import defaultdict
from typing import Any

from hdrh.histogram import HdrHistogram

#: Three significant digits from a nanosecond to an hour: an error of 0.1 % at most.
_LONGEST_NANOSECONDS = 3_600_000_000_000
_DIGITS = 3
#: What three digits take: of a value the first 11 bits tell its bucket.
_BITS = 11
_NANOSECONDS = 1e9


class Histogram:
    """The buckets of Gil Tene's HDR histogram; what is longer than an hour counts as an hour.

    They are kept in a dictionary by their lowest value: to record takes a third of the time that
    the library takes, and the memory is that of the buckets in use, some kilobytes of 270. The
    library reads and writes HDR's format, and the tests hold the figures against it.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: defaultdict[int, int] = defaultdict(int)

    def record(self, seconds: float) -> None:
        nanoseconds = int(seconds * _NANOSECONDS)
        if not 1 <= nanoseconds <= _LONGEST_NANOSECONDS:
            nanoseconds = 1 if nanoseconds < 1 else _LONGEST_NANOSECONDS
        shift = nanoseconds.bit_length() - _BITS
        if shift > 0:
            nanoseconds = nanoseconds >> shift << shift
        self._counts[nanoseconds] += 1

    def merge(self, other: "Histogram") -> None:
        for bucket, count in other._counts.items():  # noqa: SLF001 - of the same class
            self._counts[bucket] += count

    @property
    def count(self) -> int:
        return sum(self._counts.values())

    def quantile(self, share: float) -> float:
        """In seconds, share from 0 to 1. Raises ValueError when there is no value."""
        rank = max(1, int(share * self.count + 0.5))
        for bucket, count in sorted(self._counts.items()):
            rank -= count
            if rank <= 0:
                return _highest(bucket) / _NANOSECONDS
        raise ValueError("no values")

    @property
    def mean(self) -> float:
        """In seconds, 0 when there is no value."""
        if not self._counts:
            return 0.0
        total = sum((bucket + _width(bucket) // 2) * n for bucket, n in self._counts.items())
        return total / self.count / _NANOSECONDS

    @property
    def maximum(self) -> float:
        """In seconds, 0 when there is no value."""
        return _highest(max(self._counts, default=0)) / _NANOSECONDS

    def buckets(self) -> list[tuple[float, int]]:
        """In order: the longest time that falls into a bucket, in seconds, and how many did."""
        return [
            (_highest(bucket) / _NANOSECONDS, count)
            for bucket, count in sorted(self._counts.items())
        ]

    def encoded(self) -> str:
        """As HDR's own V2 format in base 64, which other tools read, too."""
        hdr = _empty()
        for bucket, count in self._counts.items():
            hdr.record_value(bucket, count)
        text: bytes = hdr.encode()
        return text.decode("ascii")

    @classmethod
    def decoded(cls, text: str) -> "Histogram":
        """Raises ValueError when the text is no such histogram."""
        histogram, hdr = cls(), _empty()
        try:
            hdr.decode_and_add(text.encode("ascii"))
        except Exception as error:  # of a dozen kinds, by what is damaged
            raise ValueError("no histogram in HDR's format") from error
        # The library's own iterators take a hundred times as long, some tenths of a second.
        for index, count in enumerate(hdr.counts[:]):
            if count:
                histogram._counts[hdr.get_value_from_index(index)] = count
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]


def _empty() -> Any:
    return HdrHistogram(1, _LONGEST_NANOSECONDS, _DIGITS)


def _width(nanoseconds: int) -> int:
    """Of the bucket that the value falls into."""
    return 1 << max(0, nanoseconds.bit_length() - _BITS)


def _highest(nanoseconds: int) -> int:
    return nanoseconds | (_width(nanoseconds) - 1)
