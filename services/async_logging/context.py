"""What is true of everything that is logged while a request is answered: bound once, said always.

A context variable, so that requests which are answered at the same time do not mix, and what they
start (tasks, `asyncio.to_thread`) says it too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, object] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, object]] = ContextVar("bound", default=_NOTHING)


def bound() -> Mapping[str, object]:
    """What is bound here and now; not to be changed."""
    return _BOUND.get()


@contextmanager
def bind(fields: Mapping[str, object]) -> Iterator[None]:
    """Until the block is left, add these; a name that is bound already means the new value.

    Leaving matters: a server answers all requests of one connection in the same context.
    """
    token = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)
