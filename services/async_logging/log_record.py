"""A structured log record, and its encoding as one JSON object per line for log shippers.

The members follow OpenTelemetry's log data model. The caller's fields are inside `attributes`, so
they cannot be mistaken for the body or the severity.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import orjson

#: Docker's and containerd's log drivers split lines at 16 KiB. This bound stays well below.
MAXIMUM_LINE_BYTES = 8192

# Bounds of a shortened record. They keep its line below MAXIMUM_LINE_BYTES even in the worst case:
# json escapes one character as 12 bytes, and one encoded attribute byte becomes at most 3 bytes.
_SHORTENED_BODY_CHARACTERS = 512
_SHORTENED_ATTRIBUTES_BYTES = 512


class Level(IntEnum):
    """Severity: Python's level names with OpenTelemetry's severity numbers."""

    DEBUG = 5
    INFO = 9
    WARNING = 13
    ERROR = 17
    CRITICAL = 21


#: Level names by number. Looking a name up in the enumeration takes half as long as the encoding.
_LEVEL_NAMES = {int(level): level.name for level in Level}


class Record(NamedTuple):
    """One event. `time` has a time zone; `attributes` are read when the record is encoded."""

    time: datetime
    level: Level
    body: str
    attributes: Mapping[str, object]


def encode_line(record: Record) -> bytes:
    """The record as JSON of at most MAXIMUM_LINE_BYTES, without any newline. Never raises.

    Values without a JSON form are written as their text, because logging must not make a request
    fail. If even that raises, the line names the exception instead of the attributes.
    """
    try:
        line = _encode(record)
    except Exception as error:  # noqa: BLE001 - methods of an attribute's class may raise anything
        error_name = {"log.record.not_encodable": type(error).__name__}
        line = _encode(
            record._replace(body=_without_surrogates(record.body), attributes=error_name)
        )
    return line if len(line) <= MAXIMUM_LINE_BYTES else _encode(_shortened(record, len(line)))


def _encode(record: Record) -> bytes:
    number = int(record.level)
    return _dumps(
        {
            "timestamp": record.time,
            "severity_text": _LEVEL_NAMES[number],
            "severity_number": number,
            "body": record.body,
            "attributes": record.attributes,
        }
    )


def _dumps(document: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(document, default=_json_form, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # json can encode lone surrogates and integers beyond 64 bits. orjson cannot.
        return json.dumps(document, default=_json_form, allow_nan=False).encode()


def _json_form(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _shortened(record: Record, line_bytes: int) -> Record:
    """The record with the beginning of its body and those first attributes that fit the bound."""
    attributes: dict[str, object] = {"log.record.original_bytes": line_bytes}
    bytes_left = _SHORTENED_ATTRIBUTES_BYTES
    for name, value in record.attributes.items():
        bytes_left -= len(_dumps({str(name): value}))
        if bytes_left < 0:
            break
        attributes[name] = value
    body = _without_surrogates(record.body)[:_SHORTENED_BODY_CHARACTERS]
    return record._replace(body=body, attributes=attributes)


def _without_surrogates(text: str) -> str:
    """The text with `?` for lone surrogates, which orjson refuses."""
    return text.encode("utf-8", "replace").decode()
