"""Which techniques exist, in the order of telling."""

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
    """Base address by technique: this machine's default port unless overridden.

    Raises ValueError when an override names no technique.
    """
    unknown = sorted(overrides.keys() - BY_NAME.keys())
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no technique; there are {', '.join(BY_NAME)}")
    defaults = {each.name: f"http://127.0.0.1:{each.port}" for each in TECHNIQUES}
    return defaults | {name: address.rstrip("/") for name, address in overrides.items()}
