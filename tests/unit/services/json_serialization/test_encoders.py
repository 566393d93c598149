"""Two encoders, one document."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.json_serialization.encoders import encode_with_json, encode_with_orjson

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_both_say_the_same(document: Any) -> None:
    ours, theirs = encode_with_json(document), encode_with_orjson(document)
    assert json.loads(ours) == json.loads(theirs) == document


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
        datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(99, 1, 2, tzinfo=UTC),
    ],
)
def test_both_write_a_moment_alike(moment: datetime) -> None:
    expected = json.dumps(moment.isoformat()).encode()
    assert encode_with_json(moment) == encode_with_orjson(moment) == expected


def test_what_has_no_json_form_is_refused_by_both() -> None:
    for encode in (encode_with_json, encode_with_orjson):
        with pytest.raises(TypeError):
            encode({"value": object()})
