"""The drain deadline that all writers share at shutdown."""

import logging

import pytest
from aiohttp import web

from services.async_logging.drain_deadline import DRAIN, MINIMUM_SECONDS, DrainDeadline, drain
from tests.clock import Clock


class Writer:
    """Loses `lost` records, and keeps the timeout with which it was closed."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        self.timeout = 0.0

    async def close(self, timeout: float) -> int:
        self.timeout = timeout
        return self.lost


def test_the_deadline_begins_with_the_first_call_and_never_falls_below_the_minimum() -> None:
    clock = Clock(100.0)
    deadline = DrainDeadline(3.0, clock)
    clock.now = 200.0
    assert deadline.seconds_left() == 3.0
    clock.now = 202.0
    assert deadline.seconds_left() == 1.0
    clock.now = 300.0
    assert deadline.seconds_left() == MINIMUM_SECONDS


async def test_drain_logs_how_many_records_all_writers_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    application = web.Application()
    application[DRAIN] = DrainDeadline(3.0, Clock())
    writers = [Writer(2), Writer(0), Writer(5)]
    await drain(application, "optimized", writers)
    assert [each.timeout for each in writers] == [3.0] * 3
    (logged,) = caplog.records
    assert logged.levelno == logging.ERROR
    assert logged.getMessage().startswith("optimized: 7 accepted log records were not written")


async def test_drain_logs_nothing_if_no_record_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    application = web.Application()
    application[DRAIN] = DrainDeadline(3.0, Clock())
    await drain(application, "optimized", [Writer(0)])
    assert caplog.records == []
