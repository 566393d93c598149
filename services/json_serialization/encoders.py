"""Six ways to turn a document into bytes: five write JSON, one MessagePack.

All of them write the same document. A moment (an aware datetime) is RFC 3339 text, with a `Z` for
UTC, in MessagePack too: msgspec writes nothing else as JSON, and the others can be told to.
Each raises TypeError for what JSON has no form for.
"""

import json
from datetime import datetime

import msgspec
import orjson
import rapidjson
import ujson

_MSGSPEC_JSON = msgspec.json.Encoder()
_MSGSPEC_MSGPACK = msgspec.msgpack.Encoder()


def encode_with_json(document: object) -> bytes:
    """The standard library: a str is built first and encoded afterwards."""
    return json.dumps(document, default=_rfc_3339).encode()


def encode_with_orjson(document: object) -> bytes:
    """Compiled code that writes UTF-8 bytes at once; NaN becomes null.

    TypeError also for integers over 64 bits and for keys that are no str.
    """
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def encode_with_ujson(document: object) -> bytes:
    # Its defaults would write each "/" as "\/" and each non-ASCII letter as an escape.
    text = ujson.dumps(
        document, default=_rfc_3339, ensure_ascii=False, escape_forward_slashes=False
    )
    return text.encode()


def encode_with_rapidjson(document: object) -> bytes:
    # Its own datetime_mode is faster than a function of ours, but writes "+00:00" for UTC.
    text: str = rapidjson.dumps(document, default=_rfc_3339, ensure_ascii=False)
    return text.encode()


def encode_with_msgspec(document: object) -> bytes:
    """Compiled code, bytes at once; knows dataclasses and its own Structs as well."""
    return _MSGSPEC_JSON.encode(document)


def encode_as_msgpack(document: object) -> bytes:
    """MessagePack with the moments as text.

    Its timestamp extension is shorter and three times as fast, but then a client gets another type
    of value than with JSON, and one that not every MessagePack library knows.
    """
    return _MSGSPEC_MSGPACK.encode(msgspec.to_builtins(document))


def _rfc_3339(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")
