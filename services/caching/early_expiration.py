"""When to refresh a value before it expires, so that its readers never meet an expired one.

Each reader decides alone, by a draw that becomes likelier the nearer the expiry is and the longer a
load takes, so that on average one reader does it in time and no crowd does.
Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB
2015, where it is called XFetch; its beta is 1, their recommendation.
"""

from math import log


def is_due(now: float, expires: float, seconds: float, draw: float) -> bool:
    """Whether a reader refreshes now. `seconds` is the load's; `draw` is from [0, 1)."""
    return now - seconds * log(1 - draw) >= expires
