"""Metric names that Prometheus accepts, and buckets that give correct quantiles."""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from services.telemetry import COUNT_BUCKETS, DURATION_BUCKETS, METRICS, SIZE_BUCKETS, Metric

SAMPLES = 20_000
LONGEST_SECONDS = 5.0


def test_metric_names_are_unique() -> None:
    names = [metric.name for metric in METRICS]
    assert "http_server_request_duration_seconds" in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_and_labels_are_valid_in_prometheus(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in metric.labels)
    assert not any(label.startswith("__") or label == "le" for label in metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_suffix_of_a_name_fits_its_kind(metric: Metric) -> None:
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    if metric.kind in {"histogram", "summary"}:
        assert metric.name.endswith(("_seconds", "_bytes", "_per_request"))
    assert metric.description.endswith(".")
    assert not metric.title.endswith(".")


@pytest.mark.parametrize("buckets", [DURATION_BUCKETS, SIZE_BUCKETS, COUNT_BUCKETS])
def test_bucket_bounds_increase(buckets: tuple[float, ...]) -> None:
    assert all(below < above for below, above in pairwise(buckets))


def test_duration_buckets_span_a_fifth_of_a_millisecond_to_five_seconds() -> None:
    assert DURATION_BUCKETS[0] < 0.0002
    assert DURATION_BUCKETS[-1] > LONGEST_SECONDS


def latencies(median: float, spread: float) -> list[float]:
    """Sorted log-normal latencies in seconds, none longer than LONGEST_SECONDS."""
    random = Random(f"{median}/{spread}")
    drawn = (random.lognormvariate(math.log(median), spread) for _ in range(SAMPLES))
    return sorted(seconds for seconds in drawn if seconds <= LONGEST_SECONDS)


def histogram_quantile(share: float, observations: Sequence[float]) -> float:
    """Like the function of Prometheus: linear interpolation within the bucket of the rank."""
    counts = [0] * (len(DURATION_BUCKETS) + 1)
    for seconds in observations:
        counts[bisect_left(DURATION_BUCKETS, seconds)] += 1
    rank = share * len(observations)
    below = 0
    for index, count in enumerate(counts):
        if below + count >= rank:
            lower = DURATION_BUCKETS[index - 1] if index else 0.0
            return lower + (DURATION_BUCKETS[index] - lower) * (rank - below) / count
        below += count
    raise AssertionError("the rank exceeds the number of observations")


@pytest.mark.parametrize("spread", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("median", [0.0002, 0.0005, 0.0013, 0.004, 0.011, 0.05, 0.3, 1.0, 2.0])
def test_a_quantile_read_from_the_buckets_is_within_ten_percent(
    median: float, spread: float
) -> None:
    observations = latencies(median, spread)
    for share in (0.5, 0.99):
        true = observations[round(share * (len(observations) - 1))]
        assert histogram_quantile(share, observations) == pytest.approx(true, rel=0.1)


def test_the_usual_dozen_buckets_give_wrong_quantiles(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
    monkeypatch.setitem(globals(), "DURATION_BUCKETS", usual)
    observations = latencies(0.0013, 0.4)
    true = observations[len(observations) // 2]
    assert histogram_quantile(0.5, observations) != pytest.approx(true, rel=0.5)
