"""Every metric of the lab: names, labels, buckets. The one spelling; standard library only.

Names follow OpenTelemetry's semantic conventions in Prometheus spelling. Each label has a bounded
set of values, so that no request can make a new time series.
"""

from dataclasses import dataclass
from typing import Literal

#: Upper bounds in seconds: ten a decade from 0.1 ms to 10 s. Fewer would carry no speed-up: a ratio
#: of two medians read from the usual dozen buckets is off by half. A quantile read from these is
#: within 10 % where latencies spread over several buckets, as real ones do.
DURATION_BUCKETS: tuple[float, ...] = tuple(
    float(f"{10 ** (step / 10 - 4):.3g}") for step in range(51)
)
#: Upper bounds in bytes, a factor of four apart from 256 B to 16 MiB.
SIZE_BUCKETS: tuple[float, ...] = tuple(float(256 * 4**step) for step in range(9))


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name as Prometheus shows it, and what it is allowed to be labelled with."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUEST_DURATION = Metric(
    "http_server_request_duration_seconds",
    "histogram",
    "Seconds from a request's arrival to the last byte of its answer.",
    ("technique", "variant", "http_request_method", "http_response_status_code"),
    DURATION_BUCKETS,
)
ACTIVE_REQUESTS = Metric(
    "http_server_active_requests", "gauge", "Requests being answered now.", ("technique",)
)
RESPONSE_SIZE = Metric(
    "http_server_response_body_size_bytes",
    "histogram",
    "Bytes of an answer's body as sent, after compression.",
    ("technique", "variant"),
    SIZE_BUCKETS,
)
DATABASE_OPERATION_DURATION = Metric(
    "db_client_operation_duration_seconds",
    "histogram",
    "Seconds a statement took, as the service saw it.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
DATABASE_OPERATIONS = Metric(
    "db_client_operations_total",
    "counter",
    "Statements sent to PostgreSQL, by outcome: ok or error.",
    ("technique", "variant", "outcome"),
)
DATABASE_CONNECTIONS_OPENED = Metric(
    "db_client_connections_opened_total",
    "counter",
    "Connections opened to PostgreSQL.",
    ("technique", "variant"),
)
DATABASE_CONNECTION_WAIT = Metric(
    "db_client_connection_wait_time_seconds",
    "histogram",
    "Seconds a request waited for a connection: to be opened, or to be handed out by the pool.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)
DATABASE_CONNECTIONS = Metric(
    "db_client_connection_count",
    "gauge",
    "Connections of the pool, by state: idle or used.",
    ("technique", "state"),
)
CACHE_REQUESTS = Metric(
    "cache_requests_total",
    "counter",
    "Look-ups by result: hit, miss, shared (another's load) or error (cache out of reach).",
    ("technique", "variant", "result"),
)
JSON_ENCODE_DURATION = Metric(
    "json_encode_duration_seconds",
    "histogram",
    "Seconds to turn rows into the bytes of a body.",
    ("technique", "encoder"),
    DURATION_BUCKETS,
)
COMPRESSION_BYTES = Metric(
    "compression_bytes_total",
    "counter",
    "Bytes of bodies before (stage=in) and after (stage=out) encoding.",
    ("technique", "variant", "encoding", "stage"),
)
LOG_RECORDS = Metric(
    "log_records_total",
    "counter",
    "Records by outcome: accepted, written, dropped (queue full) or failed (the sink refused).",
    ("technique", "variant", "outcome"),
)
LOG_QUEUE_DEPTH = Metric(
    "log_queue_depth", "gauge", "Records waiting to be written.", ("technique",)
)
EVENT_LOOP_LAG = Metric(
    "event_loop_lag_seconds",
    "histogram",
    "Seconds by which a timer fired late: how long the event loop was held up.",
    ("technique",),
    DURATION_BUCKETS,
)
LOADGEN_REQUESTS = Metric(
    "loadgen_requests_total",
    "counter",
    "Requests sent by the load generator, by outcome: ok or error.",
    ("technique", "variant", "outcome"),
)
LOADGEN_REQUEST_DURATION = Metric(
    "loadgen_request_duration_seconds",
    "histogram",
    "Seconds from sending a request to its last byte, as the client saw it.",
    ("technique", "variant"),
    DURATION_BUCKETS,
)

METRICS: tuple[Metric, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Metric)
)
