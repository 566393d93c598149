"""NDJSON: a line is a document."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.json_serialization.lines import as_lines


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(0, 100))))
def test_every_document_has_a_line_of_its_own(documents: list[dict[str, object]]) -> None:
    *lines, end = as_lines(documents).split(b"\n")
    assert [json.loads(line) for line in lines] == documents
    assert end == b""


def test_moments_are_written_as_in_every_other_answer() -> None:
    assert (
        as_lines([{"at": datetime(2024, 1, 2, tzinfo=UTC)}]) == b'{"at":"2024-01-02T00:00:00Z"}\n'
    )
