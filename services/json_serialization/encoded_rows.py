"""Rows encoded once and joined for each answer that they are part of."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import orjson

from services.json_serialization.encoders import encode_with_orjson

Row = TypeVar("Row")


class EncodedRows(Generic[Row]):
    """Keeps the JSON of at most `maximum` rows, those encoded last.

    **`key` must change whenever the row does**, as `(id, updated_at)` does: then nothing has to be
    invalidated, and what is out of date is never asked for again and falls out. With an id alone a
    changed row is sent as it was.
    """

    def __init__(self, key: Callable[[Row], Hashable], maximum: int) -> None:
        self._key = key
        self._maximum = maximum
        self._fragments: dict[Hashable, orjson.Fragment] = {}

    def __len__(self) -> int:
        return len(self._fragments)

    def of(self, rows: Sequence[Row]) -> list[orjson.Fragment]:
        """In their order; orjson copies a fragment's bytes into a document as they are."""
        kept = self._fragments.get
        keys = map(self._key, rows)
        return [kept(key) or self._encode(key, row) for key, row in zip(keys, rows, strict=True)]

    def _encode(self, key: Hashable, row: Row) -> orjson.Fragment:
        fragment = orjson.Fragment(encode_with_orjson(row))
        self._fragments[key] = fragment
        if len(self._fragments) > self._maximum:
            # The oldest, not the least recently used: noting each use would cost what is saved.
            del self._fragments[next(iter(self._fragments))]
        return fragment
