"""The histogram collector returns the same scrape as the histogram of prometheus_client."""

import prometheus_client.openmetrics.exposition as openmetrics
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from services.chassis.histogram_collector import HistogramCollector
from services.telemetry import Metric

METRIC = Metric("waits_seconds", "histogram", "waits", "Waits.", ("client",), (0.1, 0.25, 1.0))


def lines(registry: CollectorRegistry) -> list[str]:
    exposition = generate_latest(registry).decode().splitlines()
    return sorted(line for line in exposition if "_created" not in line)


@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.100001, 0.25, 0.5, 1.0, 1.5, 100.0])))
def test_a_scrape_equals_a_scrape_of_the_library(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = HistogramCollector(METRIC, ours).labels("me")
    histogram = Histogram(
        METRIC.name, METRIC.description, METRIC.labels, buckets=METRIC.buckets, registry=theirs
    ).labels("me")
    for value in values:
        distribution.observe(value)
        histogram.observe(value)
    assert lines(ours) == lines(theirs)


def test_each_set_of_label_values_has_a_separate_distribution() -> None:
    histogram = HistogramCollector(METRIC, CollectorRegistry())
    histogram.labels("one").observe(1)
    assert histogram.labels("one").sum == 1
    assert histogram.labels("two").sum == 0


@pytest.mark.parametrize("values", [(), ("one", "two")])
def test_a_wrong_number_of_label_values_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"1 labels, .*; {len(values)} values"):
        HistogramCollector(METRIC, CollectorRegistry()).labels(*values)


def test_only_openmetrics_shows_the_latest_exemplar_of_each_bucket() -> None:
    registry = CollectorRegistry()
    distribution = HistogramCollector(METRIC, registry).labels("me")
    for value, name in ((0.2, "first"), (0.22, "second"), (7.0, "last")):
        distribution.observe(value)
        distribution.exemplify(value, {"request_id": name})
    exposition = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    named = [line.split(" # ")[0] for line in exposition.splitlines() if " # " in line]
    assert named == [
        'waits_seconds_bucket{client="me",le="0.25"} 2.0',
        'waits_seconds_bucket{client="me",le="+Inf"} 3.0',
    ]
    assert "first" not in exposition
    assert "request_id" not in generate_latest(registry).decode()
