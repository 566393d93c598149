"""A structured record: one JSON object a line, as log shippers read it."""

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
    return orjson.dumps(record, default=str).decode()
