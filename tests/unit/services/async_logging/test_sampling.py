"""Sampling: shares by route and level, and a position that depends only on the request id."""

import pytest

from services.async_logging.log_record import Level
from services.async_logging.sampling import sampling_position, shares_of_route
from services.settings import InvalidSettings, load_settings


def test_without_rules_all_records_are_kept() -> None:
    assert shares_of_route("/a", {}) == shares_of_route("/a", {"INFO": 1.0}) == {}


def test_a_rule_for_the_route_wins_over_a_rule_for_the_level() -> None:
    rules = {"INFO": 0.5, "DEBUG": 0.0, "/a:INFO": 0.1}
    assert shares_of_route("/a", rules) == {Level.DEBUG: 0.0, Level.INFO: 0.1}
    assert shares_of_route("/b", rules) == {Level.DEBUG: 0.0, Level.INFO: 0.5}


@pytest.mark.parametrize(
    ("rule", "share"),
    [("WARNING", 0.5), ("info", 0.5), ("a:INFO", 0.5), ("INFO", 1.1), ("INFO", float("nan"))],
)
def test_an_invalid_rule_is_refused(rule: str, share: float) -> None:
    with pytest.raises(ValueError, match=rule):
        shares_of_route("/a", {rule: share})


def test_positions_are_uniform_and_depend_only_on_the_request_id() -> None:
    ids = [f"{'ab' * 8}{number:016x}" for number in range(20_000)]
    positions = [sampling_position(each) for each in ids]
    assert positions == [sampling_position(each) for each in ids]
    for share in (0.1, 0.5, 0.9):
        kept = sum(each < share for each in positions) / len(ids)
        assert kept == pytest.approx(share, abs=0.015)
    assert 0 <= min(positions) < max(positions) < 1


def test_the_environment_sets_sampling_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_LOG_SAMPLING", "INFO=0.1, /a:DEBUG=0")
    assert load_settings().log_sampling == {"INFO": 0.1, "/a:DEBUG": 0.0}


@pytest.mark.parametrize("rules", ["WARNING=0.5", "INFO=2", "INFO=some", "a:INFO=1", "INFO"])
def test_an_invalid_rule_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    monkeypatch.setenv("LAB_LOG_SAMPLING", rules)
    with pytest.raises(InvalidSettings, match=r"^LAB_LOG_SAMPLING: [^\n]*$"):
        load_settings()
