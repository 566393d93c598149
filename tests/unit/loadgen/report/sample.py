"""A judgement of a whole run, with figures of a real one.

The latencies are drawn at random around the real medians, with the real 99th percentiles.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from loadgen.judgement import (
    BreakEven,
    Check,
    Comparison,
    ExperimentJudgement,
    Figures,
    Judgement,
    Median,
    Ratio,
    Ratios,
    SweepJudgement,
    SweepPoint,
    Verdict,
)
from loadgen.sending.histogram import Histogram

_P99 = 2.326  # of a standard normal distribution


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds at p50 and p99, requests/s, and bytes of a response."""

    p50: float
    p99: float
    rate: float
    size: float
    receipts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """The results of one technique."""

    title: str
    workload: str
    naive: Measured
    optimized: Measured
    speedup: tuple[float, float, float]
    verdict: Verdict = Verdict.FASTER


TECHNIQUES = {
    "caching": Found(
        "Caching",
        "Post pages, the k-th most popular of 1,000 asked for with a weight of 1/k.",
        Measured(1.537, 3.607, 2338.6, 1891.1, {"statements per request": 3.0, "CPU ms": 0.41}),
        Measured(0.585, 1.143, 6280.5, 1897.1, {"statements per request": 0.04, "CPU ms": 0.15}),
        (2.614, 2.188, 3.403),
    ),
    "connection-pooling": Found(
        "Connection pooling",
        "One post by its primary key, any of the first 1,000.",
        Measured(16.19, 26.23, 242.3, 110.8, {"connections opened per request": 1.0}),
        Measured(0.513, 1.149, 7079.8, 111.0, {"connections opened per request": 0.0}),
        (31.06, 28.57, 32.61),
    ),
    "n-plus-one": Found(
        "Avoiding N+1 queries",
        "Fifty posts with all their comments, from anywhere among the first 950.",
        Measured(53.43, 105.1, 65.56, 71379.2, {"statements per request": 51.0}),
        Measured(7.2, 15.8, 526.2, 70346.6, {"statements per request": 2.0}),
        (7.304, 6.567, 8.305),
    ),
    "pagination": Found(
        "Pagination",
        "Pages of 20 at the far end of the list: the last page and the 31 before it.",
        Measured(421.6, 829.5, 7.97, 3018.1, {"ms in statements per request": 388.0}),
        Measured(1.837, 4.248, 2064.5, 3027.7, {"ms in statements per request": 0.91}),
        (253.1, 203.3, 315.3),
    ),
    "json-serialization": Found(
        "JSON serialization",
        "1,000 nested rows, the same rows each time.",
        Measured(15.77, 33.11, 239.8, 395872.0, {"ms of JSON encoding per request": 3.6}),
        Measured(1.356, 2.47, 2792.4, 378816.0, {"ms of JSON encoding per request": 0.28}),
        (11.35, 10.58, 12.63),
    ),
    "compression": Found(
        "Compression",
        "Fifty posts with their whole text, asked for as a browser does, over loopback.",
        Measured(0.306, 0.665, 12296.2, 69620.0, {"bytes per response": 69620.0}),
        Measured(1.334, 2.662, 2908.5, 27431.0, {"bytes per response": 27431.0}),
        (0.2322, 0.225, 0.2581),
        Verdict.SLOWER,
    ),
    "async-logging": Found(
        "Asynchronous logging",
        "Ten structured records a request, to a file on the local disk.",
        Measured(0.934, 1.672, 4101.3, 14.0, {"log records dropped per request": 0.0}),
        Measured(0.293, 1.184, 11173.4, 14.0, {"log records dropped per request": 0.0021}),
        (3.135, 2.805, 3.353),
    ),
}


def ratio(estimate: float, low: float, high: float) -> Ratio:
    return Ratio(estimate, low, high)


def scaled(of: Ratio, factor: float) -> Ratio:
    return ratio(of.estimate * factor, of.low * factor, of.high * factor)


def noise_floor(reach: float = 1.03) -> Ratios:
    wide, narrow = ratio(1.004, 1 / reach, reach), ratio(0.998, 1 / reach**0.6, reach**0.6)
    return Ratios(p50=narrow, p95=wide, p99=ratio(1.01, 0.92, 1.13), throughput=narrow)


def comparison(p50: Ratio, verdict: Verdict) -> Comparison:
    return Comparison(
        p50=p50,
        p95=scaled(p50, 0.94),
        p99=ratio(p50.estimate * 0.88, p50.low * 0.7 if p50.low else 0, p50.high * 1.1),
        throughput=scaled(p50, 1.02),
        verdict=verdict,
    )


