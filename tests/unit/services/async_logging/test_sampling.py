"""Which share is kept: rules by route and level, and the same answer everywhere for a request."""

import pytest

from services.async_logging.record import Level
from services.async_logging.sampling import position, rates_of
from services.settings import InvalidSettings, load_settings


def test_without_rules_everything_is_kept() -> None:
    assert rates_of("/a", {}) == rates_of("/a", {"INFO": 1.0}) == {}


def test_the_rule_of_a_route_comes_before_that_of_the_level() -> None:
    rules = {"INFO": 0.5, "DEBUG": 0.0, "/a:INFO": 0.1}
    assert rates_of("/a", rules) == {Level.DEBUG: 0.0, Level.INFO: 0.1}
    assert rates_of("/b", rules) == {Level.DEBUG: 0.0, Level.INFO: 0.5}


@pytest.mark.parametrize(
    ("rule", "rate"),
    [("WARNING", 0.5), ("info", 0.5), ("a:INFO", 0.5), ("INFO", 1.1), ("INFO", float("nan"))],
)
def test_a_wrong_rule_is_refused(rule: str, rate: float) -> None:
    with pytest.raises(ValueError, match=rule):
        rates_of("/a", {rule: rate})


def test_positions_are_spread_evenly_and_depend_on_the_id_alone() -> None:
    ids = [f"{'ab' * 8}{number:016x}" for number in range(20_000)]
    positions = [position(each) for each in ids]
    assert positions == [position(each) for each in ids]
    for share in (0.1, 0.5, 0.9):
        kept = sum(each < share for each in positions) / len(ids)
        assert kept == pytest.approx(share, abs=0.015)
    assert 0 <= min(positions) < max(positions) < 1


def test_the_environment_names_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_LOG_SAMPLING", "INFO=0.1, /a:DEBUG=0")
    assert load_settings().log_sampling == {"INFO": 0.1, "/a:DEBUG": 0.0}


@pytest.mark.parametrize("rules", ["WARNING=0.5", "INFO=2", "INFO=some", "a:INFO=1", "INFO"])
def test_the_environment_is_refused_where_it_names_none(
    monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    monkeypatch.setenv("LAB_LOG_SAMPLING", rules)
    with pytest.raises(InvalidSettings, match=r"^LAB_LOG_SAMPLING: [^\n]*$"):
        load_settings()
