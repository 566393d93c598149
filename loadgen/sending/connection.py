"""Keep-alive HTTP/1.1 connections that send one request at a time.

    Channel     one TCP connection, from open to close
    Client      sends requests over successive channels, reports outcomes by callback
    Connection  a client with an awaitable `request`

The code is written for measuring. A general HTTP client costs several times as much per request,
and on a machine shared with the server this cost distorts the measurement. So requests are encoded
in advance, an unwanted body is counted and dropped, and httptools (the C parser llhttp) parses.
The callback runs where the bytes arrive: waking a task per response would cost more than parsing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import httptools


class RequestFailed(Exception):
    """There is no complete response: refused, closed, malformed or timed out."""


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port of a plain HTTP server."""

    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take host and port from an http:// URL. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// URL such as http://127.0.0.1:8080")
        return cls(parts.hostname, parts.port or 80)

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: an IPv6 address is in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"http://{self.authority}"


@dataclass(slots=True)
class Response:
    """A complete response. `size` counts body bytes; `body` is empty unless it was kept."""

    status: int
    size: int
    body: bytes
    content_encoding: str


Outcome = Response | RequestFailed

CLOSED_EARLY = "the server closed the connection before the response was complete"


def encode_request(
    address: Address,
    target: str,
    headers: dict[str, str],
    method: str = "GET",
    body: bytes = b"",
) -> bytes:
    """Return the bytes of a request. `target` is the encoded path and query.

    HEAD is not supported: its response looks like one with a body, and the parser cannot know the
    method.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


class Channel(asyncio.Protocol):
    """One TCP connection. Calls `on_outcome` after each request, which may send the next one.

    The owner watches the deadline. `abort` ends a request without calling back.
    """

    def __init__(self, on_outcome: Callable[[Outcome], None], keep_body: bool = False) -> None:
        self._on_outcome = on_outcome
        self._keep_body = keep_body
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting = False
        self._response: Response | None = None
        self._has_second_response = False
        self._size = 0
        self._chunks: list[bytes] = []
        self._content_encoding = ""
        self._has_length = False
        self._ends_with_connection = False
        self._keep_alive = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def send(self, encoded: bytes) -> None:
        if self._transport is None:
            self._on_outcome(RequestFailed(CLOSED_EARLY))
            return
        self._waiting = True
        self._transport.write(encoded)

    def abort(self) -> None:
        self._waiting = False
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _finish(self) -> None:
        """Report the complete response."""
        response = cast("Response", self._response)
        self._response = None
        self._waiting = False
        if not self._keep_alive:
            self.abort()
        self._on_outcome(response)

    def _fail(self, reason: str) -> None:
        self.abort()
        self._on_outcome(RequestFailed(reason))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exception: Exception | None) -> None:
        self._transport = None
        if not self._waiting or self._response is not None:
            return
        if self._ends_with_connection and exception is None:
            self.on_message_complete()
            self._finish()
        else:
            self._fail(CLOSED_EARLY)

    def data_received(self, data: bytes) -> None:
        if not self._waiting:
            self.abort()  # bytes without a request
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"malformed response: {error}")
            return
        if self._response is not None:
            if self._has_second_response:
                self._fail("malformed response: more than one for one request")
            else:
                self._finish()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._has_second_response = self._response is not None
        self._size = 0
        self._chunks = []
        self._content_encoding = ""
        self._has_length = False
        self._ends_with_connection = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length":
            self._has_length = True
        elif name == b"transfer-encoding":
            self._has_length = value.lower().endswith(b"chunked")
        elif name == b"content-encoding":
            self._content_encoding = value.decode("ascii", "replace").lower()

    def on_headers_complete(self) -> None:
        # RFC 9112, section 6.3: a body without a length ends when the connection closes.
        self._ends_with_connection = not self._has_length

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._keep_body:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim response; the final one follows
            self._ends_with_connection = False
            return
        self._keep_alive = self._parser.should_keep_alive()
        body = b"".join(self._chunks) if self._keep_body else b""
        self._response = Response(status, self._size, body, self._content_encoding)


class Client:
    """Sends one request at a time, over a channel that it opens when it has none.

    The client calls `on_outcome` after each request, never from within `send`. `on_outcome` may
    send the next request. `started` and `deadline` are instants of perf_counter; the owner sets and
    checks them.
    """

    __slots__ = (
        "_address", "_channel", "_create_channel", "_on_outcome", "_opening",
        "deadline", "is_busy", "started",
    )  # fmt: skip

    def __init__(
        self,
        address: Address,
        on_outcome: Callable[["Client", Outcome], None],
        create_channel: Callable[[Callable[[Outcome], None]], Channel] = Channel,
    ) -> None:
        self._address = address
        self._on_outcome = on_outcome
        self._create_channel = create_channel
        self._channel: Channel | None = None
        self._opening: asyncio.Task[None] | None = None
        self.is_busy = False
        self.started = 0.0
        self.deadline = 0.0

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.is_open

    def send(self, encoded: bytes) -> None:
        self.is_busy = True
        channel = self._channel
        if channel is not None and channel.is_open:
            channel.send(encoded)
        else:
            self._opening = asyncio.get_running_loop().create_task(self._open_and_send(encoded))

    def time_out(self) -> None:
        """Fail the request and close its connection, so that a late response is not misread."""
        missing = "response" if self._opening is None else "connection"
        self.close()
        self._finished(RequestFailed(f"no {missing} before the timeout"))

    def close(self) -> None:
        """Close the channel without calling back. The next request opens a new channel."""
        self.is_busy = False
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._channel is not None:
            self._channel.abort()
            self._channel = None

    async def _open_and_send(self, encoded: bytes) -> None:
        try:
            _, channel = await asyncio.get_running_loop().create_connection(
                lambda: self._create_channel(self._finished), self._address.host, self._address.port
            )
        except (OSError, UnicodeError) as error:  # UnicodeError: the host name is invalid
            self._opening = None
            self._finished(RequestFailed(f"cannot connect to {self._address}: {error}"))
        else:
            self._opening = None
            self._channel = channel
            channel.send(encoded)

    def _finished(self, outcome: Outcome) -> None:
        self.is_busy = False
        self._on_outcome(self, outcome)


class Connection:
    """An awaitable client for one task at a time. It reconnects when the connection is closed."""

    def __init__(self, address: Address, timeout: float, keep_body: bool = False) -> None:
        self._timeout = timeout
        self._client = Client(address, self._finished, partial(Channel, keep_body=keep_body))
        self._outcome: asyncio.Future[Outcome] | None = None

    async def request(self, encoded: bytes) -> Response:
        """Send a request and read its response. Raises RequestFailed after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        self._outcome = loop.create_future()
        timer = loop.call_later(self._timeout, self._client.time_out)
        self._client.send(encoded)
        try:
            outcome = await self._outcome
        finally:
            timer.cancel()
            if self._client.is_busy:  # cancelled; the next request must not get this response
                self._client.close()
        if isinstance(outcome, RequestFailed):
            raise outcome
        return outcome

    def close(self) -> None:
        self._client.close()

    def _finished(self, _: Client, outcome: Outcome) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)
