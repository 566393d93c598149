"""A structured record: one JSON object a line, as log shippers read it."""

import json
from datetime import UTC, datetime

import orjson

Record = dict[str, object]


def make_record(level: str, message: str, request_id: str, **context: object) -> Record:
    return {
        "timestamp": datetime.now(UTC),
        "level": level,
        "message": message,
        "request_id": request_id,
        **context,
    }


def as_line(record: Record) -> str:
    """Without the newline. Anything that has no JSON form is written as its text."""
    try:
        return orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Lone surrogates, integers beyond 64 bits: json knows them, a log line must not be lost.
        return json.dumps(record, default=str)
