"""The catalog: all techniques, in the order in which documents and reports show them.

contract.py defines what a technique is; each folder's technique.py declares one.
"""

from services.async_logging.technique import TECHNIQUE as ASYNC_LOGGING
from services.avoiding_n_plus_one.technique import TECHNIQUE as N_PLUS_ONE
from services.caching.technique import TECHNIQUE as CACHING
from services.compression.technique import TECHNIQUE as COMPRESSION
from services.connection_pooling.technique import TECHNIQUE as CONNECTION_POOLING
from services.contract import Technique
from services.json_serialization.technique import TECHNIQUE as JSON_SERIALIZATION
from services.pagination.technique import TECHNIQUE as PAGINATION

TECHNIQUES: tuple[Technique, ...] = (
    CACHING,
    CONNECTION_POOLING,
    N_PLUS_ONE,
    PAGINATION,
    JSON_SERIALIZATION,
    COMPRESSION,
    ASYNC_LOGGING,
)

BY_NAME: dict[str, Technique] = {technique.name: technique for technique in TECHNIQUES}


def upstreams(overrides: dict[str, str]) -> dict[str, str]:
    """The base address of each technique's service, by technique name.

    Without an override, this is the technique's default port on this machine. Raises ValueError
    when an override names an unknown technique.
    """
    unknown = sorted(overrides.keys() - BY_NAME.keys())
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a technique; use one of {', '.join(BY_NAME)}")
    defaults = {each.name: f"http://127.0.0.1:{each.port}" for each in TECHNIQUES}
    return defaults | {name: address.rstrip("/") for name, address in overrides.items()}
