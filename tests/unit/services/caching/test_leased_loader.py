"""The random parts of loading: jitter of lifetimes and pauses between retries.

`tests/integration/test_caching_core.py` tests leases and storing, with a real Redis.
"""

from itertools import islice

import pytest

from services.caching.leased_loader import retry_pauses, with_jitter


@pytest.fixture(params=[0.0, 0.5])
def draw(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Fixes every random draw."""
    monkeypatch.setattr("services.caching.leased_loader.random.random", lambda: request.param)
    return float(request.param)


def test_jitter_shortens_a_lifetime_by_at_most_a_tenth(draw: float) -> None:
    assert with_jitter(60) == pytest.approx(60 - 6 * draw)


def test_retry_pauses_grow_from_one_to_thirty_milliseconds(draw: float) -> None:
    pauses = list(islice(retry_pauses(), 20))
    share = 0.5 + draw / 2
    assert pauses[:3] == pytest.approx([0.002 * share, 0.003 * share, 0.0045 * share])
    assert pauses[-2:] == pytest.approx([0.03 * share] * 2)
