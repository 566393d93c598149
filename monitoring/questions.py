"""Ten questions about the lab that Prometheus can answer. `answers` queries them."""

from dataclasses import dataclass

from monitoring.promql import per_second, quantile, rate, select, total
from monitoring.recording_rules import CPU, GATEWAY_EXTRA, LAG, P50_SPEEDUP, P99_SPEEDUP, VARIANT
from services.telemetry import (
    CACHE_REQUESTS,
    COMPRESSION_BYTES,
    DATABASE_OPERATIONS,
    REQUEST_DURATION,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A PromQL expression with a title; `reading` explains how to interpret the answer."""

    title: str
    expression: str
    reading: str


_NAIVE = 'variant="naive"'
_OPTIMIZED = 'variant="optimized"'
_WITHIN_10_MS = rate(f"{REQUEST_DURATION.name}_bucket", "5m", 'le="0.01"', _NAIVE)
_NAIVE_REQUESTS = per_second(REQUEST_DURATION, VARIANT, "5m", _NAIVE)
_REQUESTS = per_second(REQUEST_DURATION, VARIANT, "5m")
_LOOK_UPS = per_second(CACHE_REQUESTS, ("result",), "5m")

QUESTIONS: tuple[Question, ...] = (
    Question(
        "How much faster is each technique at present?",
        f"sort_desc({select(P50_SPEEDUP, _OPTIMIZED)})",
        "Median latency of naive divided by that of optimized, over the last minute. Below 1, the"
        " technique makes requests slower. On one machine bytes cost nothing, so compression is"
        " slower.",
    ),
    Question(
        "How much faster are the slowest requests?",
        f"sort_desc({select(P99_SPEEDUP, _OPTIMIZED)})",
        "The ratio of the 99th percentiles. A cache makes hits faster, but not misses.",
    ),
    Question(
        "What is the 95th percentile of the latency?",
        quantile(0.95, REQUEST_DURATION, VARIANT, "5m", 'technique="caching"'),
        "In seconds, interpolated from the buckets. Replace technique or quantile as needed.",
    ),
    Question(
        "Which share of the naive requests takes longer than 10 ms?",
        f"1 - {total(VARIANT, _WITHIN_10_MS)} / {_NAIVE_REQUESTS}",
        "Exact, without interpolation, because 0.01 is the bound of a bucket. Choose the bounds of"
        " service level objectives in this way.",
    ),
    Question(
        "How many statements does a request send to the database?",
        f"{per_second(DATABASE_OPERATIONS, VARIANT, '5m')} / {_REQUESTS}",
        "The N+1 problem as a number, and the statements that a cache saves.",
    ),
    Question(
        "How often does a cache look-up hit?",
        f"{_LOOK_UPS} / scalar(sum({rate(CACHE_REQUESTS.name, '5m')}))",
        "Shares of all look-ups: hit, miss, and shared (another request loads the same entry).",
    ),
    Question(
        "How much smaller are compressed bodies?",
        " / ".join(
            per_second(COMPRESSION_BYTES, ("encoding",), "5m", f'stage="{stage}"')
            for stage in ("out", "in")
        ),
        "Bytes after encoding divided by bytes before encoding, by encoding.",
    ),
    Question(
        "How much CPU does each technique save?",
        f"{select(CPU, _NAIVE)} / ignoring (variant) {select(CPU, _OPTIMIZED)}",
        "CPU seconds of a naive request divided by those of an optimized one, in the service only."
        " This ratio says more than latency when many requests share a core.",
    ),
    Question(
        "Which event loop is blocked the longest?",
        f"topk(3, {LAG})",
        "Lateness of a timer in seconds (p99 of five minutes). Every request of the process waits"
        " as long.",
    ),
    Question(
        "How much time does the gateway add?",
        f"sort_desc({GATEWAY_EXTRA})",
        "Mean duration at the gateway minus the mean duration at the service, in seconds.",
    ),
)
