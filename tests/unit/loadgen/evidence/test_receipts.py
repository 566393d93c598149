"""Receipts: counters read from the text of `/metrics`, and figures per request."""

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from loadgen.evidence.receipts import counters, growth, receipts, requests_counted
from services import telemetry
from services.chassis.metrics import Metrics

REQUESTS = "http_server_request_duration_seconds_count"


def exposition(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


@pytest.fixture
def service() -> Metrics:
    """A service with two answers of naive and one of optimized."""
    metrics = Metrics("made-up")
    for variant, seconds in (("naive", 0.2), ("naive", 0.4), ("optimized", 0.1)):
        metrics.recorder(("made-up", variant)).answered("GET", 200, seconds, 1000)
    return metrics


def test_requests_are_counted_by_variant(service: Metrics) -> None:
    assert requests_counted(counters(exposition(service), "naive")) == 2
    assert requests_counted(counters(exposition(service), "optimized")) == 1
    assert requests_counted(counters(exposition(service))) == 3


def test_requests_are_counted_whatever_their_status(service: Metrics) -> None:
    service.recorder(("made-up", "naive")).answered("GET", 503, 0.1, 10)
    found = counters(exposition(service), "naive")
    for status, count in ((200, 2), (503, 1)):
        labels = f'http_request_method="GET",http_response_status_code="{status}"'
        assert found[f"{REQUESTS}{{{labels}}}"] == count
    assert requests_counted(found) == 3


def test_a_server_without_a_request_counter_has_no_count() -> None:
    assert requests_counted(counters("# TYPE other_total counter\nother_total 3\n")) is None


def test_buckets_and_gauges_are_left_out(service: Metrics) -> None:
    service.gauge(telemetry.LOG_QUEUE_DEPTH).labels("made-up").set(7)
    found = counters(exposition(service))
    assert not [each for each in found if "bucket" in each or "log_queue_depth" in each]


def test_a_counter_without_a_series_of_the_variant_is_zero(service: Metrics) -> None:
    statements = service.counter(telemetry.DATABASE_OPERATIONS)
    statements.labels("made-up", "naive", "ok").inc(5)
    found = counters(exposition(service), "optimized")
    assert found["db_client_operations_total"] == 0
    assert receipts(found, 1)["statements per request"] == 0


def test_a_counter_without_any_series_is_zero(service: Metrics) -> None:
    service.counter(telemetry.DATABASE_CONNECTIONS_OPENED)
    assert (
        receipts(counters(exposition(service), "naive"), 2)["connections opened per request"] == 0
    )


@pytest.mark.parametrize(
    "text", ["<html>", "requests many\n", "requests{code=200} 3\n", "requests{} \n"]
)
def test_a_text_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        counters(text)


def test_an_empty_text_has_no_counters() -> None:
    assert counters("") == {}


def test_a_sample_that_is_not_a_number_counts_as_zero() -> None:
    assert counters("# TYPE a_total counter\na_total NaN\n") == {"a_total": 0}


# Growth


def test_growth_is_the_difference_of_two_readings() -> None:
    assert growth({"a": 2.0, "b": 1.0}, {"a": 5.0, "b": 1.0}) == {"a": 3.0, "b": 0.0}


def test_a_new_counter_started_at_zero() -> None:
    assert growth({}, {"a": 5.0}) == {"a": 5.0}


def test_a_counter_of_a_restarted_server_started_at_zero() -> None:
    assert growth({"a": 100.0}, {"a": 5.0}) == {"a": 5.0}


# Receipts


def of(variant: str, metrics: Metrics) -> dict[str, float]:
    return receipts(counters(exposition(metrics), variant), requests=0)


def test_bytes_are_counted_per_response(service: Metrics) -> None:
    service.recorder(("made-up", "naive")).answered("GET", 200, 0.1, 4000)
    assert of("naive", service)["bytes per response"] == 2000
    assert of("optimized", service)["bytes per response"] == 1000


def test_statements_and_connections_are_counted_per_request(service: Metrics) -> None:
    statements = service.counter(telemetry.DATABASE_OPERATIONS)
    statements.labels("made-up", "naive", "ok").inc(99)
    statements.labels("made-up", "naive", "error").inc(3)
    statements.labels("made-up", "optimized", "ok").inc(2)
    service.counter(telemetry.DATABASE_CONNECTIONS_OPENED).labels("made-up", "naive").inc(2)
    assert of("naive", service)["statements per request"] == 51
    assert of("optimized", service)["statements per request"] == 2
    assert of("naive", service)["connections opened per request"] == 1
    assert of("optimized", service)["connections opened per request"] == 0


def test_times_are_milliseconds_per_request(service: Metrics) -> None:
    service.histogram(telemetry.DATABASE_OPERATION_DURATION).labels("made-up", "naive").observe(0.3)
    service.histogram(telemetry.DATABASE_CONNECTION_WAIT).labels("made-up", "naive").observe(0.1)
    # This metric has no variant label: one variant at a time runs in the process.
    service.histogram(telemetry.JSON_ENCODE_DURATION).labels("made-up", "json").observe(0.5)
    found = of("naive", service)
    assert found["ms in statements per request"] == pytest.approx(150)
    assert found["ms of waiting for a connection per request"] == pytest.approx(50)
    assert found["ms of JSON encoding per request"] == pytest.approx(250)


def test_the_hit_ratio_is_a_share_of_all_lookups(service: Metrics) -> None:
    look_ups = service.counter(telemetry.CACHE_REQUESTS)
    for result, count in (("hit", 6), ("miss", 1), ("shared", 2), ("error", 1)):
        look_ups.labels("made-up", "optimized", result).inc(count)
    assert of("optimized", service)["cache hit ratio"] == pytest.approx(0.6)
    assert "cache hit ratio" not in of("naive", service)


def test_encoded_bytes_are_a_share_of_the_bytes_before(service: Metrics) -> None:
    encoded = service.counter(telemetry.COMPRESSION_BYTES)
    for coding in ("gzip", "zstd"):
        encoded.labels("made-up", "optimized", coding, "in").inc(1000)
        encoded.labels("made-up", "optimized", coding, "out").inc(200)
    assert of("optimized", service)["encoded bytes of one byte"] == pytest.approx(0.2)


def test_log_records_are_counted_by_outcome(service: Metrics) -> None:
    written = service.counter(telemetry.LOG_RECORDS)
    written.labels("made-up", "naive", "accepted").inc(4)
    written.labels("made-up", "naive", "written").inc(3)
    written.labels("made-up", "naive", "dropped").inc(1)
    found = of("naive", service)
    assert found["log records written per request"] == 1.5
    assert found["log records dropped per request"] == 0.5


def test_cpu_is_that_of_the_whole_process() -> None:
    before = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 10.0\n"
    grown = growth(counters(before), counters(before.replace("10.0", "10.5")))
    assert receipts(grown, 250) == {"CPU ms per request": pytest.approx(2.0)}


def test_only_exposed_metrics_have_a_receipt(service: Metrics) -> None:
    assert of("naive", service).keys() == {"bytes per response", "CPU ms per request"}


def test_the_servers_count_of_requests_has_precedence_over_the_clients(service: Metrics) -> None:
    service.counter(telemetry.DATABASE_OPERATIONS).labels("made-up", "naive", "ok").inc(6)
    found = receipts(counters(exposition(service), "naive"), requests=1_000_000)
    assert found["statements per request"] == 3


def test_without_requests_there_are_no_receipts() -> None:
    assert receipts({"process_cpu_seconds_total": 1.0, "other_total": 7.0}, 0) == {}


# Servers outside this lab


@pytest.fixture
def foreign() -> CollectorRegistry:
    registry = CollectorRegistry()
    queries = Counter("shop_queries", "Queries.", ["table", "variant"], registry=registry)
    for table in ("orders", "customers"):
        queries.labels(table, "a").inc(10)
    Counter("shop_idle", "Never.", registry=registry)
    Counter("python_collections", "Of garbage.", registry=registry).inc(9)
    return registry


def test_every_counter_of_another_server_that_grew_is_a_receipt(foreign: CollectorRegistry) -> None:
    grown = growth({}, counters(generate_latest(foreign).decode()))
    assert receipts(grown, 10) == {"shop_queries_total per request": 2.0}


def test_a_counter_of_another_server_is_summed_over_its_labels(foreign: CollectorRegistry) -> None:
    assert counters(generate_latest(foreign).decode())["shop_queries_total"] == 20


def test_the_labs_own_counters_appear_only_under_the_names_for_people(service: Metrics) -> None:
    for metric in telemetry.METRICS:
        if metric.kind == "counter":
            service.counter(metric).labels(*["x"] * len(metric.labels)).inc(5)
    service.recorder(("made-up", "naive")).took_cpu(0.5)
    found = receipts(counters(exposition(service)), 3)
    assert not [name for name in found if "_total" in name or "_sum" in name or "_count" in name]
