"""The end of a lab leaves nothing behind, and the next one shares no secret with it."""

import pytest

from tests.compose.lab import Lab, leftovers
from tests.compose.test_start import SERVERS


@pytest.fixture(scope="module")
def password(lab: Lab) -> str:
    return lab.password()


def test_down_with_volumes_leaves_nothing(lab: Lab, password: str) -> None:
    lab.compose("down", "--volumes")
    assert list(leftovers(lab.project)) == []


def test_the_minimal_profile_starts_all_but_monitoring_with_another_password(
    lab: Lab, password: str
) -> None:
    lab.compose("--profile", "minimal", "up", "--detach", "--wait")
    assert lab.running().keys() == SERVERS - {"prometheus", "grafana"}
    assert lab.get("/caching/optimized").status == 200
    assert lab.password() != password


def test_down_without_a_profile_ends_the_minimal_one_too(lab: Lab) -> None:
    lab.compose("down", "--volumes")
    assert list(leftovers(lab.project)) == []
