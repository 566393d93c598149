"""Histograms: figures and encoding agree with the hdrh library."""

from collections.abc import Sequence
from statistics import mean

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadgen.sending.histogram import Histogram

LATENCIES = st.lists(st.floats(1e-9, 3600), min_size=1, max_size=60)
SHARES = (0.01, 0.5, 0.9, 0.99, 1.0)


def histogram(*latencies: float) -> Histogram:
    result = Histogram()
    for latency in latencies:
        result.record(latency)
    return result


def hdr_histogram(latencies: Sequence[float]) -> HdrHistogram:
    result = HdrHistogram(1, 3_600_000_000_000, 3)
    for latency in latencies:
        assert result.record_value(int(latency * 1e9))
    return result


@given(LATENCIES)
def test_quantiles_mean_and_maximum_equal_those_of_the_library(latencies: list[float]) -> None:
    ours, theirs = histogram(*latencies), hdr_histogram(latencies)
    for share in SHARES:
        assert ours.quantile(share) * 1e9 == pytest.approx(
            theirs.get_value_at_percentile(share * 100), abs=1e-3
        )
    # The definition of the library's mean, whose own loop over all 33,792 buckets is slow.
    middles = [theirs._hdr_median_equiv_value(int(latency * 1e9)) for latency in latencies]
    assert ours.mean * 1e9 == pytest.approx(mean(middles))
    assert ours.maximum * 1e9 == pytest.approx(theirs.get_max_value())
    assert ours.count == theirs.get_total_count() == len(latencies)


@given(LATENCIES)
def test_the_encoding_equals_the_encoding_of_the_library(latencies: list[float]) -> None:
    assert histogram(*latencies).encoded() == hdr_histogram(latencies).encode().decode()


@given(LATENCIES)
def test_a_histogram_survives_its_encoding(latencies: list[float]) -> None:
    original = histogram(*latencies)
    decoded = Histogram.decoded(original.encoded())
    assert decoded == original
    assert decoded.encoded() == original.encoded()
    assert (decoded.mean, decoded.maximum) == (original.mean, original.maximum)


@given(LATENCIES)
def test_a_quantile_has_an_error_of_at_most_a_thousandth(latencies: list[float]) -> None:
    in_order = sorted(latencies)
    for number, exact in enumerate(in_order, start=1):
        found = histogram(*latencies).quantile(number / len(in_order))
        assert exact - 1e-9 <= found <= exact * 1.001 + 1e-9


@given(LATENCIES, LATENCIES)
def test_merging_equals_recording_all_values_in_one_histogram(
    one: list[float], other: list[float]
) -> None:
    merged = histogram(*one)
    merged.merge(histogram(*other))
    assert merged == histogram(*one, *other)


@given(LATENCIES)
def test_buckets_are_sorted_and_count_every_value(latencies: list[float]) -> None:
    buckets = histogram(*latencies).buckets()
    assert buckets == sorted(buckets)
    assert sum(count for _, count in buckets) == len(latencies)
    assert buckets[-1][0] == histogram(*latencies).maximum


@pytest.mark.parametrize("latencies", [[1e-9, 1.1e-6, 0.0123, 0.0124, 59.9], [0.5], [3600.0]])
def test_the_mean_equals_that_of_the_library(latencies: list[float]) -> None:
    expected = hdr_histogram(latencies).get_mean_value()
    assert histogram(*latencies).mean * 1e9 == pytest.approx(expected)


def test_an_empty_histogram_has_no_quantile() -> None:
    empty = Histogram()
    with pytest.raises(ValueError, match="has no quantile"):
        empty.quantile(0.5)
    assert (empty.count, empty.mean, empty.maximum, empty.buckets()) == (0, 0.0, 0.0, [])
    assert Histogram.decoded(empty.encoded()) == empty


@pytest.mark.parametrize(("latency", "counted_as"), [(0.0, 1e-9), (-1.0, 1e-9), (86400.0, 3600.0)])
def test_a_value_out_of_range_counts_as_the_nearest_bound(
    latency: float, counted_as: float
) -> None:
    assert histogram(latency).maximum == pytest.approx(counted_as, rel=0.001)


def test_histograms_with_other_counts_are_not_equal() -> None:
    assert histogram(0.1) != histogram(0.1, 0.1)
    assert histogram(0.1) != histogram(0.2)


def test_memory_depends_on_the_spread_of_values_not_on_their_number() -> None:
    many = histogram(*[number * 1e-6 for number in range(1, 50_000)] * 2)
    assert len(many.buckets()) < 8000
    assert many.count == 2 * 49_999


@pytest.mark.parametrize("place", range(12, 200, 23))
def test_a_damaged_encoding_is_refused(place: int) -> None:
    text = histogram(*[number**2 * 1e-7 for number in range(1, 1000)]).encoded()
    damaged = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    with pytest.raises(ValueError, match="not a histogram in HDR"):
        Histogram.decoded(damaged)


@pytest.mark.parametrize("text", ["", "x", "AAAA", "ä", "HISTFAAAACh42pNpmSzMwMDAxAAB"])
def test_a_text_that_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a histogram in HDR"):
        Histogram.decoded(text)
