"""aiologger's file handler under us: whole batches, bounded files, failures that are told."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from services.async_logging.batch_file import BatchFile
from services.async_logging.record import Record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.log"


@pytest.fixture
async def file(path: Path) -> AsyncIterator[BatchFile]:
    """A file of at most 200 bytes and a batch."""
    file = BatchFile(str(path), maximum_bytes=200)
    yield file
    await file.close()


def records(path: Path) -> list[Record]:
    """What a log shipper would read; every line has to end."""
    text = path.read_text("utf-8")
    assert text.endswith("}\n")
    return [orjson.loads(line) for line in text.splitlines()]


def numbers(path: Path) -> list[object]:
    return [record["number"] for record in records(path)]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def batch(*numbers: int) -> list[Record]:
    return [{"number": number, "text": "\u00e9\n"} for number in numbers]


async def test_each_record_is_a_line_of_json(file: BatchFile, path: Path) -> None:
    await file.write(batch(1, 2, 3))
    assert records(path) == batch(1, 2, 3)


async def test_a_batch_is_in_the_file_when_write_returns(file: BatchFile, path: Path) -> None:
    await file.write(batch(1))
    assert numbers(path) == [1]
    await file.write(batch(2))
    assert numbers(path) == [1, 2]


async def test_what_was_in_the_file_before_stays(file: BatchFile, path: Path) -> None:
    earlier = BatchFile(str(path), maximum_bytes=200)
    await earlier.write(batch(0))
    await earlier.close()
    await file.write(batch(1))
    assert numbers(path) == [0, 1]


async def test_a_full_file_makes_way_for_a_new_one(file: BatchFile, path: Path) -> None:
    await file.write(batch(*range(10)))
    assert names(path.parent) == ["records.log.1"]
    await file.write(batch(10))
    assert numbers(path) == [10]
    assert numbers(path.with_name("records.log.1")) == list(range(10))


async def test_one_predecessor_is_kept(file: BatchFile, path: Path) -> None:
    for first in range(0, 50, 10):
        await file.write(batch(*range(first, first + 10)))
    assert names(path.parent) == ["records.log.1"]
    assert numbers(path.with_name("records.log.1")) == list(range(40, 50))


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    file = BatchFile(str(tmp_path / "no" / "such" / "folder"), maximum_bytes=200)
    with pytest.raises(FileNotFoundError):
        await file.write(batch(1))
    await file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
async def test_a_write_that_fails_is_told() -> None:
    file = BatchFile("/dev/full", maximum_bytes=200)
    with pytest.raises(OSError, match="No space left"):
        await file.write(batch(1))
    with pytest.raises(OSError, match="No space left"):
        await file.stream.close()  # what is still buffered cannot go anywhere either


async def test_a_record_that_has_no_end_is_told_and_the_next_one_is_written(
    file: BatchFile, path: Path
) -> None:
    endless: Record = {}
    endless["itself"] = endless
    with pytest.raises(ValueError, match="Circular reference"):
        await file.write([endless])
    await file.write(batch(1))
    assert numbers(path) == [1]


async def test_after_a_folder_has_come_it_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "late" / "records.log"
    file = BatchFile(str(path), maximum_bytes=200)
    with pytest.raises(FileNotFoundError):
        await file.write(batch(1))
    path.parent.mkdir()
    await file.write(batch(2))
    await file.close()
    assert numbers(path) == [2]


async def test_closing_a_file_that_was_never_written_to_makes_none(path: Path) -> None:
    await BatchFile(str(path), maximum_bytes=200).close()
    assert names(path.parent) == []
