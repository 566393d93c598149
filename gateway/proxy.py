"""Passes a request on and its answer back, streamed both ways and never decoded."""

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

from gateway.headers import end_to_end, has_body, towards_upstream
from gateway.replicas import Replicas
from services.chassis.application import SETTINGS
from services.chassis.context import REQUEST_ID
from services.chassis.errors import DependencyUnavailable

_CONNECT_SECONDS = 1.0
#: More than any one service is asked at a time; what is above waits for its turn.
_CONNECTIONS = 1024
#: A body up to this length is read whole, and sent in one write together with its headers.
_SHORT_BYTES = 64 * 1024
#: No connection was made, so nothing has been sent and any method may be tried elsewhere. Where the
#: client first found a connection that it had kept dead, it opens a new one only for a request that
#: may be sent twice and of whose body nothing has been read.
_REFUSED = (ClientConnectorError, ConnectionTimeoutError)

SESSION = web.AppKey("session", ClientSession)


async def open_session(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context: one client for all upstreams, with connections kept alive."""
    timeout = ClientTimeout(
        total=None,
        sock_connect=_CONNECT_SECONDS,
        sock_read=application[SETTINGS].request_timeout,
    )
    async with ClientSession(
        connector=TCPConnector(limit=_CONNECTIONS),
        cookie_jar=DummyCookieJar(),
        timeout=timeout,
        # Else the body would be decompressed here, and the compression technique with it.
        auto_decompress=False,
        skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
    ) as session:
        application[SESSION] = session
        yield


def proxy_to(name: str, replicas: Replicas, tried_another: Callable[[], None]) -> Handler:
    """A handler that asks an upstream's next replica for the same path.

    A replica that refuses the connection is passed over for the one after it, and the hook called.
    It raises DependencyUnavailable when all do or one breaks off, TimeoutError when one does not
    answer in time. Where the client has been sent a part of the body by then, its connection is
    broken off: half a body must not pass for a whole one.
    """

    async def proxy(request: web.Request) -> web.StreamResponse:
        try:
            async with await _ask(request, name, replicas, tried_another) as upstream:
                return await _pass_back(request, upstream)
        except SocketTimeoutError:
            raise
        except ClientError as error:
            raise DependencyUnavailable(name) from error

    return proxy


async def _ask(
    request: web.Request, name: str, replicas: Replicas, tried_another: Callable[[], None]
) -> ClientResponse:
    headers = towards_upstream(
        request.headers, request.remote or "unknown", request.scheme, REQUEST_ID.get()
    )
    # As if its name had been asked: the replica need not know by which address it was found.
    headers[hdrs.HOST] = replicas.host
    refused = False
    for base in replicas.in_turn():
        if refused:
            tried_another()
        try:
            return await _send(request, base, headers)
        except _REFUSED:
            refused = True
    raise DependencyUnavailable(name)


def _send(request: web.Request, base: str, headers: CIMultiDict[str]) -> Awaitable[ClientResponse]:
    return request.app[SESSION].request(
        request.method,
        # The path and the query exactly as they came: parsing them again would rewrite them. Not
        # from request.raw_path, which is a whole address when the client sent one.
        URL(base + request.rel_url.raw_path_qs, encoded=True),
        headers=headers,
        data=request.content if has_body(request.headers) else None,
        allow_redirects=False,
    )


async def _pass_back(request: web.Request, upstream: ClientResponse) -> web.StreamResponse:
    status, reason = upstream.status, upstream.reason
    headers = end_to_end(upstream.headers)
    headers["X-Request-ID"] = REQUEST_ID.get()
    if int(headers.get(hdrs.CONTENT_LENGTH, _SHORT_BYTES + 1)) > _SHORT_BYTES:
        stream = web.StreamResponse(status=status, reason=reason, headers=headers)
        await _stream(request, upstream.content, stream)
        return stream
    body = await upstream.read()
    response = web.Response(status=status, reason=reason, headers=headers, body=body)
    with suppress(ConnectionError):  # the client has gone
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
        return  # the client has gone: writing raises this, reading never does
