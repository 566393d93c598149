"""Our histogram against prometheus_client's own: the same scrape from the same observations."""

import prometheus_client.openmetrics.exposition as openmetrics
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from services.chassis.distribution import Distributions
from services.telemetry import Metric

METRIC = Metric("waits_seconds", "histogram", "waits", "Waits.", ("who",), (0.1, 0.25, 1.0))


def lines(registry: CollectorRegistry) -> list[str]:
    exposition = generate_latest(registry).decode().splitlines()
    return sorted(line for line in exposition if "_created" not in line)


@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.100001, 0.25, 0.5, 1.0, 1.5, 100.0])))
def test_a_scrape_sees_what_the_librarys_own_histogram_would_show(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = Distributions(METRIC, ours).labels("me")
    histogram = Histogram(
        METRIC.name, METRIC.description, METRIC.labels, buckets=METRIC.buckets, registry=theirs
    ).labels("me")
    for value in values:
        distribution.observe(value)
        histogram.observe(value)
    assert lines(ours) == lines(theirs)


def test_each_set_of_label_values_is_a_distribution_of_its_own() -> None:
    distributions = Distributions(METRIC, CollectorRegistry())
    distributions.labels("one").observe(1)
    assert distributions.labels("one").sum == 1
    assert distributions.labels("two").sum == 0


@pytest.mark.parametrize("values", [(), ("one", "two")])
def test_labels_have_to_be_as_many_as_declared(values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="waits_seconds has the labels"):
        Distributions(METRIC, CollectorRegistry()).labels(*values)


def test_a_named_observation_shows_at_its_bucket_in_openmetrics_alone() -> None:
    registry = CollectorRegistry()
    distribution = Distributions(METRIC, registry).labels("me")
    for value, name in ((0.2, "first"), (0.22, "second"), (7.0, "last")):
        distribution.observe(value)
        distribution.exemplify(value, {"request_id": name})
    exposition = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    named = [line.split(" # ")[0] for line in exposition.splitlines() if " # " in line]
    assert named == [
        'waits_seconds_bucket{le="0.25",who="me"} 2.0',
        'waits_seconds_bucket{le="+Inf",who="me"} 3.0',
    ]
    assert "first" not in exposition
    assert "request_id" not in generate_latest(registry).decode()
