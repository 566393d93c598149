"""Where lines end up: bounded files, writes that are whole or not there at all."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.async_logging import sinks
from services.async_logging.sinks import RotatingFile, Stream


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.log"


@pytest.fixture
def file(path: Path) -> Iterator[RotatingFile]:
    """A file of at most ten bytes."""
    file = RotatingFile(path, maximum_bytes=10)
    yield file
    file.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_written_is_in_the_file_when_write_returns(file: RotatingFile, path: Path) -> None:
    file.write(b"1\n")
    assert path.read_bytes() == b"1\n"
    file.write(b"2\n")
    assert path.read_bytes() == b"1\n2\n"


def test_what_was_in_the_file_before_stays_and_counts(file: RotatingFile, path: Path) -> None:
    path.write_bytes(b"1234567\n")
    file.write(b"9\n")
    assert path.read_bytes() == b"1234567\n9\n"


def test_a_file_that_is_full_from_the_start_makes_way(file: RotatingFile, path: Path) -> None:
    path.write_bytes(b"123456789\n")
    file.write(b"0\n")
    assert path.with_name("records.log.1").read_bytes() == b"123456789\n"
    assert path.read_bytes() == b"0\n"


def test_two_files_are_kept_and_neither_is_larger_than_the_bound(
    file: RotatingFile, path: Path
) -> None:
    for number in range(1000):
        file.write(b"%03d\n" % number)
        assert all(each.stat().st_size <= 10 for each in path.parent.iterdir())
    assert names(path.parent) == {"records.log", "records.log.1"}
    assert (
        path.with_name("records.log.1").read_bytes() + path.read_bytes() == b"996\n997\n998\n999\n"
    )


def test_one_write_beyond_the_bound_has_a_file_of_its_own(file: RotatingFile, path: Path) -> None:
    file.write(b"1\n")
    file.write(b"long enough for itself\n")
    assert path.read_bytes() == b"long enough for itself\n"


def test_a_file_that_was_never_written_to_is_not_made(file: RotatingFile, path: Path) -> None:
    file.close()
    assert names(path.parent) == set()


def test_after_a_folder_has_come_it_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "late" / "records.log"
    file = RotatingFile(path, maximum_bytes=10)
    with pytest.raises(FileNotFoundError):
        file.write(b"1\n")
    path.parent.mkdir()
    file.write(b"2\n")
    file.close()
    assert path.read_bytes() == b"2\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_write_that_fails_is_told() -> None:
    file = RotatingFile(Path("/dev/full"), maximum_bytes=10)
    with pytest.raises(OSError, match="No space left"):
        file.write(b"1\n")
    file.close()


def test_of_a_write_that_fails_in_its_midst_nothing_stays(
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


def test_a_durable_write_is_on_the_disk_before_it_returns(
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
    assert synced == [b"", b"1\n"]  # the folder that names it, then the file
    file.write(b"2\n")
    assert synced[2:] == [b"1\n2\n"]
    file.close()


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
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


def test_a_pipe_that_nobody_reads_any_more_is_told() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = Stream(writer)
    with pytest.raises(BrokenPipeError):
        stream.write(b"1\n")
    stream.close()
    os.close(writer)  # which the stream has left open