def arm(of: Measured) -> Figures:
    return Figures(
        p50_ms=of.p50,
        p95_ms=of.p50 * (of.p99 / of.p50) ** 0.7,
        p99_ms=of.p99,
        mean_ms=of.p50 * 1.08,
        requests_per_second=of.rate,
        requests=round(of.rate * 4),
        errors=0,
        bytes_per_response=of.size,
        receipts=of.receipts,
    )


def audit(lag: float = 0.21) -> tuple[Check, ...]:
    return (
        Check("schedule lag p99, ms", lag, 5.0, lag <= 5),
        Check("share of a core", 0.46, 0.9, True),
        Check("share of requests that failed", 0.0, 0.001, True),
        Check("requests counted otherwise", 0, 0.01, True),
    )


def experiment(found: Found) -> ExperimentJudgement:
    return ExperimentJudgement(
        title=found.title,
        workload=found.workload,
        baseline="naive",
        answers_equal=True,
        difference=None,
        arms={
            "control": arm(found.naive),
            "naive": arm(found.naive),
            "optimized": arm(found.optimized),
        },
        comparisons={"optimized": comparison(ratio(*found.speedup), found.verdict)},
        noise_floor=noise_floor(),
        audit=audit(),
        verdict=found.verdict,
        reason="",
    )


def unmeasured(reason: str, difference: str | None = None) -> ExperimentJudgement:
    return ExperimentJudgement(
        title="Not measured",
        workload="Nothing.",
        baseline="naive",
        answers_equal=difference is None,
        difference=difference,
        arms={},
        comparisons={},
        noise_floor=None,
        audit=(),
        verdict=Verdict.INVALID,
        reason=reason,
    )


def judgement(experiments: Mapping[str, ExperimentJudgement] | None = None) -> Judgement:
    """With all sample techniques unless experiments are given."""
    return Judgement(
        measured_at="2026-11-23T13:57:19+00:00",
        git_revision="65c1abae",
        machine={
            "processor": "AMD EPYC",
            "cores": 2,
            "memory_gib": 24,
            "system": "Linux 6.18",
            "python": "3.11.7",
        },
        settings={"iterations": 8, "concurrency": 4, "duration": 0.5, "seed": 1},
        experiments=experiments
        if experiments is not None
        else {name: experiment(found) for name, found in TECHNIQUES.items()},
    )


def drawn(of: Measured, seed: str, requests: int = 3000) -> Histogram:
    """Latencies with a log-normal distribution and a few outliers."""
    random, histogram = Random(seed), Histogram()
    spread = math.log(of.p99 / of.p50) / _P99
    for _ in range(requests):
        straggles = 1.8 if random.random() < 0.01 else 1.0
        histogram.record(of.p50 / 1e3 * math.exp(random.gauss(0, spread) * straggles))
    return histogram


@cache
def histograms() -> dict[str, dict[str, Histogram]]:
    return {
        name: {
            "naive": drawn(found.naive, f"{name}/naive"),
            "optimized": drawn(found.optimized, f"{name}/optimized"),
            "control": drawn(found.naive, f"{name}/control"),
        }
        for name, found in TECHNIQUES.items()
    }


def sweep(place: Ratio | None = None, note: str = "") -> SweepJudgement:
    """The optimized arm is slower with one row, and gains with the number of rows."""
    values = (1, 10, 100, 1000, 10_000)
    naive = (0.31, 0.46, 1.9, 15.8, 171.0)
    optimized = (0.33, 0.44, 0.62, 1.36, 9.4)
    points = zip(values, naive, optimized, strict=True)
    return SweepJudgement(
        parameter="rows",
        description="How many rows; at most what the data set holds.",
        candidate="optimized",
        points=tuple(point(*each) for each in points),
        break_even=BreakEven(place.estimate, place.low, place.high) if place else None,
        note=note,
    )


def point(value: int, naive: float, optimized: float) -> SweepPoint:
    speedup = naive / optimized
    return SweepPoint(
        value=value,
        arms={
            "naive": Median(naive),
            "optimized": Median(optimized),
            "control": Median(naive),
        },
        ratio=ratio(speedup, speedup * 0.95, speedup * 1.05),
        verdict=Verdict.FASTER if speedup > 1.05 else Verdict.SLOWER,
        reason="",
    )
