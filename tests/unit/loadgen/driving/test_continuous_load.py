"""Continuous load: the slots of a round, and which changes are refused."""

import contextlib
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.driving.continuous_load import ContinuousLoad, LoadRefused, Slot, slots
from services.catalog import BY_NAME, TECHNIQUES

EVERY_SLOT = [Slot(each.name, variant) for each in TECHNIQUES for variant in each.variant_names()]


def test_a_round_has_a_slot_for_every_variant_of_every_technique() -> None:
    assert slots(ContinuousLoad(), 0) == EVERY_SLOT


def test_odd_rounds_reverse_the_variants_of_each_technique() -> None:
    load = ContinuousLoad(techniques=["pagination", "caching"])
    assert [slot.variant for slot in slots(load, 1)] == [
        *reversed(BY_NAME["pagination"].variant_names()),
        *reversed(BY_NAME["caching"].variant_names()),
    ]
    assert slots(load, 2) == slots(load, 0)


def test_every_variant_has_more_than_one_predecessor() -> None:
    planned = [slot for number in range(4) for slot in slots(ContinuousLoad(), number)]
    predecessors: dict[Slot, set[Slot]] = {}
    for previous, slot in pairwise(planned):
        predecessors.setdefault(slot, set()).add(previous)
    assert all(len(neighbours) > 1 for neighbours in predecessors.values())


def test_a_technique_listed_twice_gets_two_slots() -> None:
    load = ContinuousLoad(techniques=["caching", "pagination", "caching"], variants=["naive"])
    names = [slot.technique for slot in slots(load, 0)]
    assert names == ["caching", "pagination", "caching"]


def test_only_chosen_variants_have_a_slot() -> None:
    assert slots(ContinuousLoad(variants=["offset"]), 0) == [Slot("pagination", "offset")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"techniques": ["cashing"]}, "techniques: 'cashing' is not a technique"),
        (
            {"techniques": ["caching"], "variants": ["offset"]},
            "variants: 'offset' is not a variant of caching",
        ),
        ({"speed": 1}, "speed: this field does not exist"),
    ],
)
def test_an_invalid_change_is_refused_with_the_field_and_the_reason(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(LoadRefused) as refused:
        ContinuousLoad().with_changes(changes)
    assert str(refused.value) == message
    assert refused.value.members["parameter"] == message.partition(":")[0]


def test_a_long_field_name_is_shortened_to_64_characters() -> None:
    with pytest.raises(LoadRefused) as refused:
        ContinuousLoad().with_changes({"x" * 65: 1})
    assert refused.value.members["parameter"] == "x" * 64


def test_a_refused_body_names_no_parameter() -> None:
    assert LoadRefused("the body is not JSON").members == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(ContinuousLoad.model_fields)) | st.text(), JSON))
def test_every_change_is_refused_or_stays_within_its_bounds(changes: dict[str, object]) -> None:
    load = ContinuousLoad()
    with contextlib.suppress(LoadRefused):
        load = load.with_changes(changes)
    assert slots(load, 0)
    assert load.rate is None or 0 < load.rate <= 100_000
    assert orjson.dumps(load.model_dump())
