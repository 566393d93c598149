"""Timers that call back at an exact instant.

The timers of uvloop have a resolution of 1 ms and fire up to 1 ms early or late, which is longer
than many requests take. On Linux, timerfd has a resolution of 1 ns: a callback comes about 0.05 ms
late, without busy waiting.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

_CLOCK_MONOTONIC = 1
_TIMER_ABSOLUTE = 1
_NANOSECONDS = 1_000_000_000


class PreciseTimer(Protocol):
    """Calls its callback from the event loop, once for each `schedule`."""

    def schedule(self, instant: float) -> None:
        """Fire at `instant` of perf_counter, at once if it has passed.

        A second call before that replaces the first.
        """

    def close(self) -> None: ...


def create_timer(callback: Callable[[], None]) -> PreciseTimer:
    """The most precise timer of this system. Create and close it in a running event loop."""
    return TimerfdTimer(callback) if sys.platform == "linux" else EventLoopTimer(callback)


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Time), ("value", _Time))


class TimerfdTimer:
    """A timer of timerfd_create(2), through ctypes: Python offers it only from 3.13 on.

    On Linux, perf_counter reads CLOCK_MONOTONIC, so an instant needs no conversion.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._library = ctypes.CDLL(None, use_errno=True)
        self._file = self._library.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._expired)

    def schedule(self, instant: float) -> None:
        # Zero would disarm the timer.
        nanoseconds = max(1, int(instant * _NANOSECONDS))
        setting = _Setting(_Time(0, 0), _Time(*divmod(nanoseconds, _NANOSECONDS)))
        self._library.timerfd_settime(self._file, _TIMER_ABSOLUTE, ctypes.byref(setting), None)

    def close(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _expired(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # scheduled again after it expired
            return
        self._callback()


class EventLoopTimer:
    """The event loop's own timer, for systems without timerfd."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._instant = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def schedule(self, instant: float) -> None:
        self.close()
        self._instant = instant
        delay = max(0.0, instant - perf_counter())
        self._handle = self._loop.call_later(delay, self._expired)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _expired(self) -> None:
        if perf_counter() < self._instant:
            self.schedule(self._instant)
        else:
            self._callback()
