"""Keeps encoded rows, so that each row is encoded once and joined into many documents."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import orjson

from services.json_serialization.document_encoders import encode_with_orjson

Row = TypeVar("Row")


class EncodedRows(Generic[Row]):
    """Keeps the JSON of at most `maximum` rows, and drops the row that was encoded first.

    **`key` must change whenever the row changes**, as `(id, updated_at)` does. Then no row has to
    be invalidated: no request has an outdated key, and its JSON is dropped in time. With an id as
    the key, clients would get the outdated JSON of a changed row.
    """

    def __init__(self, key: Callable[[Row], Hashable], maximum: int) -> None:
        self._key = key
        self._maximum = maximum
        self._fragments: dict[Hashable, orjson.Fragment] = {}

    def __len__(self) -> int:
        return len(self._fragments)

    def encode(self, rows: Sequence[Row]) -> list[orjson.Fragment]:
        """Return the rows as fragments, in their order. orjson copies a fragment's bytes as is."""
        get = self._fragments.get
        keys = map(self._key, rows)
        return [get(key) or self._encode(key, row) for key, row in zip(keys, rows, strict=True)]

    def _encode(self, key: Hashable, row: Row) -> orjson.Fragment:
        fragment = orjson.Fragment(encode_with_orjson(row))
        self._fragments[key] = fragment
        if len(self._fragments) > self._maximum:
            # The first, not the least recently used: to record each use would cost the time saved.
            del self._fragments[next(iter(self._fragments))]
        return fragment
