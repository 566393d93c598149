"""The first start: settings are checked, and missing password files are created."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.first_start import ensure_password, prepare


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tmp_path / "database", tmp_path / "grafana"]


def test_each_password_is_long_random_and_readable_by_every_user(files: list[Path]) -> None:
    prepare(files)
    passwords = {file.read_text("ascii") for file in files}
    assert len(passwords) == len(files)
    for password in passwords:
        assert len(password) >= 32
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o444


def test_an_existing_password_is_kept(files: list[Path]) -> None:
    prepare(files[:1])
    before = files[0].read_text("ascii")
    prepare(files)
    assert files[0].read_text("ascii") == before


def test_processes_that_start_at_once_read_the_same_password(tmp_path: Path) -> None:
    def start(file: Path) -> str:
        ensure_password(file)
        return file.read_text("ascii")

    for number in range(20):
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(start, [tmp_path / str(number)] * 8))) == 1


def test_no_temporary_file_is_left(files: list[Path], tmp_path: Path) -> None:
    prepare(files)
    prepare(files)
    assert sorted(tmp_path.iterdir()) == files


def test_a_wrong_setting_exits_with_one_line_and_creates_no_file(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_DATASET_SIZE", "huge")
    with pytest.raises(SystemExit) as stopped:
        prepare(files)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: LAB_DATASET_SIZE: ")
    assert not any(file.exists() for file in files)


def test_a_missing_folder_exits_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        prepare([tmp_path / "nowhere" / "database"])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot write a password file: ")
