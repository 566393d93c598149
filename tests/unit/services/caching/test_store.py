"""Names of Redis keys, and tokens of leases.

`tests/integration/test_caching_core.py` tests the commands, with a real Redis.
"""

import pytest

from services.caching.store import MAXIMUM_CONCURRENT_COMMANDS, Namespace, _milliseconds, new_token
from services.chassis.redis_client import MAXIMUM_CONNECTIONS


def test_both_keys_of_an_item_share_the_braces_that_decide_the_cluster_node() -> None:
    namespace = Namespace("post-page", version=2)
    assert namespace.value("7") == "{post-page:2:7}:value"
    assert namespace.lease("7") == "{post-page:2:7}:lease"
    assert namespace.invalidations == "post-page:2:invalidations"


def test_tokens_are_unique_and_have_sixteen_digits() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert {len(token) for token in tokens} == {16}


@pytest.mark.parametrize(("seconds", "milliseconds"), [(1.5, 1500), (0.0001, 1), (0, 1)])
def test_a_lifetime_in_redis_is_at_least_a_millisecond(seconds: float, milliseconds: int) -> None:
    assert _milliseconds(seconds) == milliseconds


def test_commands_leave_connections_for_the_subscription_probes_and_readiness_checks() -> None:
    assert MAXIMUM_CONNECTIONS - MAXIMUM_CONCURRENT_COMMANDS >= 8
