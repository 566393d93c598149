"""Which request is being answered: read by what runs deep below a handler."""

from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
VARIANT: ContextVar[str] = ContextVar("variant", default="")
