"""Sampling of log records: which share of the requests is logged, by route and level.

`request_log.py` applies the shares to the records of one request.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from services.async_logging.log_record import Level

#: `INFO` or `/path:INFO`. Other levels are refused: warnings and errors are always kept.
_RULE = re.compile(r"(/[^:]*:)?(DEBUG|INFO)")

#: Share of the requests, 0 to 1, by level. A level that is missing is always kept.
Shares = Mapping[Level, float]


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """The shares of requests to keep. Requests that take `slow_seconds` or longer are all kept."""

    shares: Shares
    slow_seconds: float


def shares_of_route(route: str, rules: Mapping[str, float]) -> Shares:
    """The shares of this route. A rule for the route and level wins over a rule for the level.

    Raises ValueError for a rule without a valid level, or a share outside 0 to 1.
    """
    _check(rules)
    shares = {each: rules.get(f"{route}:{each.name}", rules.get(each.name)) for each in Level}
    return {level: share for level, share in shares.items() if share is not None and share < 1}


def _check(rules: Mapping[str, float]) -> None:
    for rule, share in rules.items():
        if not _RULE.fullmatch(rule) or not 0 <= share <= 1:
            raise ValueError(
                f"{rule}={share} is not a sampling rule; write LEVEL=SHARE or /path:LEVEL=SHARE"
                " with the level DEBUG or INFO and a share from 0 to 1"
            )


def sampling_position(request_id: str) -> float:
    """The request's position from 0 to below 1. A request is kept if its position is below a share.

    The position is a hash of the id and not a random number. Therefore all services and replicas
    that handle a request make the same choice. OpenTelemetry calls this consistent probability
    sampling.
    """
    digest = blake2b(request_id.encode("utf-8", "replace"), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48
