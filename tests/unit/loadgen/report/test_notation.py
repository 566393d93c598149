"""Numbers, ratios and names as reports write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.report.notation import (
    amount,
    noise_reach,
    number,
    printable,
    ratio_with_interval,
    shortened,
)
from tests.unit.loadgen.report.sample import ratio


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.000_42, "0.00042"),
        (0.0996, "0.10"),
        (0.123, "0.12"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (1234.5, "1,234"),
    ],
)
def test_a_number_has_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(51.0, "51"), (0.5, "0.5"), (2.25, "2.25"), (0, "0"), (100, "100")]
)
def test_an_amount_has_no_trailing_zeros(value: float, text: str) -> None:
    assert amount(value) == text


@given(st.floats(1e-6, 1e9))
def test_a_written_number_is_close_to_its_value(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.051)
    assert "e" not in number(value)


def test_a_ratio_is_written_with_its_interval() -> None:
    assert ratio_with_interval(ratio(2.6138, 2.188, 3.403)) == "2.61× (2.19–3.40)"
    assert ratio_with_interval(None) == "–"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.97, 1.02, "±3 %"), (0.99, 1.12, "±12 %"), (0.998, 1.001, "±0.2 %"), (1, 1, "±0.0 %")],
)
def test_the_noise_is_that_of_the_farther_side(low: float, high: float, text: str) -> None:
    assert noise_reach(ratio(1.0, low, high)) == text


def test_control_characters_are_replaced() -> None:
    assert printable("a\x1b[31mb\n\u202ec") == "a\ufffd[31mb\ufffd\ufffdc"


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_fits_and_keeps_both_ends(text: str, length: int) -> None:
    short = shortened(text, length)
    assert len(short) <= length
    if len(text) <= length:
        assert short == text
    else:
        assert text.startswith(short.partition("…")[0])
        assert text.endswith(short[-1])
