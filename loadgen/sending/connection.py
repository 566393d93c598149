"""Keep-alive HTTP/1.1 connections that send one request at a time.

    Channel     one TCP connection, from its opening to its end
    Caller      who sends over channels, one after the other as they end, and is called back
    Connection  the same to be awaited

Written for measuring: a request's bytes are made beforehand, a body that nobody will read is
counted and dropped, and parsing is left to httptools, the parser in llhttp's C. Answers are told by
a callback from where the bytes arrive: to wake a task for each would cost more than to parse it. A
general client costs several times as much per request, which on a machine shared with the server is
measured too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import httptools


class RequestFailed(Exception):
    """No complete answer: refused, broken off, malformed, or past its deadline."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; only plain HTTP."""

    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raise ValueError when the URL is no http:// address of a server."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is no address like http://127.0.0.1:8080")
        return cls(parts.hostname, parts.port or 80)

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them: an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"http://{self.authority}"


@dataclass(slots=True)
class Response:
    """An answer; `body` stays empty, but `size` is right, where it was not asked to be kept."""

    status: int
    size: int
    body: bytes
    content_encoding: str


#: What came of a request.
Outcome = Response | RequestFailed

BROKEN_OFF = "the connection was closed before the answer was complete"


def encode_request(
    address: Address,
    target: str,
    headers: dict[str, str],
    method: str = "GET",
    body: bytes = b"",
) -> bytes:
    """The bytes of a request; `target` is path and query, encoded already.

    Not for HEAD: its answer looks like one with a body, and nothing tells the parser otherwise.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


class Channel(asyncio.Protocol):
    """Tells `tell` what came of each request; a new one may be sent from there.

    The deadline is the sender's business: `abort` ends the request without a word.
    """

    def __init__(self, tell: Callable[[Outcome], None], keep_body: bool = False) -> None:
        self._tell = tell
        self._keep_body = keep_body
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting = False
        self._answer: Response | None = None
        self._surplus = False
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
            self._tell(RequestFailed(BROKEN_OFF))
            return
        self._waiting = True
        self._transport.write(encoded)

    def abort(self) -> None:
        self._waiting = False
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _finish(self) -> None:
        """Tell of the answer, which is complete."""
        answer = cast("Response", self._answer)
        self._answer = None
        self._waiting = False
        if not self._keep_alive:
            self.abort()
        self._tell(answer)

    def _fail(self, reason: str) -> None:
        self.abort()
        self._tell(RequestFailed(reason))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exception: Exception | None) -> None:
        self._transport = None
        if not self._waiting or self._answer is not None:
            return
        if self._ends_with_connection and exception is None:
            self.on_message_complete()
            self._finish()
        else:
            self._fail(BROKEN_OFF)

    def data_received(self, data: bytes) -> None:
        if not self._waiting:
            self.abort()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"malformed answer: {error}")
            return
        if self._answer is not None:
            if self._surplus:
                self._fail("malformed answer: more than one to a request")
            else:
                self._finish()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._surplus = self._answer is not None
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
        # RFC 9112, 6.3: a body without a length of its own ends with its connection.
        self._ends_with_connection = not self._has_length

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._keep_body:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # interim; the answer is still to come
            self._ends_with_connection = False
            return
        self._keep_alive = self._parser.should_keep_alive()
        body = b"".join(self._chunks) if self._keep_body else b""
        self._answer = Response(status, self._size, body, self._content_encoding)


class Caller:
    """Opens a channel when it has none, sends one request at a time, calls `done` with the outcome.

    `done` is never called from within `send`; it may send the next request. `started` and
    `deadline` are instants of perf_counter, for whoever measures and watches: nothing here does.
    """

    __slots__ = (
        "_address", "_channel", "_create_channel", "_done", "_opening",
        "busy", "deadline", "started",
    )  # fmt: skip

    def __init__(
        self,
        address: Address,
        done: Callable[["Caller", Outcome], None],
        create_channel: Callable[[Callable[[Outcome], None]], Channel] = Channel,
    ) -> None:
        self._address = address
        self._done = done
        self._create_channel = create_channel
        self._channel: Channel | None = None
        self._opening: asyncio.Task[None] | None = None
        self.busy = False
        self.started = 0.0
        self.deadline = 0.0

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.is_open

    def send(self, encoded: bytes) -> None:
        self.busy = True
        channel = self._channel
        if channel is not None and channel.is_open:
            channel.send(encoded)
        else:
            self._opening = asyncio.get_running_loop().create_task(self._open_and_send(encoded))

    def expire(self) -> None:
        """Give the request up, with its connection: what came later could not be told apart."""
        reason = "no answer in time" if self._opening is None else "no connection in time"
        self.close()
        self._finished(RequestFailed(reason))

    def close(self) -> None:
        """Without calling back. The next request opens a channel."""
        self.busy = False
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
        except (OSError, UnicodeError) as error:  # the latter: no name of a host
            self._opening = None
            self._finished(RequestFailed(f"cannot connect to {self._address}: {error}"))
        else:
            self._opening = None
            self._channel = channel
            channel.send(encoded)

    def _finished(self, outcome: Outcome) -> None:
        self.busy = False
        self._done(self, outcome)


class Connection:
    """Opens itself when a request finds it closed; belongs to one task at a time."""

    def __init__(self, address: Address, timeout: float, keep_body: bool = False) -> None:
        self._timeout = timeout
        self._caller = Caller(address, self._settle, partial(Channel, keep_body=keep_body))
        self._answer: asyncio.Future[Outcome] | None = None

    async def request(self, encoded: bytes) -> Response:
        """Send it and read the whole answer. Raises RequestFailed within `timeout` seconds."""
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        deadline = loop.call_later(self._timeout, self._caller.expire)
        self._caller.send(encoded)
        try:
            outcome = await self._answer
        finally:
            deadline.cancel()
            if self._caller.busy:  # cancelled: the answer must not be taken for the next one's
                self._caller.close()
        if isinstance(outcome, RequestFailed):
            raise outcome
        return outcome

    def close(self) -> None:
        self._caller.close()

    def _settle(self, _: Caller, outcome: Outcome) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(outcome)
