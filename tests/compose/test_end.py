"""`down --volumes` removes everything, and the next lab has other passwords."""

import pytest

from tests.compose.lab import Lab, leftovers
from tests.compose.test_start import SERVERS


@pytest.fixture(scope="module")
def password(lab: Lab) -> str:
    return lab.password()


def test_down_with_volumes_removes_everything(lab: Lab, password: str) -> None:
    lab.compose("down", "--volumes")
    assert list(leftovers(lab.project)) == []


def test_the_minimal_profile_starts_without_monitoring_and_with_a_new_password(
    lab: Lab, password: str
) -> None:
    lab.compose("--profile", "minimal", "up", "--detach", "--wait")
    assert lab.running().keys() == SERVERS - {"prometheus", "grafana"}
    assert lab.get("/caching/optimized").status == 200
    assert lab.password() != password


def test_down_without_a_profile_also_stops_the_minimal_profile(lab: Lab) -> None:
    lab.compose("down", "--volumes")
    assert list(leftovers(lab.project)) == []
