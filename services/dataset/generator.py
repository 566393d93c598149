"""The rows of the data set, made chunk by chunk: each chunk from its own seed, in any order.

The same size and seed give the same rows on every machine and every Python.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from services.dataset import text

#: Raise it whenever a change here makes other rows, so that loaded data sets are loaded anew.
VERSION = 2

CHUNK_ROWS = 25_000
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_MEAN_POST_SENTENCES = 24
_MEAN_COMMENT_SENTENCES = 2
_MAXIMUM_TAGS = 5

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind."""

    authors: int
    posts: int
    comments: int
    tags: int

    def rows(self, table: str) -> int:
        """The number of rows that the chunks of a table go through; post_tags follow the posts."""
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
    return [
        Chunk(table, first, min(first + CHUNK_ROWS - 1, size.rows(table)))
        for table in COLUMNS
        for first in range(1, size.rows(table) + 1, CHUNK_ROWS)
    ]


def rows(chunk: Chunk, size: Size, seed: int) -> Iterator[Row]:
    """The chunk's rows, columns in the order of COLUMNS."""
    # Random hashes a str seed with SHA-512: the same stream everywhere.
    random = Random(f"{seed}/{chunk.table}/{chunk.first}")
    make = _MAKERS[chunk.table]
    for number in range(chunk.first, chunk.last + 1):
        yield from make(number, size, random)


def popular(random: Random, population: int) -> int:
    """A number from 1 to population; a few are drawn far more often than the rest.

    The share of the k most popular is sqrt(k / population). Popularity is spread over the numbers
    by a multiplication that has no factor in common with any population here.
    """
    rank = int(random.random() ** 2 * population)
    return rank * 7919 % population + 1


def _moment(number: int, count: int, random: Random) -> datetime:
    """Distinct, rising with the number, over ten years; never on a whole second by rule."""
    step = timedelta(days=3650) / count
    return _EPOCH + step * (number - 1) + step * 0.9 * random.random()


def _author(number: int, size: Size, random: Random) -> Iterator[Row]:
    name = text.name(random)
    email = f"{name.lower().replace(' ', '.')}.{number}@example.org"
    yield number, name, email, text.sentence(random), _moment(number, size.authors, random)


def _tag(number: int, size: Size, random: Random) -> Iterator[Row]:
    yield number, text.tag_names(size.tags)[number - 1]


def _post(number: int, size: Size, random: Random) -> Iterator[Row]:
    author = popular(random, size.authors)
    body = text.sentences(random, _MEAN_POST_SENTENCES)
    yield number, author, text.title(random), body, _moment(number, size.posts, random)


def _post_tags(number: int, size: Size, random: Random) -> Iterator[Row]:
    count = 1 + int(random.random() * _MAXIMUM_TAGS)
    for tag in sorted({popular(random, size.tags) for _ in range(count)}):
        yield number, tag


def _comment(number: int, size: Size, random: Random) -> Iterator[Row]:
    post = popular(random, size.posts)
    author = 1 + int(random.random() * size.authors)
    body = text.sentences(random, _MEAN_COMMENT_SENTENCES)
    yield number, post, author, body, _moment(number, size.comments, random)


_MAKERS = {
    "authors": _author,
    "tags": _tag,
    "posts": _post,
    "post_tags": _post_tags,
    "comments": _comment,
}
