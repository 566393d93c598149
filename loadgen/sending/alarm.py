"""To be called back at an instant, and not a millisecond beside it.

The timers of uvloop are whole milliseconds and fire up to one of them too early or too late, which
is more than many a request takes. Linux has timers in nanoseconds that are files to wait for; with
them a callback comes some 0.05 ms late, without a processor spinning until it is time.
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


class Alarm(Protocol):
    """Calls back once for each `set`, from the event loop; the last `set` is the one that holds."""

    def set(self, instant: float) -> None:
        """To `instant` on the clock of perf_counter; one that has passed rings at once."""

    def close(self) -> None: ...


def create_alarm(ring: Callable[[], None]) -> Alarm:
    """The most exact that this system has; to be called, and closed, in a running event loop."""
    return TimerFile(ring) if sys.platform == "linux" else LoopTimer(ring)


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Time), ("value", _Time))


class TimerFile:
    """timerfd_create(2), which Python itself offers from 3.13 on only.

    perf_counter is CLOCK_MONOTONIC here, so that an instant needs no conversion.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._library = ctypes.CDLL(None, use_errno=True)
        self._file = self._library.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._expired)

    def set(self, instant: float) -> None:
        # Zero would not ring at all.
        nanoseconds = max(1, int(instant * _NANOSECONDS))
        setting = _Setting(_Time(0, 0), _Time(*divmod(nanoseconds, _NANOSECONDS)))
        self._library.timerfd_settime(self._file, _TIMER_ABSOLUTE, ctypes.byref(setting), None)

    def close(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _expired(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # set anew since it expired: not yet
            return
        self._ring()


class LoopTimer:
    """The event loop's own timer, for systems that have nothing better."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._instant = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def set(self, instant: float) -> None:
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
            self.set(self._instant)
        else:
            self._ring()
