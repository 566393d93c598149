"""The load generator's own metrics, as a scrape shows them."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from loadgen.driving.continuous_load import Slot
from loadgen.driving.driver_metrics import DriverMetrics
from loadgen.sending.attack import LoadResult
from services.telemetry import (
    LOADGEN_ACTIVE,
    LOADGEN_INTENDED_RATE,
    LOADGEN_LAG,
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
)

NAIVE, OPTIMIZED = Slot("caching", "naive"), Slot("caching", "optimized")


def scraped(metrics: DriverMetrics) -> dict[tuple[str, ...], float]:
    """Values by name and label values, sorted by label name."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def load_result(latencies: list[float], lags: list[float], errors: int = 0) -> LoadResult:
    result = LoadResult(answered=len(latencies), errors=errors, sent=len(latencies) + errors)
    for latency in latencies:
        result.latencies.record(latency)
    for lag in lags:
        result.lags.record(lag)
    return result


def test_requests_are_counted_by_outcome() -> None:
    metrics = DriverMetrics()
    metrics.count(NAIVE, load_result([0.01] * 3, []))
    metrics.count(NAIVE, load_result([0.01] * 2, [], errors=1))
    samples = scraped(metrics)
    assert samples[LOADGEN_REQUESTS.name, "ok", *NAIVE] == 5
    assert samples[LOADGEN_REQUESTS.name, "error", *NAIVE] == 1
    assert (LOADGEN_REQUESTS.name, "ok", *OPTIMIZED) not in samples


def test_durations_and_lags_are_added_up_in_buckets() -> None:
    metrics = DriverMetrics()
    for _ in range(2):
        metrics.count(NAIVE, load_result([0.0011, 0.011, 0.11, 60.0], [0.0003]))
    samples = scraped(metrics)
    bucket, name = f"{LOADGEN_REQUEST_DURATION.name}_bucket", LOADGEN_REQUEST_DURATION.name
    found = [samples[bucket, bound, *NAIVE] for bound in ("0.001", "0.01", "0.1", "1.0", "10.0")]
    assert found == [0, 2, 4, 6, 6]
    assert samples[bucket, "+Inf", *NAIVE] == samples[f"{name}_count", *NAIVE] == 8
    assert samples[f"{name}_sum", *NAIVE] == pytest.approx(2 * 60.1221, rel=0.001)
    assert samples[f"{LOADGEN_LAG.name}_count", *NAIVE] == 2
    assert len([each for each in samples if each[0] == bucket]) == (
        len(LOADGEN_REQUEST_DURATION.buckets) + 1
    )


def test_only_the_present_slot_is_active() -> None:
    metrics = DriverMetrics()
    for slot in (NAIVE, OPTIMIZED):
        metrics.begin(slot)
        assert scraped(metrics)[LOADGEN_ACTIVE.name, *slot] == 1
        metrics.end(slot)
        assert scraped(metrics)[LOADGEN_ACTIVE.name, *slot] == 0


def test_the_intended_rate_is_divided_by_the_slots_of_a_round() -> None:
    metrics = DriverMetrics()
    metrics.set_intended_rate(60, [NAIVE, OPTIMIZED, NAIVE])
    samples = scraped(metrics)
    assert samples[LOADGEN_INTENDED_RATE.name, *NAIVE] == 40
    assert samples[LOADGEN_INTENDED_RATE.name, *OPTIMIZED] == 20
    metrics.set_intended_rate(0, [NAIVE])
    samples = scraped(metrics)
    assert samples[LOADGEN_INTENDED_RATE.name, *NAIVE] == 0
    assert (LOADGEN_INTENDED_RATE.name, *OPTIMIZED) not in samples
