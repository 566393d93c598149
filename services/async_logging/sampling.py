"""How large a share of the requests is logged, by route and level."""

import re
from collections.abc import Mapping
from hashlib import blake2b

from services.async_logging.record import Level

#: `INFO`, or `/path:INFO`. Warnings and worse are not here: they are always kept.
_RULE = re.compile(r"(/[^:]*:)?(DEBUG|INFO)")

#: The share to be kept of each level that is not kept whole.
Rates = Mapping[Level, float]


def rates_of(route: str, rules: Mapping[str, float]) -> Rates:
    """For each level the route's own rule, else the level's; without a rule it is kept whole.

    Raises ValueError for a rule that names neither level, or a share beyond 0 to 1.
    """
    _check(rules)
    rates = {each: rules.get(f"{route}:{each.name}", rules.get(each.name, 1.0)) for each in Level}
    return {level: rate for level, rate in rates.items() if rate < 1}


def _check(rules: Mapping[str, float]) -> None:
    for rule, rate in rules.items():
        if not _RULE.fullmatch(rule) or not 0 <= rate <= 1:
            raise ValueError(
                f"{rule}={rate}: write LEVEL=SHARE or /path:LEVEL=SHARE; DEBUG or INFO, 0 to 1"
            )


def position(request_id: str) -> float:
    """Where a request stands between 0 and 1; kept are those below the share.

    Computed from its id and not drawn: every service and every replica that a request passes keeps
    its records or none does. (Consistent probability sampling, as OpenTelemetry calls it.)
    """
    digest = blake2b(request_id.encode("utf-8", "replace"), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48
