"""NDJSON: a JSON document on each line, so that neither side ever has to hold all of them.

The format is that of github.com/ndjson/ndjson-spec; its media type is not registered.
"""

from collections.abc import Iterable

import orjson

MEDIA_TYPE = "application/x-ndjson"
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def as_lines(documents: Iterable[object]) -> bytes:
    """Each ends with a newline, the last as well: what follows may be written right behind it."""
    return b"".join([orjson.dumps(each, option=_OPTIONS) for each in documents])
