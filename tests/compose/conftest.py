"""One lab for all tests of this folder, from its cold start to its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.lab import Lab, engine_answers

PROJECT = "api-performance-lab-test"
FOLDER = Path(__file__).parent
#: The order of the modules, from cold start to end. All but the last leave the lab as it was.
ORDER = (
    *("test_wrong_settings", "test_start", "test_traffic", "test_statements"),
    *("test_outages", "test_scaling", "test_end"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.parent == FOLDER]
    for item in ours:
        # The first test waits until the image is built.
        item.add_marker(pytest.mark.timeout(600))
    places = [index for index, item in enumerate(items) if item.path.parent == FOLDER]
    ours.sort(key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if not engine_answers():
        pytest.skip(
            "no container engine answers `docker info`: install Docker 25 with compose 2.24"
        )


@pytest.fixture(scope="session")
def lab(engine: None) -> Iterator[Lab]:
    """A lab from a cold start: no container, no volume and no image existed before."""
    lab = Lab(PROJECT)
    lab.down()
    try:
        lab.up()
        yield lab
    finally:
        lab.down()
