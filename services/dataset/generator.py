"""The generator of the data set's rows.

The rows come in chunks. Each chunk has its own seed, so chunks can be made in any order. The same
size and seed give the same rows on every machine and with every Python version. text.py makes the
texts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from services.dataset import text

#: Increase it whenever a change alters the rows. Loaded data sets are then loaded again.
VERSION = 2

CHUNK_ROWS = 25_000
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_MEAN_POST_SENTENCES = 24
_MEAN_COMMENT_SENTENCES = 2
_MAXIMUM_TAGS = 5

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows of each table, except post_tags, whose rows are random."""

    authors: int
    posts: int
    comments: int
    tags: int

    def rows(self, table: str) -> int:
        """The number of rows to divide into chunks. For post_tags this is the number of posts."""
        return {"authors": self.authors, "comments": self.comments, "tags": self.tags}.get(
            table, self.posts
        )


SIZES = {
    "small": Size(authors=200, posts=1_000, comments=5_000, tags=50),
    "medium": Size(authors=10_000, posts=100_000, comments=500_000, tags=500),
    "large": Size(authors=50_000, posts=1_000_000, comments=5_000_000, tags=500),
}

COLUMNS = {
    "authors": ("id", "name", "email", "bio", "created_at"),
    "tags": ("id", "name"),
    "posts": ("id", "author_id", "title", "body", "created_at"),
    "post_tags": ("post_id", "tag_id"),
    "comments": ("id", "post_id", "author_id", "body", "created_at"),
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first` to `last` (included, counted from 1) of one table."""

    table: str
    first: int
    last: int


def chunks(size: Size) -> list[Chunk]:
    """All chunks of all tables, in the order of COLUMNS."""
    return [
        Chunk(table, first, min(first + CHUNK_ROWS - 1, size.rows(table)))
        for table in COLUMNS
        for first in range(1, size.rows(table) + 1, CHUNK_ROWS)
    ]


def rows(chunk: Chunk, size: Size, seed: int) -> Iterator[Row]:
    """The rows of a chunk, with the columns in the order of COLUMNS."""
    # Random hashes a str seed with SHA-512, so the sequence is the same on every machine.
    random = Random(f"{seed}/{chunk.table}/{chunk.first}")
    make = _MAKERS[chunk.table]
    for number in range(chunk.first, chunk.last + 1):
        yield from make(number, size, random)


def popular(random: Random, population: int) -> int:
    """A random number from 1 to population. A few numbers are far more frequent than the rest.

    The k most popular numbers have a share of sqrt(k / population). A multiplication spreads the
    popular numbers over the whole range. Its factor has no divisor in common with any population.
    """
    rank = int(random.random() ** 2 * population)
    return rank * 7919 % population + 1


def _created_at(number: int, count: int, random: Random) -> datetime:
    """A random time within ten years. Times are distinct and increase with the number."""
    step = timedelta(days=3650) / count
    return _EPOCH + step * (number - 1) + step * 0.9 * random.random()


def _author(number: int, size: Size, random: Random) -> Iterator[Row]:
    name = text.name(random)
    email = f"{name.lower().replace(' ', '.')}.{number}@example.org"
    yield number, name, email, text.sentence(random), _created_at(number, size.authors, random)


def _tag(number: int, size: Size, random: Random) -> Iterator[Row]:
    yield number, text.tag_names(size.tags)[number - 1]


def _post(number: int, size: Size, random: Random) -> Iterator[Row]:
    author = popular(random, size.authors)
    body = text.sentences(random, _MEAN_POST_SENTENCES)
    yield number, author, text.title(random), body, _created_at(number, size.posts, random)


def _post_tags(number: int, size: Size, random: Random) -> Iterator[Row]:
    count = 1 + int(random.random() * _MAXIMUM_TAGS)
    for tag in sorted({popular(random, size.tags) for _ in range(count)}):
        yield number, tag


def _comment(number: int, size: Size, random: Random) -> Iterator[Row]:
    post = popular(random, size.posts)
    author = 1 + int(random.random() * size.authors)
    body = text.sentences(random, _MEAN_COMMENT_SENTENCES)
    yield number, post, author, body, _created_at(number, size.comments, random)


_MAKERS = {
    "authors": _author,
    "tags": _tag,
    "posts": _post,
    "post_tags": _post_tags,
    "comments": _comment,
}
