"""The generator's own metrics: what was counted is what a scrape finds."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from loadgen.driving.control import Slot
from loadgen.driving.exposition import Exposition
from loadgen.sending.attack import Tally
from services.telemetry import (
    LOADGEN_ACTIVE,
    LOADGEN_INTENDED_RATE,
    LOADGEN_LAG,
    LOADGEN_REQUEST_DURATION,
    LOADGEN_REQUESTS,
)

NAIVE, OPTIMIZED = Slot("caching", "naive"), Slot("caching", "optimized")


def scraped(exposition: Exposition) -> dict[tuple[str, ...], float]:
    """By name and label values in the order of the labels' names."""
    text = generate_latest(exposition.registry).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def tally(latencies: list[float], lags: list[float], errors: int = 0) -> Tally:
    result = Tally(answered=len(latencies), errors=errors, sent=len(latencies) + errors)
    for latency in latencies:
        result.latencies.record(latency)
    for lag in lags:
        result.lags.record(lag)
    return result


def test_requests_are_counted_by_outcome() -> None:
    exposition = Exposition()
    exposition.count(NAIVE, tally([0.01] * 3, []))
    exposition.count(NAIVE, tally([0.01] * 2, [], errors=1))
    samples = scraped(exposition)
    assert samples[LOADGEN_REQUESTS.name, "ok", *NAIVE] == 5
    assert samples[LOADGEN_REQUESTS.name, "error", *NAIVE] == 1
    assert (LOADGEN_REQUESTS.name, "ok", *OPTIMIZED) not in samples


def test_durations_and_lateness_are_added_up_in_buckets() -> None:
    exposition = Exposition()
    for _ in range(2):
        exposition.count(NAIVE, tally([0.0011, 0.011, 0.11, 60.0], [0.0003]))
    samples = scraped(exposition)
    bucket, name = f"{LOADGEN_REQUEST_DURATION.name}_bucket", LOADGEN_REQUEST_DURATION.name
    found = [samples[bucket, bound, *NAIVE] for bound in ("0.001", "0.01", "0.1", "1.0", "10.0")]
    assert found == [0, 2, 4, 6, 6]
    assert samples[bucket, "+Inf", *NAIVE] == samples[f"{name}_count", *NAIVE] == 8
    assert samples[f"{name}_sum", *NAIVE] == pytest.approx(2 * 60.1221, rel=0.001)
    assert samples[f"{LOADGEN_LAG.name}_count", *NAIVE] == 2
    assert len([each for each in samples if each[0] == bucket]) == (
        len(LOADGEN_REQUEST_DURATION.buckets) + 1
    )


def test_the_slot_that_is_being_driven_is_marked() -> None:
    exposition = Exposition()
    for slot in (NAIVE, OPTIMIZED):
        exposition.begin(slot)
        assert scraped(exposition)[LOADGEN_ACTIVE.name, *slot] == 1
        exposition.end(slot)
        assert scraped(exposition)[LOADGEN_ACTIVE.name, *slot] == 0


def test_what_is_intended_is_shared_by_the_slots_of_a_round() -> None:
    exposition = Exposition()
    exposition.intend(60, [NAIVE, OPTIMIZED, NAIVE])
    samples = scraped(exposition)
    assert samples[LOADGEN_INTENDED_RATE.name, *NAIVE] == 40
    assert samples[LOADGEN_INTENDED_RATE.name, *OPTIMIZED] == 20
    exposition.intend(0, [NAIVE])
    samples = scraped(exposition)
    assert samples[LOADGEN_INTENDED_RATE.name, *NAIVE] == 0
    assert (LOADGEN_INTENDED_RATE.name, *OPTIMIZED) not in samples
