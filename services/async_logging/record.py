"""A structured record: one JSON object a line, as log shippers read it.

The members are those of OpenTelemetry's log data model; what a caller adds stands below
`attributes`, where it can never pass for the body or the severity.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import orjson

#: Docker's and containerd's log drivers cut a line in two at 16 KiB: no line comes near it.
MAXIMUM_LINE_BYTES = 8192

# Of a longer one. A character takes twelve bytes at worst (json escapes, in pairs), a byte of an
# attribute three.
_KEPT_BODY_CHARACTERS = 512
_KEPT_ATTRIBUTES_BYTES = 512


class Level(IntEnum):
    """Python's names with OpenTelemetry's severity numbers."""

    DEBUG = 5
    INFO = 9
    WARNING = 13
    ERROR = 17
    CRITICAL = 21


#: An enumeration looks its own names up at the price of half of what encoding costs.
_NAMES = {int(level): level.name for level in Level}


class Record(NamedTuple):
    """Something that happened. Its time is aware; its attributes are read when it is rendered."""

    time: datetime
    level: Level
    body: str
    attributes: Mapping[str, object]


def as_line(record: Record) -> bytes:
    """At most MAXIMUM_LINE_BYTES, without the newline and without one in it; never raises.

    What has no JSON form is written as its text: whoever logs must not fail of what is logged.
    """
    try:
        line = _encode(record)
    except Exception as error:  # noqa: BLE001 - values bring methods of their own, which may raise
        why = {"log.record.not_encodable": type(error).__name__}
        line = _encode(record._replace(body=_plain(record.body), attributes=why))
    return line if len(line) <= MAXIMUM_LINE_BYTES else _encode(_shortened(record, len(line)))


def _encode(record: Record) -> bytes:
    number = int(record.level)
    return _dumps(
        {
            "timestamp": record.time,
            "severity_text": _NAMES[number],
            "severity_number": number,
            "body": record.body,
            "attributes": record.attributes,
        }
    )


def _dumps(document: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(document, default=_plain_form, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Lone surrogates, integers beyond 64 bits: json knows them.
        return json.dumps(document, default=_plain_form, allow_nan=False).encode()


def _plain_form(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _shortened(record: Record, length: int) -> Record:
    """The beginning of the body, and as many of the first attributes as are small."""
    kept: dict[str, object] = {"log.record.original_bytes": length}
    left = _KEPT_ATTRIBUTES_BYTES
    for name, value in record.attributes.items():
        left -= len(_dumps({str(name): value}))
        if left < 0:
            break
        kept[name] = value
    return record._replace(body=_plain(record.body)[:_KEPT_BODY_CHARACTERS], attributes=kept)


def _plain(text: str) -> str:
    """Without lone surrogates, which orjson refuses."""
    return text.encode("utf-8", "replace").decode()
