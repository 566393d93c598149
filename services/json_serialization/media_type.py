"""Which media type to send, from an Accept header: RFC 9110, section 12.5.1."""

import re
from collections.abc import Iterator
from functools import lru_cache

import mimeparse

#: What stands between commas, but not those within a quoted string.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')

Range = tuple[str, str, dict[str, str]]


class NotAcceptable(ValueError):
    """The client takes none of what is offered."""


@lru_cache(256)  # clients send few different headers, and parsing one costs more than small answers
def choose(accept: str, offered: tuple[str, ...]) -> str:
    """The offered type with the client's highest quality. Raises NotAcceptable.

    The most specific range that matches a type decides its quality, whatever the order. Among
    equals the one that is named more specifically wins, then the earlier in `offered`. An empty
    header accepts everything; an element that cannot be parsed is passed over.
    """
    # Types and their parameters' names are case-insensitive, which mimeparse does not know.
    ranges = sorted(_ranges(accept.lower()), key=_parameters)
    if not accept.strip():
        return offered[0]
    weighed = [(mimeparse.quality_and_fitness_parsed(each, ranges), each) for each in offered]
    (quality, _), best = max(weighed, key=lambda pair: pair[0])
    if not quality:
        raise NotAcceptable(accept)
    return best


def _parameters(media_range: Range) -> int:
    # mimeparse takes the first of ranges that differ in parameters, which nothing here has.
    return len(media_range[2])


def _ranges(accept: str) -> Iterator[Range]:
    # Not left to mimeparse: it would split quoted strings, and fail on all for the sake of one.
    for element in _ELEMENT.findall(accept):
        try:
            yield mimeparse.parse_media_range(element)
        except mimeparse.MimeTypeParseException:
            continue
