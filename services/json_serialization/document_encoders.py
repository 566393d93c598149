"""Encodes a document with one of seven encoders: five write JSON, one MessagePack, one NDJSON.

All of them write the same values. An aware datetime becomes RFC 3339 text with `Z` for UTC, in
MessagePack as well: msgspec writes JSON datetimes in this form only, and the others can be
configured to. Each encoder raises TypeError for a value that has no JSON form.
"""

import json
from collections.abc import Iterable
from datetime import datetime

import msgspec
import orjson
import rapidjson
import ujson

#: A JSON document on each line, so that neither side has to hold all documents in memory. The
#: format is that of github.com/ndjson/ndjson-spec; the media type is not registered.
NDJSON = "application/x-ndjson"

_MSGSPEC_JSON = msgspec.json.Encoder()
_MSGSPEC_MSGPACK = msgspec.msgpack.Encoder()
_LINE_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def encode_with_json(document: object) -> bytes:
    """Encode with the standard library, which builds a str; the str is then encoded as UTF-8."""
    return json.dumps(document, default=_rfc_3339).encode()


def encode_with_orjson(document: object) -> bytes:
    """Compiled code that writes UTF-8 bytes directly; NaN becomes null.

    Raises TypeError also for integers over 64 bits and for keys that are not plain strings.
    """
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def encode_with_ujson(document: object) -> bytes:
    """Compiled code that builds a str, and calls Python for each datetime."""
    # By default ujson writes each "/" as "\/" and each non-ASCII letter as an escape.
    text = ujson.dumps(
        document, default=_rfc_3339, ensure_ascii=False, escape_forward_slashes=False
    )
    return text.encode()


def encode_with_rapidjson(document: object) -> bytes:
    """Compiled code that builds a str, and calls Python for each datetime."""
    # The library's datetime_mode is faster than the callback, but writes "+00:00" for UTC.
    text: str = rapidjson.dumps(document, default=_rfc_3339, ensure_ascii=False)
    return text.encode()


def encode_with_msgspec(document: object) -> bytes:
    """Compiled code that writes bytes directly; it also supports dataclasses and its Structs."""
    return _MSGSPEC_JSON.encode(document)


def encode_as_msgpack(document: object) -> bytes:
    """MessagePack with datetimes as text.

    MessagePack's timestamp extension is shorter and three times as fast. But clients would get
    another type of value than with JSON, and not every MessagePack library supports the extension.
    """
    return _MSGSPEC_MSGPACK.encode(msgspec.to_builtins(document))


def encode_as_ndjson(documents: Iterable[object]) -> bytes:
    """Encode each document as one line. The last line ends with a newline as well."""
    return b"".join([orjson.dumps(each, option=_LINE_OPTIONS) for each in documents])


def _rfc_3339(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")
