"""Runs an application until SIGTERM or SIGINT, then finishes the requests in flight.

application.py creates the application.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import uvloop
from aiohttp import web

from services.settings import InvalidSettings, Settings, load_settings

logger = logging.getLogger(__name__)

#: Maximum number of connections that wait in the kernel until the server accepts them.
BACKLOG = 1024


class CannotStart(Exception):
    """The process cannot start. The message is one line for the user."""


def run(
    create: Callable[[Settings], web.Application], default_port: int, decode_bodies: bool = True
) -> None:
    """Create an application from the settings and serve it; exit with 2 if that is impossible.

    `decode_bodies` decompresses request bodies. A proxy must set it to False, because it forwards
    bodies together with their Content-Encoding.
    """
    try:
        settings = load_settings()
        configure_logging(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            port = settings.port or default_port
            runner.run(serve(create(settings), settings, port, decode_bodies))
    except (InvalidSettings, CannotStart) as error:
        exit_with_error(error)


def exit_with_error(error: Exception) -> NoReturn:
    """Print the error as one line on stderr and exit with code 2."""
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a message to the user
    sys.exit(2)


def configure_logging(settings: Settings) -> None:
    """Log messages of LAB_LOG_LEVEL and above to stderr."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


async def serve(
    application: web.Application, settings: Settings, port: int, decode_bodies: bool = True
) -> None:
    """Serve until a signal arrives and the requests in flight are answered. Raises CannotStart."""
    stop = _stop_event()
    runner = web.AppRunner(
        application,
        access_log=None,  # handler_wrapper.py counts requests
        shutdown_timeout=settings.shutdown_timeout,
        auto_decompress=decode_bodies,
        # Cancel the handler when its client disconnects; other requests need the resources. Work
        # that must be finished, such as a write, has to use asyncio.shield.
        handler_cancellation=True,
    )
    try:
        await _start(runner, settings, port)
        logger.info("listening on http://%s:%d", settings.host, port)
        await stop.wait()
        logger.info("stopping")
    finally:
        await runner.cleanup()


async def _start(runner: web.AppRunner, settings: Settings, port: int) -> None:
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.host, port, backlog=BACKLOG).start()
    except TimeoutError:
        raise CannotStart(
            "a server that the process needs cannot be reached; LAB_STARTUP_TIMEOUT"
            f" ({settings.startup_timeout:g} s) limits the wait"
        ) from None
    except OSError as error:
        raise CannotStart(
            f"cannot listen on {settings.host}:{port}: {error.strerror}; LAB_PORT sets the port"
        ) from None


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop
