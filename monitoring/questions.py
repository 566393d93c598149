"""Ten questions that a reader will want to ask Prometheus."""

from dataclasses import dataclass

from monitoring.promql import per_second, quantile, rate, select, total
from monitoring.recording import CPU, GATEWAY_EXTRA, LAG, P50_SPEEDUP, P99_SPEEDUP, VARIANT
from services.telemetry import (
    CACHE_REQUESTS,
    COMPRESSION_BYTES,
    DATABASE_OPERATIONS,
    REQUEST_DURATION,
)


@dataclass(frozen=True, slots=True)
class Question:
    """`reading` says how to take the answer."""

    title: str
    expression: str
    reading: str


_NAIVE = 'variant="naive"'
_OPTIMIZED = 'variant="optimized"'
_SLOW = rate(f"{REQUEST_DURATION.name}_bucket", "5m", 'le="0.01"', _NAIVE)
_EVERY = per_second(REQUEST_DURATION, VARIANT, "5m", _NAIVE)
_ANSWERED = per_second(REQUEST_DURATION, VARIANT, "5m")
_LOOKED_UP = per_second(CACHE_REQUESTS, ("result",), "5m")

QUESTIONS: tuple[Question, ...] = (
    Question(
        "How much faster is each technique at this moment?",
        f"sort_desc({select(P50_SPEEDUP, _OPTIMIZED)})",
        "Latency of naive over that of optimized, medians of the last minute. Below 1 the technique"
        " costs more than it brings: on one machine bytes are free, so compression loses.",
    ),
    Question(
        "And for the slowest requests?",
        f"sort_desc({select(P99_SPEEDUP, _OPTIMIZED)})",
        "The same of the 99th percentiles. A cache helps its hits; its misses are as slow as ever.",
    ),
    Question(
        "How long do 95 % of the requests take at most?",
        quantile(0.95, REQUEST_DURATION, VARIANT, "5m", 'technique="caching"'),
        "In seconds, from the buckets; put another technique in. Any quantile works the same way.",
    ),
    Question(
        "Which share of the naive requests takes longer than 10 ms?",
        f"1 - {total(VARIANT, _SLOW)} / {_EVERY}",
        "Exact, not interpolated, since 0.01 is a bound of a bucket: what objectives are made of.",
    ),
    Question(
        "How many statements does a request send to the database?",
        f"{per_second(DATABASE_OPERATIONS, VARIANT, '5m')} / {_ANSWERED}",
        "The N+1 problem as a number, and what a cache saves.",
    ),
    Question(
        "What do the look-ups in the cache find?",
        f"{_LOOKED_UP} / scalar(sum({rate(CACHE_REQUESTS.name, '5m')}))",
        "Shares of all look-ups: hit, miss, shared (another request was loading the same).",
    ),
    Question(
        "How much smaller does compression make the bodies?",
        " / ".join(
            per_second(COMPRESSION_BYTES, ("encoding",), "5m", f'stage="{stage}"')
            for stage in ("out", "in")
        ),
        "Bytes after encoding over those before, by encoding.",
    ),
    Question(
        "How much CPU does each technique save?",
        f"{select(CPU, _NAIVE)} / ignoring (variant) {select(CPU, _OPTIMIZED)}",
        "CPU seconds of a naive request over those of an optimized one, in the service alone. It"
        " tells more than latency where many requests share a core.",
    ),
    Question(
        "Whose event loop was held up the longest?",
        f"topk(3, {LAG})",
        "Seconds by which a timer fired late (p99 of five minutes). Every request of that process"
        " waits as long, whatever it asks for.",
    ),
    Question(
        "What does the gateway add?",
        f"sort_desc({GATEWAY_EXTRA})",
        "Seconds: the mean at the gateway less the mean at the service.",
    ),
)
