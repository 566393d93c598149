"""One keep-alive HTTP/1.1 connection that sends one request at a time.

Written for measuring: a request's bytes are made beforehand, a body that nobody will read is
counted and dropped, and parsing is left to httptools, the parser in llhttp's C. A general client
costs several times as much per request, which on a machine shared with the server is measured too.
"""

import asyncio
from dataclasses import dataclass
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


def encode_request(address: Address, target: str, headers: dict[str, str]) -> bytes:
    """The bytes of a GET request; `target` is path and query, encoded already."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {address.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class Connection(asyncio.Protocol):
    """Opens itself when a request finds it closed; belongs to one task at a time."""

    def __init__(self, address: Address, timeout: float, keep_body: bool = False) -> None:
        self._address = address
        self._timeout = timeout
        self._keep_body = keep_body
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None

    async def request(self, encoded: bytes) -> Response:
        """Send it and read the whole answer. Raises RequestFailed within `timeout` seconds."""
        loop = asyncio.get_running_loop()
        transport = self._transport or await self._open(loop)
        answer: asyncio.Future[Response] = loop.create_future()
        self._answer = answer
        self._start_message()
        transport.write(encoded)
        deadline = loop.call_later(self._timeout, self._fail, "no answer in time")
        try:
            return await answer
        finally:
            deadline.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _open(self, loop: asyncio.AbstractEventLoop) -> asyncio.Transport:
        try:
            async with asyncio.timeout(self._timeout):
                transport, _ = await loop.create_connection(
                    lambda: self, self._address.host, self._address.port
                )
                return transport
        except (OSError, TimeoutError) as error:
            raise RequestFailed(f"cannot connect to {self._address}: {error}") from error

    def _start_message(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0
        self._chunks: list[bytes] = []
        self._content_encoding = ""

    def _fail(self, reason: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RequestFailed(reason))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exception: Exception | None) -> None:
        self._transport = None
        self._fail("the connection was closed before the answer was complete")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"malformed answer: {error}")

    # httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._keep_body and name.lower() == b"content-encoding":
            self._content_encoding = value.decode("ascii", "replace").lower()

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._keep_body:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        response = Response(
            status=self._parser.get_status_code(),
            size=self._size,
            body=b"".join(self._chunks),
            content_encoding=self._content_encoding,
        )
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(response)
