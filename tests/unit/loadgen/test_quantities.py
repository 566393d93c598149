"""Durations and bit rates as people write them."""

import pytest

from loadgen import quantities


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("0ms", 0), ("10s", 10), ("1.5m", 90), ("2h", 7200), (" 1S ", 1)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert quantities.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "bits"),
    [("9600bit", 9600), ("512kbit", 512e3), ("10mbit", 10e6), ("2.5Gbit", 2.5e9)],
)
def test_a_bit_rate_is_read(text: str, bits: float) -> None:
    assert quantities.bits_per_second(text) == pytest.approx(bits)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "1e3s", "10 s", "10mbit", "nans", "1.s"])
def test_another_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration like 20ms or 10s; units: ms, s, m"):
        quantities.seconds(text)


@pytest.mark.parametrize("text", ["", "10", "10mb", "fast", "10s", "-1mbit"])
def test_another_text_is_no_bit_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no bit rate like 10mbit or 512kbit; units: bit, "):
        quantities.bits_per_second(text)
