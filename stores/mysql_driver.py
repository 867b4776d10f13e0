"""Statements for MySQL, through PyMySQL. Writes survive an outage of the server."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import SSCursor

from stores.errors import AwayError, BrokenError, QueryError, RowsError, UnreachableError
from stores.patience import PATIENCE_SECONDS, Patience
from stores.queries import Result
from stores.sql import Address

_CONNECT_SECONDS = 5
_REQUEST_SECONDS = 60
_AWAY = {
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
    1927,  # a connection was killed: what MariaDB says while it stops
    ER.LOCK_WAIT_TIMEOUT,
    ER.LOCK_DEADLOCK,
}
"""Errors that pass."""
_REFUSED = {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR}
_TOO_LONG = {1969, 3024}
"""A statement was interrupted: by MariaDB, by MySQL."""
_GRACE_SECONDS = 5.0
Error = (pymysql.MySQLError, OSError)


class Driver:
    """Statements for one server. It connects with the first one. Threads may share it."""

    def __init__(self, address: Address, patience: float = PATIENCE_SECONDS) -> None:
        self._address = address
        self._tls = address.login.tls()
        self._where = f"MySQL at {address.host}:{address.port}"
        self._patience = Patience(self._where, patience)
        self._writing = threading.Lock()
        self._connection: pymysql.Connection[Any] | None = None

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._patience.problem

    def write(self, statement: str, rows: Sequence[Sequence[Any]] = ((),)) -> None:
        """Execute the statement for each row, in one transaction.

        Repeats everything after an error that may pass. Raises RowsError, UnreachableError and BrokenError.
        """
        with self._writing:
            self._patience.repeat(lambda: self._execute(statement, rows))

    def read(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come. Raises UnreachableError and BrokenError."""
        try:
            with closing(self._connected()) as connection, connection.cursor(SSCursor) as cursor:
                cursor.execute(query, values)
                yield from cursor
        except Error as error:
            raise self._explained(error) from error

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """The first rows of a query, which can write nothing. Raises QueryError and UnreachableError."""
        try:
            connection = self._connected(seconds + _GRACE_SECONDS)
        except Error as error:
            raise self._explained(error) from error
        try:
            with closing(connection):
                return _answer(connection, text, limit, seconds)
        except Error as error:
            if _code(error) in _TOO_LONG:
                raise QueryError(
                    f"the query took longer than {seconds:g} s; narrow it, or allow more"
                ) from error
            raise self._explained(error) if _passes(error) else QueryError(str(error.args[-1])) from error

    def close(self) -> None:
        """Disconnect."""
        with self._writing:
            self._disconnect()

    def _execute(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            if self._connection is None:
                self._connection = self._connected()
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, rows)
            self._connection.commit()
        except Error as error:
            self._disconnect()
            raise self._explained(error) from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()

    def _connected(self, patience: float = _REQUEST_SECONDS) -> pymysql.Connection[Any]:
        address = self._address
        return pymysql.connect(
            host=address.host,
            port=address.port,
            database=address.database,
            user=address.login.name,
            password=address.login.password or "",
            ssl=self._tls,
            charset="utf8mb4",
            # A value that does not fit is an error, and is not cut off.
            init_command="SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'",
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=patience,
            write_timeout=_REQUEST_SECONDS,
        )

    def _explained(self, error: Exception) -> Exception:
        where = self._where
        said = error.args[-1] if error.args else error
        if _is_distrust(error):
            return UnreachableError(
                f"{where} does not prove who it is: {said}; check MYSQL_CA, and that the server's "
                f"certificate holds the name {self._address.host}"
            )
        if _passes(error):
            return AwayError(f"{where} does not answer: {said}")
        if _code(error) in _REFUSED:
            return UnreachableError(
                f"{where} refuses the login: {said}; check MYSQL_PASSWORD, and that the login owns the "
                f"database {self._address.database}"
            )
        if isinstance(error, pymysql.err.DataError):
            return RowsError(f"{where} refuses rows: {said}")
        return BrokenError(f"{where}: {said}")


def _answer(connection: pymysql.Connection[Any], text: str, limit: int, seconds: float) -> Result:
    is_mariadb = "MariaDB" in connection.get_server_info()  # type: ignore[no-untyped-call]
    most = f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {seconds * 1000:.0f}"
    # The server sends no more rows than that, unless the query has a limit of its own.
    connection.query(f"SET SESSION {most}, sql_select_limit = {limit + 1}")
    connection.query("START TRANSACTION READ ONLY")
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(text)
        columns = [each[0] for each in cursor.description or ()]
        rows = list(islice(cursor, limit + 1))
    return Result(columns, rows[:limit], len(rows) > limit)


def _is_distrust(error: Exception) -> bool:
    """Whether the server has another certificate than it must have, or none."""
    is_wrong = isinstance(getattr(error, "original_exception", None), ssl.SSLCertVerificationError)
    return is_wrong or _code(error) == CR.CR_SSL_CONNECTION_ERROR


def _passes(error: Exception) -> bool:
    if _is_distrust(error):
        return False
    return isinstance(error, OSError | pymysql.InterfaceError) or _code(error) in _AWAY


def _code(error: Exception) -> object:
    return error.args[0] if error.args else None
