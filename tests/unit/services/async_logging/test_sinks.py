"""Sinks: files of bounded size, and writes that succeed as a whole or leave nothing."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.async_logging import sinks
from services.async_logging.sinks import RotatingFile, Stream, record_file_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.log"


@pytest.fixture
def file(path: Path) -> Iterator[RotatingFile]:
    """A file of at most ten bytes."""
    file = RotatingFile(path, maximum_bytes=10)
    yield file
    file.close()


def file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_text_is_in_the_file_when_write_returns(file: RotatingFile, path: Path) -> None:
    file.write(b"1\n")
    assert path.read_bytes() == b"1\n"
    file.write(b"2\n")
    assert path.read_bytes() == b"1\n2\n"


def test_text_of_an_existing_file_stays_and_counts_towards_its_size(
    file: RotatingFile, path: Path
) -> None:
    path.write_bytes(b"1234567\n")
    file.write(b"9\n")
    assert path.read_bytes() == b"1234567\n9\n"


def test_a_file_that_is_full_at_the_start_is_rotated(file: RotatingFile, path: Path) -> None:
    path.write_bytes(b"123456789\n")
    file.write(b"0\n")
    assert path.with_name("records.log.1").read_bytes() == b"123456789\n"
    assert path.read_bytes() == b"0\n"


def test_at_most_two_files_exist_and_neither_exceeds_the_bound(
    file: RotatingFile, path: Path
) -> None:
    for number in range(100):
        file.write(b"%03d\n" % number)
        assert all(each.stat().st_size <= 10 for each in path.parent.iterdir())
    assert file_names(path.parent) == {"records.log", "records.log.1"}
    assert (
        path.with_name("records.log.1").read_bytes() + path.read_bytes() == b"096\n097\n098\n099\n"
    )


def test_one_write_above_the_bound_gets_its_own_file(file: RotatingFile, path: Path) -> None:
    file.write(b"1\n")
    file.write(b"long enough for itself\n")
    assert path.read_bytes() == b"long enough for itself\n"


def test_a_file_is_created_only_by_the_first_write(file: RotatingFile, path: Path) -> None:
    file.close()
    assert file_names(path.parent) == set()


def test_a_write_succeeds_once_the_missing_folder_exists(tmp_path: Path) -> None:
    path = tmp_path / "late" / "records.log"
    file = RotatingFile(path, maximum_bytes=10)
    with pytest.raises(FileNotFoundError):
        file.write(b"1\n")
    path.parent.mkdir()
    file.write(b"2\n")
    file.close()
    assert path.read_bytes() == b"2\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full exists only on Linux")
def test_a_failed_write_raises() -> None:
    file = RotatingFile(Path("/dev/full"), maximum_bytes=10)
    with pytest.raises(OSError, match="No space left"):
        file.write(b"1\n")
    file.close()


def test_a_write_that_fails_halfway_leaves_nothing_in_the_file(
    file: RotatingFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(b"1\n")

    def half(descriptor: int, text: bytes) -> None:
        os.write(descriptor, text[: len(text) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sinks, "write_all", half)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"2222\n")
    file.write(b"3\n")
    assert path.read_bytes() == b"1\n3\n"


def test_a_durable_write_is_synced_before_it_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        synced.append(path.read_bytes())

    monkeypatch.setattr(os, "fsync", fsync)
    file = RotatingFile(path, maximum_bytes=10, durable=True)
    file.write(b"1\n")
    assert synced == [b"", b"1\n"]  # first the folder, then the file
    file.write(b"2\n")
    assert synced[2:] == [b"1\n2\n"]
    file.close()


def test_a_write_to_a_non_blocking_pipe_waits_for_the_reader() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = b"a line\n" * 100_000
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(Stream(writer).write, text)
        read = b""
        while len(read) < len(text):
            read += os.read(reader, 65_536)
        writing.result()
    assert read == text
    os.close(reader)
    os.close(writer)


def test_a_write_to_a_pipe_without_reader_raises() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = Stream(writer)
    with pytest.raises(BrokenPipeError):
        stream.write(b"1\n")
    stream.close()
    os.close(writer)  # still open: the stream does not own it


def test_a_full_file_takes_text_up_to_its_last_byte(file: RotatingFile, path: Path) -> None:
    file.write(b"1234567\n")
    file.write(b"9\n")
    assert file_names(path.parent) == {"records.log"}
    file.write(b"0\n")
    assert path.read_bytes() == b"0\n"


def test_other_users_cannot_read_the_file(file: RotatingFile, path: Path) -> None:
    file.write(b"1\n")
    assert path.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("sink", "name"), [("file", "records-naive.log"), ("fsync", "records-naive-fsync.log")]
)
def test_each_variant_and_sink_has_its_own_file(tmp_path: Path, sink: str, name: str) -> None:
    assert record_file_path(tmp_path, "naive", sink) == tmp_path / name


def test_a_pipe_is_never_rotated(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = RotatingFile(path, maximum_bytes=10)
    for _ in range(2):
        file.write(b"123456789\n")
    file.close()
    assert os.read(reader, 100) == b"123456789\n" * 2
    assert file_names(path.parent) == {"records.log"}
    os.close(reader)


def test_only_a_durable_file_is_synced(file: RotatingFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", pytest.fail)
    file.write(b"1\n")


def test_after_the_file_was_removed_one_write_fails_at_its_rotation(
    file: RotatingFile, path: Path
) -> None:
    file.write(b"12345678\n")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        file.write(b"2\n")
    file.write(b"3\n")
    assert path.read_bytes() == b"3\n"
