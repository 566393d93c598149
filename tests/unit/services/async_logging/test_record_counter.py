"""The metric `log_records_total`, and the counts behind it."""

from prometheus_client import CollectorRegistry, generate_latest

from services.async_logging.record_counter import OutcomeCounts, RecordCounter


def test_a_scrape_returns_the_sum_over_the_sinks_of_a_variant() -> None:
    registry = CollectorRegistry()
    records = RecordCounter(registry)
    file, stdout = records.new_counts("optimized"), records.new_counts("optimized")
    file.accepted(3)
    file.written(2)
    stdout.accepted(4)
    stdout.dropped(1)
    records.new_counts("naive").failed(5)
    samples = dict(
        line.rsplit(" ", 1)
        for line in generate_latest(registry).decode().splitlines()
        if not line.startswith("#")
    )
    name = 'log_records_total{{outcome="{}",technique="async-logging",variant="{}"}}'
    assert {key: value for key, value in samples.items() if value != "0.0"} == {
        name.format("accepted", "optimized"): "7.0",
        name.format("written", "optimized"): "2.0",
        name.format("dropped", "optimized"): "1.0",
        name.format("failed", "naive"): "5.0",
    }
    assert len(samples) == 10


def test_pending_records_are_accepted_and_neither_written_nor_failed() -> None:
    counts = OutcomeCounts()
    counts.accepted(10)
    counts.written(4)
    counts.failed(1)
    counts.dropped(100)
    counts.sampled(100)
    assert counts.pending == 5
