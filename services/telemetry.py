"""Every metric of the lab: names, labels, buckets. The one spelling; standard library only.

Names follow OpenTelemetry's semantic conventions in Prometheus spelling. Each label has a bounded
set of values, so that no request can make a new time series.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

#: Upper bounds in seconds: ten a decade from 0.1 ms to 10 s. Fewer would carry no speed-up: a ratio
#: of two medians read from the usual dozen buckets is off by half. A quantile read from these is
#: within 10 % where latencies spread over several buckets, as real ones do.
DURATION_BUCKETS: tuple[float, ...] = tuple(
    float(f"{10 ** (step / 10 - 4):.3g}") for step in range(51)
)
#: Upper bounds in bytes, a factor of four apart from 256 B to 16 MiB.
SIZE_BUCKETS: tuple[float, ...] = tuple(float(256 * 4**step) for step in range(9))
#: Upper bounds of small numbers of things: exact up to 5, then three a decade.
COUNT_BUCKETS: tuple[float, ...] = (0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name as Prometheus shows it, and what it is allowed to be labelled with.

    `title` is what a dashboard calls it. A summary has a sum and a count, and no quantiles.
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
    "Seconds from a request's arrival to the last byte of its answer.",
    ("technique", "variant", "http_request_method", "http_response_status_code"),
    DURATION_BUCKETS,
)
ACTIVE_REQUESTS = Metric(
    "http_server_active_requests",
    "gauge",
    "requests being answered",
    "Requests being answered now.",
    ("technique",),
)
RESPONSE_SIZE = Metric(
    "http_server_response_body_size_bytes",
    "histogram",
    "bytes of answer",
    "Bytes of an answer's body as sent, after compression.",
    ("technique", "variant"),
    SIZE_BUCKETS,
)
REQUEST_CPU = Metric(
    "http_server_request_cpu_seconds",
    "summary",
    "CPU of a request",
    "Seconds of CPU that a request took, one in 20 ms: those of its steps on the event loop,"
    " and those of the work that it gave to a thread.",
    ("technique", "variant"),
)
DATABASE_OPERATION_DURATION = Metric(
    "db_client_operation_duration_seconds",
    "histogram",
    "statement duration",
    "Seconds a statement took, as the service saw it.",
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
    "Seconds a request waited for a connection: to be opened, or to be handed out by the pool.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
DATABASE_CONNECTIONS = Metric(
    "db_client_connection_count",
    "gauge",
    "pooled connections",
    "Connections of the pool, by state: idle or used.",
    ("technique", "state"),
)
DATABASE_CONNECTIONS_CLOSED = Metric(
    "db_client_connections_closed_total",
    "counter",
    "connections closed",
    "Pooled connections closed, by reason: dead (found so when lent), aged, idle (for long, and"
    " not needed), cancelled (their request was), failed, or drained (at the end).",
    ("technique", "variant", "reason"),
)
DATABASE_CONNECTION_REFUSALS = Metric(
    "db_client_connection_refusals_total",
    "counter",
    "requests without a connection",
    "Requests that got no connection, by reason: timeout, or full (too many were waiting).",
    ("technique", "variant", "reason"),
)
DATABASE_CONNECTION_LEAKS = Metric(
    "db_client_connection_leaks_total",
    "counter",
    "connections held too long",
    "Connections that a request has held longer than any should.",
    ("technique", "variant"),
)
DATABASE_PENDING_REQUESTS = Metric(
    "db_client_connection_pending_requests",
    "gauge",
    "waiting for a connection",
    "Requests waiting for a connection of the pool now.",
    ("technique",),
)
DATABASE_OPERATIONS_PER_REQUEST = Metric(
    "db_client_operations_per_request",
    "histogram",
    "statements in a request",
    "Statements that a request sent to PostgreSQL.",
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
    "Look-ups by result: hit, stale (too old, but not replaced), miss, shared (another's load) or"
    " error (cache out of reach).",
    ("technique", "variant", "result"),
)
CACHE_LOADS = Metric(
    "cache_loads_total",
    "counter",
    "loads from the source",
    "Loads of a value, by reason: miss, early (before it expires), stale (behind an old answer) or"
    " error (cache out of reach).",
    ("technique", "variant", "reason"),
)
CACHE_CIRCUIT_BREAKER = Metric(
    "cache_circuit_breaker_state",
    "gauge",
    "circuit breaker before the cache",
    "1 for the state that the breaker is in now, 0 for the others: closed, open or half-open.",
    ("technique", "state"),
)
JSON_ENCODE_DURATION = Metric(
    "json_encode_duration_seconds",
    "histogram",
    "time in the JSON encoder",
    "Seconds to turn rows into the bytes of a body.",
    ("technique", "encoder"),
    DURATION_BUCKETS,
)
COMPRESSION_BYTES = Metric(
    "compression_bytes_total",
    "counter",
    "bytes before and after encoding",
    "Bytes of bodies before (stage=in) and after (stage=out) encoding.",
    ("technique", "variant", "encoding", "stage"),
)
COMPRESSION_DURATION = Metric(
    "compression_duration_seconds",
    "histogram",
    "time in the compressor",
    "Seconds to encode a body.",
    ("technique", "variant", "encoding"),
    DURATION_BUCKETS,
)
LOG_RECORDS = Metric(
    "log_records_total",
    "counter",
    "log records",
    "Records by outcome: accepted, written, sampled (left out on purpose), dropped (queue full) or"
    " failed (the sink refused).",
    ("technique", "variant", "outcome"),
)
LOG_QUEUE_DEPTH = Metric(
    "log_queue_depth",
    "gauge",
    "log records waiting",
    "Records waiting to be written.",
    ("technique",),
)
EVENT_LOOP_LAG = Metric(
    "event_loop_lag_seconds",
    "histogram",
    "event loop lag",
    "Seconds by which a timer fired late: how long the event loop was held up.",
    ("technique",),
    DURATION_BUCKETS,
)
GATEWAY_REQUEST_DURATION = Metric(
    "gateway_request_duration_seconds",
    "histogram",
    "request duration at the gateway",
    "Seconds from a request's arrival at the gateway to the last byte of its answer.",
    REQUEST_DURATION.labels,
    DURATION_BUCKETS,
)
GATEWAY_RESPONSE_SIZE = Metric(
    "gateway_response_body_size_bytes",
    "histogram",
    "bytes passed back",
    "Bytes of an answer's body as the gateway passed it on.",
    RESPONSE_SIZE.labels,
    SIZE_BUCKETS,
)
GATEWAY_REQUEST_CPU = Metric(
    "gateway_request_cpu_seconds",
    "summary",
    "CPU of a request at the gateway",
    "Seconds of CPU that passing a request on took, one in 20 ms.",
    REQUEST_CPU.labels,
)
GATEWAY_REPLICAS = Metric(
    "gateway_replicas",
    "gauge",
    "replicas",
    "Addresses that a service's name leads to.",
    ("technique",),
)
GATEWAY_RETRIES = Metric(
    "gateway_retries_total",
    "counter",
    "requests sent to another replica",
    "Requests sent again, to another replica, since the one before refused the connection.",
    ("technique",),
)
LOADGEN_REQUESTS = Metric(
    "loadgen_requests_total",
    "counter",
    "requests sent",
    "Requests sent by the load generator, by outcome: ok or error.",
    ("technique", "variant", "outcome"),
)
LOADGEN_REQUEST_DURATION = Metric(
    "loadgen_request_duration_seconds",
    "histogram",
    "request duration at the client",
    "Seconds from sending a request to its last byte, as the client saw it.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
LOADGEN_INTENDED_RATE = Metric(
    "loadgen_intended_requests_per_second",
    "gauge",
    "intended rate",
    "Requests per second that are to be sent, on average over a round of slots; 0 in a closed"
    " loop, where no rate is intended, and while the load is stopped.",
    ("technique", "variant"),
)
LOADGEN_LAG = Metric(
    "loadgen_lag_seconds",
    "histogram",
    "lateness of the load generator",
    "Seconds by which a request was sent later than intended; in a closed loop, where nothing is,"
    " by which a timer of the generator was late.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
LOADGEN_ACTIVE = Metric(
    "loadgen_active_slot",
    "gauge",
    "being driven",
    "1 for the variant that is being driven now, 0 for every other.",
    ("technique", "variant"),
)


class RequestMetrics(NamedTuple):
    """What every request is counted with. Histograms of duration and size, a summary of CPU."""

    duration: Metric
    size: Metric
    cpu: Metric


SERVICE_REQUESTS = RequestMetrics(REQUEST_DURATION, RESPONSE_SIZE, REQUEST_CPU)
#: Under names of their own: a sum over technique and variant must not count a request that went
#: through the gateway twice.
GATEWAY_REQUESTS = RequestMetrics(
    GATEWAY_REQUEST_DURATION, GATEWAY_RESPONSE_SIZE, GATEWAY_REQUEST_CPU
)

METRICS: tuple[Metric, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Metric)
)
