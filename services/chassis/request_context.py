"""The current request's id and variant, as context variables.

handler_wrapper.py sets both before it calls a handler. Code below a handler reads them, for example
to choose the labels of a metric.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

from aiohttp import web
from multidict import istr

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
VARIANT: ContextVar[str] = ContextVar("variant", default="")

#: An istr keeps its lower-case form, which a str would compute for each request.
REQUEST_ID_HEADER = istr("X-Request-ID")

_PROCESS_ID = secrets.token_hex(8)
_NUMBERS = count()

#: Other ids from clients are replaced rather than echoed: they could be long or break a log line.
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id_of(request: web.Request) -> str:
    """The id that the client sent if it is acceptable, else a new one of 32 hexadecimal digits."""
    sent = request.headers.get(REQUEST_ID_HEADER)
    if sent is not None and _ACCEPTABLE_ID.fullmatch(sent):
        return sent
    # An id must be unique, not secret: a random number of the process, then a counter.
    return f"{_PROCESS_ID}{next(_NUMBERS):016x}"
