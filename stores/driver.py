"""Statements for Cassandra, through the official driver. Writes survive an outage of the cluster."""

from __future__ import annotations

import logging
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from cassandra import (
    ConsistencyLevel,
    DriverException,
    OperationTimedOut,
    ReadTimeout,
    RequestExecutionException,
)
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.concurrent import execute_concurrent
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy, TokenAwarePolicy
from cassandra.protocol import ErrorMessage
from cassandra.query import BatchStatement, BatchType, PreparedStatement, SimpleStatement, tuple_factory

from stores.cql import Address, keyspace_of
from stores.errors import AwayError, BrokenError, QueryError, RowsError, UnreachableError
from stores.patience import PATIENCE_SECONDS, Patience
from stores.queries import Result

_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 20.0
_RECONNECT_SECONDS = 1.0
_CONCURRENT = 64
_PAGE_ROWS = 5000
_AWAY = (NoHostAvailable, OperationTimedOut, RequestExecutionException)
# The driver keeps only the text of an error of TLS.
_DISTRUST = "CERTIFICATE_VERIFY_FAILED"
# Every error is also raised, and reported by whoever handles it.
logging.getLogger("cassandra").setLevel(logging.CRITICAL)


class Driver:
    """Statements for one cluster. It connects with the first one. Threads may share it."""

    def __init__(self, address: Address, patience: float = PATIENCE_SECONDS) -> None:
        self._address = address
        self._where = f"Cassandra at {','.join(address.hosts)}:{address.port}"
        self._patience = Patience(self._where, patience)
        self._session: Session | None = None
        self._connecting = threading.Lock()
        self._prepared: dict[str, PreparedStatement] = {}

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._patience.problem

    def create(self, *definitions: str) -> None:
        """Create the keyspace and what the definitions say, unless it exists."""
        for definition in (keyspace_of(self._address), *definitions):
            self._patience.repeat(partial(self._execute, definition))

    def write(self, statement: str, groups: Sequence[Sequence[Sequence[Any]]]) -> None:
        """Execute the statement for each row. The rows of a group have the same partition.

        Repeats everything after an error that may pass. Raises RowsError and UnreachableError.
        """

        def send() -> None:
            with self._explained():
                prepared = self._of(statement)
                try:
                    batches = [(_together(prepared, group), ()) for group in groups]
                except (TypeError, ValueError, struct.error) as error:
                    raise RowsError(str(error)) from error
                execute_concurrent(
                    self._connected(), batches, concurrency=_CONCURRENT, raise_on_first_error=True
                )

        if groups:
            self._patience.repeat(send)

    def read(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, page by page. Raises UnreachableError and BrokenError."""
        with self._explained():
            yield from self._connected().execute(self._of(statement), values)

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """The first rows of a query in the keyspace. Raises QueryError and UnreachableError."""
        too_long = f"the query took longer than {seconds:g} s; narrow it, or allow more"
        deadline = time.monotonic() + seconds
        rows: list[tuple[Any, ...]] = []
        try:
            session = self._connected()
            session.set_keyspace(self._address.keyspace)
            statement = SimpleStatement(text, fetch_size=min(limit + 1, _PAGE_ROWS))
            found = session.execute(statement, timeout=seconds)
            # Each page is a request of its own.
            for row in islice(found, limit + 1):
                rows.append(row)
                if time.monotonic() > deadline:
                    raise QueryError(too_long)
        except (OperationTimedOut, ReadTimeout) as error:
            raise QueryError(too_long) from error
        except _AWAY as error:
            raise self._unreachable(error) from error
        except (DriverException, ErrorMessage) as error:
            raise QueryError(str(error)) from error
        return Result(found.column_names or (), rows[:limit], len(rows) > limit)

    def _execute(self, statement: str) -> None:
        with self._explained():
            self._connected().execute(statement)

    def exists(self, table: str) -> bool:
        """Whether the keyspace has this table."""
        query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?"
        return any(self.read(query, (self._address.keyspace, table)))

    def sizes(self) -> dict[str, int]:
        """The bytes of each table on the disk of the node that answers; in whole MiB, rounded up."""
        query = "SELECT keyspace_name, table_name, mebibytes FROM system_views.disk_usage"
        try:
            return {
                name: size * 2**20
                for keyspace, name, size in self.read(query)
                if keyspace == self._address.keyspace
            }
        except BrokenError:
            return {}  # before Cassandra 4

    def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            self._session.cluster.shutdown()
        self._session, self._prepared = None, {}

    def _of(self, statement: str) -> PreparedStatement:
        if statement not in self._prepared:
            self._prepared[statement] = self._connected().prepare(statement)
        return self._prepared[statement]

    def _connected(self) -> Session:
        with self._connecting:
            if self._session is None:
                self._session = self._connect()
            return self._session

    def _connect(self) -> Session:
        cluster = cluster_of(self._address)
        try:
            session = cluster.connect()
        except BaseException:
            cluster.shutdown()
            raise
        session.default_fetch_size = _PAGE_ROWS
        return session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into UnreachableError and BrokenError."""
        try:
            yield
        except _AWAY as error:
            raise self._unreachable(error) from error
        except DriverException as error:
            raise BrokenError(f"{self._where}: {error}") from error

    def _unreachable(self, error: Exception) -> UnreachableError:
        said = _cause_of(error)
        if _DISTRUST in str(said):
            return UnreachableError(
                f"{self._where} does not prove who it is: {said}; check CASSANDRA_CA, and that the nodes' "
                f"certificates hold the name {self._address.hosts[0]}"
            )
        return AwayError(f"{self._where} does not answer: {said}")


def cluster_of(address: Address) -> Cluster:
    """The driver's view of a cluster, not connected yet."""
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(RoundRobinPolicy()),
        consistency_level=ConsistencyLevel.QUORUM,
        request_timeout=_REQUEST_SECONDS,
        row_factory=tuple_factory,
    )
    name, password, _ = address.login
    login = PlainTextAuthProvider(name, password) if name else None
    tls = address.login.tls()
    return Cluster(
        list(address.hosts),
        port=address.port,
        auth_provider=login,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=_CONNECT_SECONDS,
        # By default, the pauses double up to 10 minutes: a node that is back seems away for as long again.
        reconnection_policy=ConstantReconnectionPolicy(_RECONNECT_SECONDS, max_attempts=None),
        ssl_context=tls,
        # Nodes find each other by IP addresses, which a certificate seldom holds.
        ssl_options={"server_hostname": address.hosts[0]} if tls else None,
        monitor_reporting_enabled=False,
    )


def _cause_of(error: Exception) -> object:
    # NoHostAvailable holds the error of each host.
    causes = getattr(error, "errors", None)
    return next(iter(causes.values()), error) if isinstance(causes, dict) else error


def _together(prepared: PreparedStatement, rows: Sequence[Sequence[Any]]) -> Any:
    """One request for rows of the same partition."""
    if len(rows) == 1:
        return prepared.bind(rows[0])
    batch = BatchStatement(BatchType.UNLOGGED)
    for row in rows:
        batch.add(prepared, row)
    return batch
