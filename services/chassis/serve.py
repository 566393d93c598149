"""Run an application until SIGTERM or SIGINT, then let it finish what it has begun."""

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

BACKLOG = 1024


class CannotStart(Exception):
    """The process cannot do its work; the message is one line for a person."""


def run(
    create: Callable[[Settings], web.Application], default_port: int, decode_bodies: bool = True
) -> None:
    """Serve what `create` makes of the environment's settings; exit 2 on a wrong environment.

    A proxy must not decode the bodies of requests: it passes their Content-Encoding on.
    """
    try:
        settings = load_settings()
        configure_logging(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            port = settings.port or default_port
            runner.run(serve(create(settings), settings, port, decode_bodies))
    except (InvalidSettings, CannotStart) as error:
        stop_with(error)


def stop_with(error: Exception) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the one line that a person is to read
    sys.exit(2)


def configure_logging(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


async def serve(
    application: web.Application, settings: Settings, port: int, decode_bodies: bool = True
) -> None:
    """Returns once a signal has come and requests in flight have been answered."""
    stop = _stop_event()
    runner = web.AppRunner(
        application,
        access_log=None,  # requests are counted where they are answered
        shutdown_timeout=settings.shutdown_timeout,
        auto_decompress=decode_bodies,
        # Nobody waits for the answer: what it would take is others'. Work that must be finished
        # all the same, a write above all, shields itself.
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
            f"a server it needs was out of reach for {settings.startup_timeout:g} s"
        ) from None
    except OSError as error:
        raise CannotStart(f"cannot listen on {settings.host}:{port}: {error.strerror}") from None


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop
