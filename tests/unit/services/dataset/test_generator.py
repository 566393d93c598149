"""The rows of the data set: reproducible, complete, and with the promised distribution."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import chain, pairwise
from random import Random

import pytest

from services.dataset.generator import (
    CHUNK_ROWS,
    COLUMNS,
    SIZES,
    VERSION,
    Chunk,
    Row,
    Size,
    chunks,
    popular,
    rows,
)

SMALL = SIZES["small"]
#: Changed rows need a new VERSION. Otherwise databases with the old rows would keep them.
DIGESTS = {2: "5f82246547a5e51cbbe022f55fe96ea6b9874c95d1b455a4edd11482d2d88606"}


@cache
def table(name: str) -> list[Row]:
    """All rows of one table of the small data set, seed 1."""
    parts = [rows(chunk, SMALL, seed=1) for chunk in chunks(SMALL) if chunk.table == name]
    return list(chain.from_iterable(parts))


def column(table_name: str, column_name: str) -> list[object]:
    index = COLUMNS[table_name].index(column_name)
    return [row[index] for row in table(table_name)]


def texts() -> Iterator[str]:
    for name in COLUMNS:
        for row in table(name):
            yield from (value for value in row if isinstance(value, str))


def test_rows_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256()
    for name in COLUMNS:
        for row in table(name):
            digest.update("\t".join(map(str, row)).encode() + b"\n")
    assert digest.hexdigest() == DIGESTS[VERSION]


def test_sizes_and_chunks_change_only_with_the_version() -> None:
    """Chunks have seeds, so another chunk size gives other rows of the larger sizes."""
    assert (VERSION, CHUNK_ROWS) == (2, 25_000)
    assert {
        "small": Size(authors=200, posts=1_000, comments=5_000, tags=50),
        "medium": Size(authors=10_000, posts=100_000, comments=500_000, tags=500),
        "large": Size(authors=50_000, posts=1_000_000, comments=5_000_000, tags=500),
    } == SIZES


def test_a_chunk_does_not_depend_on_other_chunks() -> None:
    one, other = Chunk("posts", 1, 20), Chunk("posts", 21, 40)
    first = list(rows(one, SMALL, seed=1))
    list(rows(other, SMALL, seed=1))
    assert list(rows(one, SMALL, seed=1)) == first


def test_another_seed_gives_other_rows() -> None:
    chunk = Chunk("comments", 1, 50)
    assert list(rows(chunk, SMALL, seed=1)) != list(rows(chunk, SMALL, seed=2))


def test_each_table_has_the_number_of_rows_of_the_size() -> None:
    assert len(table("authors")) == SMALL.authors
    assert len(table("posts")) == SMALL.posts
    assert len(table("comments")) == SMALL.comments
    assert len(table("tags")) == SMALL.tags


@pytest.mark.parametrize("name", ["authors", "posts", "comments", "tags"])
def test_ids_count_from_one(name: str) -> None:
    assert column(name, "id") == list(range(1, SMALL.rows(name) + 1))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_row_has_a_value_for_each_column(name: str) -> None:
    assert {len(row) for row in table(name)} == {len(COLUMNS[name])}


@pytest.mark.parametrize("name", ["authors", "posts", "comments"])
def test_creation_times_increase_with_the_id(name: str) -> None:
    times = column(name, "created_at")
    assert all(isinstance(time, datetime) and time.tzinfo for time in times)
    assert all(one < other for one, other in pairwise(times))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("table_name", "column_name", "referred"),
    [
        ("posts", "author_id", "authors"),
        ("post_tags", "post_id", "posts"),
        ("post_tags", "tag_id", "tags"),
        ("comments", "post_id", "posts"),
        ("comments", "author_id", "authors"),
    ],
)
def test_every_reference_is_the_id_of_a_row(
    table_name: str, column_name: str, referred: str
) -> None:
    assert set(column(table_name, column_name)) <= set(column(referred, "id"))


def test_every_post_has_a_tag_and_no_tag_twice() -> None:
    assert set(column("post_tags", "post_id")) == set(column("posts", "id"))
    assert len(set(table("post_tags"))) == len(table("post_tags"))


def test_few_posts_have_many_of_the_comments() -> None:
    counts = [count for _, count in Counter(column("comments", "post_id")).most_common()]
    assert sum(counts[: SMALL.posts // 100]) > 0.05 * SMALL.comments


def test_email_addresses_are_distinct() -> None:
    emails = column("authors", "email")
    assert len(set(emails)) == len(emails)


def test_no_text_needs_escaping_for_copy() -> None:
    assert not [text for text in texts() if set(text) & {"\t", "\n", "\r", "\\"} or not text]


def test_bodies_compress_like_prose() -> None:
    bodies = "\n".join(map(str, column("posts", "body")[:100])).encode()
    ratio = len(bodies) / len(zlib.compress(bodies, 6))
    assert 1.8 < ratio < 4


def test_no_two_posts_have_the_same_body() -> None:
    bodies = column("posts", "body")
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_chunks_cover_each_table_exactly_once(size: Size) -> None:
    parts = chunks(size)
    assert [name for name in COLUMNS if any(chunk.table == name for chunk in parts)] == [*COLUMNS]
    for name in COLUMNS:
        bounds = [(chunk.first, chunk.last) for chunk in parts if chunk.table == name]
        assert bounds[0][0] == 1
        assert bounds[-1][1] == size.rows(name)
        assert all(one[1] + 1 == other[0] for one, other in pairwise(bounds))
        assert all(0 <= last - first < CHUNK_ROWS for first, last in bounds)


@pytest.mark.parametrize("population", [50, 200, 500, 1_000, 10_000, 100_000, 1_000_000])
def test_popular_numbers_are_within_the_population_and_frequent(population: int) -> None:
    random = Random(1)
    drawn = Counter(popular(random, population) for _ in range(20_000))
    assert all(1 <= number <= population for number in drawn)
    most_popular = sum(count for _, count in drawn.most_common(population // 50))
    assert most_popular > 0.1 * 20_000


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_no_population_has_a_divisor_in_common_with_the_spreading_factor(size: Size) -> None:
    for population in (size.authors, size.posts, size.tags):
        assert population % 7919
