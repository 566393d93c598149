"""Counts the events of the pool in the service's metrics."""

from prometheus_client import Counter

from services import telemetry
from services.chassis.metrics import Metrics
from services.chassis.postgres import DatabaseMetrics
from services.chassis.request_context import VARIANT
from services.connection_pooling.pool import ConnectionPool
from services.connection_pooling.pool_observer import CloseReason, RefusalReason


class PoolMetrics:
    """The `PoolObserver` of the service.

    An event during a request counts for the request's variant, else for the empty variant.
    """

    def __init__(self, metrics: Metrics, database: DatabaseMetrics) -> None:
        self.technique = metrics.technique
        self.connection_opened = database.connection_opened
        self.connection_obtained = database.connection_obtained
        self._watch_connections = database.watch_connections
        self._closed = metrics.counter(telemetry.DATABASE_CONNECTIONS_CLOSED)
        self._refusals = metrics.counter(telemetry.DATABASE_CONNECTION_REFUSALS)
        self._leaks = metrics.counter(telemetry.DATABASE_CONNECTION_LEAKS)
        self._pending = metrics.gauge(telemetry.DATABASE_PENDING_REQUESTS)

    def connection_closed(self, reason: CloseReason) -> None:
        self._child(self._closed, reason).inc()

    def caller_refused(self, reason: RefusalReason) -> None:
        self._child(self._refusals, reason).inc()

    def connection_leaked(self) -> None:
        self._child(self._leaks).inc()

    def watch(self, pool: ConnectionPool) -> None:
        """Reads the pool's state at each scrape."""
        self._watch_connections(lambda: pool.idle, lambda: pool.used)
        self._pending.labels(self.technique).set_function(lambda: pool.waiting)

    def _child(self, counter: Counter, *labels: str) -> Counter:
        return counter.labels(self.technique, VARIANT.get(), *labels)
