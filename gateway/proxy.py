"""Passes a request on and its answer back, streamed both ways and never decoded."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    SocketTimeoutError,
    StreamReader,
    TCPConnector,
    hdrs,
    web,
)
from aiohttp.typedefs import Handler
from yarl import URL

from gateway.headers import end_to_end, has_body, towards_upstream
from services.chassis.application import SETTINGS
from services.chassis.context import REQUEST_ID
from services.chassis.errors import DependencyUnavailable
from services.chassis.health import Check

_CONNECT_SECONDS = 1.0
#: More than any one service is asked at a time; what is above waits for its turn.
_CONNECTIONS = 1024
#: A body up to this length is read whole, and sent in one write together with its headers.
_SHORT_BYTES = 64 * 1024

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


def proxy_to(name: str, base: str) -> Handler:
    """A handler that asks the upstream at `base` for the same path.

    It raises DependencyUnavailable when the upstream cannot be asked or breaks off, TimeoutError
    when it does not answer in time. Where the client has been sent a part of the body by then, its
    connection is broken off: half a body must not pass for a whole one.
    """

    async def proxy(request: web.Request) -> web.StreamResponse:
        try:
            async with _ask(request, base) as upstream:
                return await _pass_back(request, upstream)
        except SocketTimeoutError:
            raise
        except ClientError as error:
            raise DependencyUnavailable(name) from error

    return proxy


def ready_at(session: ClientSession, base: str) -> Check:
    """A check that the upstream and all that it needs is there."""

    async def check() -> None:
        async with session.get(f"{base}/readyz") as response:
            response.raise_for_status()

    return check


def _ask(request: web.Request, base: str) -> AbstractAsyncContextManager[ClientResponse]:
    headers = towards_upstream(
        request.headers, request.remote or "unknown", request.scheme, REQUEST_ID.get()
    )
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
