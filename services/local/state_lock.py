"""The lock on a state directory: only one lab at a time may use the directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another lab uses this state directory. The message is one line for the user."""


@contextmanager
def state_lock(state: Path) -> Iterator[None]:
    """Lock the directory for this process. Raises AlreadyRunning if another process holds the lock.

    The kernel releases the lock when the process ends, even after a SIGKILL.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"a lab is running already in {state} (process {holder}); stop it first,"
                " or set LAB_STATE_DIRECTORY to another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
