"""`log_records_total`, read when it is scraped."""

from prometheus_client import CollectorRegistry, generate_latest

from services.async_logging.outcomes import RecordCounter


def test_a_scrape_sees_the_sum_over_a_variants_sinks() -> None:
    registry = CollectorRegistry()
    records = RecordCounter(registry)
    file, stdout = records.of("optimized"), records.of("optimized")
    file.accepted(3)
    file.written(2)
    stdout.accepted(4)
    stdout.dropped(1)
    records.of("naive").failed(5)
    found = dict(
        line.rsplit(" ", 1)
        for line in generate_latest(registry).decode().splitlines()
        if not line.startswith("#")
    )
    name = 'log_records_total{{outcome="{}",technique="async-logging",variant="{}"}}'
    assert {key: value for key, value in found.items() if value != "0.0"} == {
        name.format("accepted", "optimized"): "7.0",
        name.format("written", "optimized"): "2.0",
        name.format("dropped", "optimized"): "1.0",
        name.format("failed", "naive"): "5.0",
    }
    assert len(found) == 10
