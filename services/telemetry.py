"""Telemetry: the names, labels and buckets of every metric of the lab.

Names follow OpenTelemetry's semantic conventions in Prometheus spelling. Each label has a bounded
set of values, so a request cannot create a new time series. The module imports only the standard
library. services/chassis/metrics.py exports the metrics; monitoring/ builds dashboards from them.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

#: Upper bounds in seconds: ten per decade from 0.1 ms to 10 s. The usual dozen buckets are too few:
#: a ratio of two medians read from them can be wrong by half. A quantile read from these buckets is
#: within 10 % of the true one, if latencies spread over several buckets, as real latencies do.
DURATION_BUCKETS: tuple[float, ...] = tuple(
    float(f"{10 ** (step / 10 - 4):.3g}") for step in range(51)
)
#: Upper bounds in bytes from 256 B to 16 MiB. Each is four times the previous one.
SIZE_BUCKETS: tuple[float, ...] = tuple(float(256 * 4**step) for step in range(9))
#: Upper bounds of small counts: exact up to 5, then three per decade.
COUNT_BUCKETS: tuple[float, ...] = (0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name in Prometheus, its labels and, for a histogram, its upper bounds.

    Dashboards show `title`, Prometheus shows `description`. A summary has a sum and a count, but no
    quantiles.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram", "summary"]
    title: str
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUEST_DURATION = Metric(
    "http_server_request_duration_seconds",
    "histogram",
    "request duration",
    "Seconds from the arrival of a request to the last byte of its response.",
    ("technique", "variant", "http_request_method", "http_response_status_code"),
    DURATION_BUCKETS,
)
ACTIVE_REQUESTS = Metric(
    "http_server_active_requests",
    "gauge",
    "requests in flight",
    "Requests that the service is handling now.",
    ("technique",),
)
RESPONSE_SIZE = Metric(
    "http_server_response_body_size_bytes",
    "histogram",
    "response body size",
    "Bytes of a response body as sent, after compression.",
    ("technique", "variant"),
    SIZE_BUCKETS,
)
REQUEST_CPU = Metric(
    "http_server_request_cpu_seconds",
    "summary",
    "CPU of a request",
    "CPU seconds of a request, on the event loop and in threads. At most one request per 20 ms is"
    " measured.",
    ("technique", "variant"),
)
DATABASE_OPERATION_DURATION = Metric(
    "db_client_operation_duration_seconds",
    "histogram",
    "statement duration",
    "Seconds from sending a statement to its last row, measured in the service.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
DATABASE_OPERATIONS = Metric(
    "db_client_operations_total",
    "counter",
    "statements",
    "Statements sent to PostgreSQL, by outcome: ok or error.",
    ("technique", "variant", "outcome"),
)
DATABASE_CONNECTIONS_OPENED = Metric(
    "db_client_connections_opened_total",
    "counter",
    "connections opened",
    "Connections opened to PostgreSQL.",
    ("technique", "variant"),
)
DATABASE_CONNECTION_WAIT = Metric(
    "db_client_connection_wait_time_seconds",
    "histogram",
    "wait for a connection",
    "Seconds that a request waited for a connection: until it was opened or the pool lent it.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
DATABASE_CONNECTIONS = Metric(
    "db_client_connection_count",
    "gauge",
    "pooled connections",
    "Connections in the pool, by state: idle or used.",
    ("technique", "state"),
)
DATABASE_CONNECTIONS_CLOSED = Metric(
    "db_client_connections_closed_total",
    "counter",
    "connections closed",
    "Pooled connections closed, by reason: dead (detected before lending), aged (maximum age"
    " reached), idle (unused for too long), cancelled (with its request), failed, drained (at"
    " shutdown).",
    ("technique", "variant", "reason"),
)
DATABASE_CONNECTION_REFUSALS = Metric(
    "db_client_connection_refusals_total",
    "counter",
    "requests without a connection",
    "Requests that got no connection, by reason: timeout, or full (too many requests waiting).",
    ("technique", "variant", "reason"),
)
DATABASE_CONNECTION_LEAKS = Metric(
    "db_client_connection_leaks_total",
    "counter",
    "connections held too long",
    "Connections that a request held longer than LAB_POOL_LEAK_AFTER.",
    ("technique", "variant"),
)
DATABASE_PENDING_REQUESTS = Metric(
    "db_client_connection_pending_requests",
    "gauge",
    "requests waiting for a connection",
    "Requests that are waiting for a pooled connection now.",
    ("technique",),
)
DATABASE_OPERATIONS_PER_REQUEST = Metric(
    "db_client_operations_per_request",
    "histogram",
    "statements in a request",
    "Number of statements that a request sent to PostgreSQL.",
    ("technique", "variant"),
    COUNT_BUCKETS,
)
DATABASE_OVER_BUDGET = Metric(
    "db_client_over_budget_requests_total",
    "counter",
    "requests over their query budget",
    "Requests that sent more statements than their budget allows.",
    ("technique", "variant"),
)
CACHE_REQUESTS = Metric(
    "cache_requests_total",
    "counter",
    "cache look-ups",
    "Look-ups by result: hit, stale (an expired entry was served), miss, shared (result of"
    " another request's load), error (cache unavailable).",
    ("technique", "variant", "result"),
)
CACHE_LOADS = Metric(
    "cache_loads_total",
    "counter",
    "loads from the source",
    "Loads from the database, by reason: miss, early (before the entry expires), stale (in the"
    " background, while the expired entry is served), error (cache unavailable).",
    ("technique", "variant", "reason"),
)
CACHE_CIRCUIT_BREAKER = Metric(
    "cache_circuit_breaker_state",
    "gauge",
    "state of the cache's circuit breaker",
    "1 for the current state of the circuit breaker, 0 for the other states: closed, open,"
    " half-open.",
    ("technique", "state"),
)
JSON_ENCODE_DURATION = Metric(
    "json_encode_duration_seconds",
    "histogram",
    "time in the JSON encoder",
    "Seconds to encode rows as the JSON bytes of a body.",
    ("technique", "encoder"),
    DURATION_BUCKETS,
)
COMPRESSION_BYTES = Metric(
    "compression_bytes_total",
    "counter",
    "bytes before and after compression",
    "Bytes of bodies before compression (stage=in) and after compression (stage=out).",
    ("technique", "variant", "encoding", "stage"),
)
COMPRESSION_DURATION = Metric(
    "compression_duration_seconds",
    "histogram",
    "time in the compressor",
    "Seconds to compress a body.",
    ("technique", "variant", "encoding"),
    DURATION_BUCKETS,
)
LOG_RECORDS = Metric(
    "log_records_total",
    "counter",
    "log records",
    "Log records by outcome: accepted, written, sampled (omitted by LAB_LOG_SAMPLING), dropped"
    " (queue full), failed (the sink raised an error).",
    ("technique", "variant", "outcome"),
)
LOG_QUEUE_DEPTH = Metric(
    "log_queue_depth",
    "gauge",
    "log records waiting",
    "Log records in the queue, waiting to be written.",
    ("technique",),
)
EVENT_LOOP_LAG = Metric(
    "event_loop_lag_seconds",
    "histogram",
    "event loop lag",
    "Seconds by which a timer fired late, because other code blocked the event loop.",
    ("technique",),
    DURATION_BUCKETS,
)
GATEWAY_REQUEST_DURATION = Metric(
    "gateway_request_duration_seconds",
    "histogram",
    "request duration at the gateway",
    "Seconds from the arrival of a request at the gateway to the last byte of its response.",
    REQUEST_DURATION.labels,
    DURATION_BUCKETS,
)
GATEWAY_RESPONSE_SIZE = Metric(
    "gateway_response_body_size_bytes",
    "histogram",
    "response body size at the gateway",
    "Bytes of a response body as the gateway forwarded it.",
    RESPONSE_SIZE.labels,
    SIZE_BUCKETS,
)
GATEWAY_REQUEST_CPU = Metric(
    "gateway_request_cpu_seconds",
    "summary",
    "CPU of a request at the gateway",
    "CPU seconds that the gateway spent on a request. At most one request per 20 ms is measured.",
    REQUEST_CPU.labels,
)
GATEWAY_REPLICAS = Metric(
    "gateway_replicas",
    "gauge",
    "replicas",
    "Addresses to which the host name of a service resolves.",
    ("technique",),
)
GATEWAY_RETRIES = Metric(
    "gateway_retries_total",
    "counter",
    "retries on another replica",
    "Requests that the gateway sent to the next replica because one refused the connection.",
    ("technique",),
)
LOADGEN_REQUESTS = Metric(
    "loadgen_requests_total",
    "counter",
    "requests sent",
    "Requests that the load generator sent, by outcome: ok or error.",
    ("technique", "variant", "outcome"),
)
LOADGEN_REQUEST_DURATION = Metric(
    "loadgen_request_duration_seconds",
    "histogram",
    "request duration at the client",
    "Seconds from sending a request to the last byte of its response, measured in the client.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
LOADGEN_INTENDED_RATE = Metric(
    "loadgen_intended_requests_per_second",
    "gauge",
    "intended rate",
    "Intended requests per second, on average over a round of slots. 0 in a closed loop, which has"
    " no intended rate, and while the load is stopped.",
    ("technique", "variant"),
)
LOADGEN_LAG = Metric(
    "loadgen_lag_seconds",
    "histogram",
    "lateness of the load generator",
    "Seconds by which a request was sent later than intended. In a closed loop, which has no"
    " intended times, the lateness of a timer.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
LOADGEN_ACTIVE = Metric(
    "loadgen_active_slot",
    "gauge",
    "variant under load",
    "1 for the variant that the load generator drives now, 0 for all others.",
    ("technique", "variant"),
)


class RequestMetrics(NamedTuple):
    """The metrics of every request: histograms of duration and size, a summary of CPU time."""

    duration: Metric
    size: Metric
    cpu: Metric


SERVICE_REQUESTS = RequestMetrics(REQUEST_DURATION, RESPONSE_SIZE, REQUEST_CPU)
#: The gateway has separate names. With the services' names, a sum over technique and variant would
#: count a request through the gateway twice.
GATEWAY_REQUESTS = RequestMetrics(
    GATEWAY_REQUEST_DURATION, GATEWAY_RESPONSE_SIZE, GATEWAY_REQUEST_CPU
)

METRICS: tuple[Metric, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Metric)
)
