"""Fields that every record of the current request carries, such as the request id.

The fields live in a context variable, so concurrent requests do not see each other's fields. Tasks
and `asyncio.to_thread` calls that a request starts inherit its fields.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NO_FIELDS: Mapping[str, object] = MappingProxyType({})
_FIELDS: ContextVar[Mapping[str, object]] = ContextVar("bound_fields", default=_NO_FIELDS)


def bound_fields() -> Mapping[str, object]:
    """The fields bound in the current context. Callers must not change the mapping."""
    return _FIELDS.get()


@contextmanager
def bind_fields(fields: Mapping[str, object]) -> Iterator[None]:
    """Add these fields inside the block. A new value hides the old value of the same name.

    Leave the block before the response is sent: aiohttp handles all requests of one connection in
    the same context, so the fields would leak into the next request.
    """
    token = _FIELDS.set({**_FIELDS.get(), **fields})
    try:
        yield
    finally:
        _FIELDS.reset(token)
