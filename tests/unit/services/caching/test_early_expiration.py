"""Who refreshes early: likelier near the expiry, and for what takes long to load."""

from random import Random

from services.caching.early_expiration import is_due


def share(left: float, seconds: float) -> float:
    """Of readers that refresh so many seconds before the expiry."""
    random = Random(1)
    return sum(is_due(100 - left, 100, seconds, random.random()) for _ in range(20_000)) / 20_000


def test_an_expired_value_is_always_due() -> None:
    assert share(0, 0.001) == share(-1, 0.001) == 1


def test_as_many_are_early_as_the_paper_says() -> None:
    # P(-seconds · ln(u) ≥ left) = exp(-left / seconds)
    assert abs(share(1, 1) - 0.368) < 0.01
    assert abs(share(2, 1) - 0.135) < 0.01
    assert share(60, 0.01) == 0
