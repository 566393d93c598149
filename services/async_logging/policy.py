"""What happens to a record when the queue is full, or nearly."""

from dataclasses import dataclass

#: The share of the queue that only warnings and worse may fill, where they come first.
RESERVE = 0.2


@dataclass(frozen=True, slots=True)
class Policy:
    """`reserve`: the share of the queue kept for warnings and worse. `wait`: for how many seconds,
    at most, a request that is about to end waits for room."""

    reserve: float = 0.0
    wait: float = 0.0


def policy_named(name: str, wait: float) -> Policy:
    """Raises KeyError for any name but these.

    `drop`: the newest is dropped. `shed`: what is below a warning is dropped at 80 % already.
    `block`: the request waits `wait` seconds, then the newest is dropped.
    """
    return {"drop": Policy(), "shed": Policy(reserve=RESERVE), "block": Policy(wait=wait)}[name]
