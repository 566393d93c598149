"""Forwards requests to a service and responses to the client, without decoding the bodies.

Request bodies and long response bodies are streamed. headers.py chooses the forwarded headers,
replicas.py the order in which replicas are tried.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    SocketTimeoutError,
    StreamReader,
    TCPConnector,
    hdrs,
    web,
)
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from yarl import URL

from gateway.headers import end_to_end, has_body, upstream_headers
from gateway.replicas import Replicas
from services.chassis.application import SETTINGS
from services.chassis.errors import DependencyUnavailable
from services.chassis.request_context import REQUEST_ID

_CONNECT_SECONDS = 1.0
#: Open connections to all services together. Requests beyond this number wait for a connection.
_CONNECTIONS = 1024
#: Response bodies up to this length are read completely, and sent with the headers in one write.
_SHORT_BYTES = 64 * 1024
#: Errors before a connection exists. Nothing has been sent, so any method may be tried on another
#: replica. After a stale keep-alive connection, aiohttp reconnects only if the request is
#: idempotent and its body has not been read.
_REFUSED = (ClientConnectorError, ConnectionTimeoutError)

SESSION = web.AppKey("session", ClientSession)


async def open_session(application: web.Application) -> AsyncIterator[None]:
    """Cleanup context: one HTTP client for all services, with keep-alive connections."""
    timeout = ClientTimeout(
        total=None,
        sock_connect=_CONNECT_SECONDS,
        sock_read=application[SETTINGS].request_timeout,
    )
    async with ClientSession(
        connector=TCPConnector(limit=_CONNECTIONS),
        cookie_jar=DummyCookieJar(),
        timeout=timeout,
        # Decompressing bodies here would undo the compression technique.
        auto_decompress=False,
        skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
    ) as session:
        application[SESSION] = session
        yield


def proxy_to(name: str, replicas: Replicas, on_retry: Callable[[], None]) -> Handler:
    """A handler that forwards each request to the next replica of the service `name`.

    When a replica refuses the connection, the handler calls `on_retry` and tries the next replica.
    It raises DependencyUnavailable when all replicas refuse or a connection breaks. It raises
    TimeoutError when a replica does not answer in time.

    If the client already has a part of the body, the chassis then aborts the client's connection.
    Otherwise the client could take a part of the body for the whole body.
    """

    async def proxy(request: web.Request) -> web.StreamResponse:
        try:
            async with await _send_to_any(request, name, replicas, on_retry) as upstream:
                return await _forward_response(request, upstream)
        except SocketTimeoutError:
            raise
        except ClientError as error:
            raise DependencyUnavailable(name) from error

    return proxy


async def _send_to_any(
    request: web.Request, name: str, replicas: Replicas, on_retry: Callable[[], None]
) -> ClientResponse:
    headers = upstream_headers(
        request.headers, request.remote or "unknown", request.scheme, REQUEST_ID.get()
    )
    # The Host header has the service's name, not the address to which the name resolved.
    headers[hdrs.HOST] = replicas.host
    refused = False
    for base in replicas.next_order():
        if refused:
            on_retry()
        try:
            return await _send(request, base, headers)
        except _REFUSED:
            refused = True
    raise DependencyUnavailable(name)


def _send(request: web.Request, base: str, headers: CIMultiDict[str]) -> Awaitable[ClientResponse]:
    return request.app[SESSION].request(
        request.method,
        # The unparsed path and query; parsing and encoding them again would change them.
        # request.raw_path would be wrong when the client sent an absolute address.
        URL(base + request.rel_url.raw_path_qs, encoded=True),
        headers=headers,
        data=request.content if has_body(request.headers) else None,
        allow_redirects=False,
    )


async def _forward_response(request: web.Request, upstream: ClientResponse) -> web.StreamResponse:
    status, reason = upstream.status, upstream.reason
    headers = end_to_end(upstream.headers)
    headers["X-Request-ID"] = REQUEST_ID.get()
    if int(headers.get(hdrs.CONTENT_LENGTH, _SHORT_BYTES + 1)) > _SHORT_BYTES:
        stream = web.StreamResponse(status=status, reason=reason, headers=headers)
        await _stream(request, upstream.content, stream)
        return stream
    body = await upstream.read()
    response = web.Response(status=status, reason=reason, headers=headers, body=body)
    with suppress(ConnectionError):  # the client disconnected
        await response.prepare(request)
        await response.write_eof()
    return response


async def _stream(
    request: web.Request, content: StreamReader, response: web.StreamResponse
) -> None:
    try:
        await response.prepare(request)
        while chunk := await content.readany():
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        return  # the client disconnected; only writing raises this, never reading
