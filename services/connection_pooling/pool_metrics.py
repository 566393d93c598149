"""What the pool tells, as metrics of the service."""

from prometheus_client import Counter

from services import telemetry
from services.chassis.metrics import Metrics
from services.chassis.postgres import DatabaseMetrics
from services.chassis.request_context import VARIANT
from services.connection_pooling.pool import ClosedFor, ConnectionPool, RefusedFor


class PoolMetrics:
    """The pool's observer. What happens within a request counts for its variant."""

    def __init__(self, metrics: Metrics, database: DatabaseMetrics) -> None:
        self.technique = metrics.technique
        self.connection_opened = database.connection_opened
        self.connection_obtained = database.connection_obtained
        self._watch_connections = database.watch_connections
        self._closed = metrics.counter(telemetry.DATABASE_CONNECTIONS_CLOSED)
        self._refusals = metrics.counter(telemetry.DATABASE_CONNECTION_REFUSALS)
        self._leaks = metrics.counter(telemetry.DATABASE_CONNECTION_LEAKS)
        self._pending = metrics.gauge(telemetry.DATABASE_PENDING_REQUESTS)

    def connection_closed(self, reason: ClosedFor) -> None:
        self._of_variant(self._closed, reason).inc()

    def connection_refused(self, reason: RefusedFor) -> None:
        self._of_variant(self._refusals, reason).inc()

    def connection_leaked(self) -> None:
        self._of_variant(self._leaks).inc()

    def watch(self, pool: ConnectionPool) -> None:
        """Read the pool's state whenever the metrics are asked for."""
        self._watch_connections(lambda: pool.idle, lambda: pool.used)
        self._pending.labels(self.technique).set_function(lambda: pool.waiting)

    def _of_variant(self, counter: Counter, *more: str) -> Counter:
        return counter.labels(self.technique, VARIANT.get(), *more)
