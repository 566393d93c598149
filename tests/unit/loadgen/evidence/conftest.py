"""A folder with a bundle."""

from pathlib import Path

import pytest

from loadgen.evidence.bundle_writer import write_bundle
from tests.unit.loadgen.evidence.bundles import WHOLE


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    write_bundle(folder, WHOLE)
    return folder
