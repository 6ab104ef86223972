"""The database that everything is kept in: one SQLite file, or PostgreSQL, behind one face.

One writer at a time, in this process and across processes (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: an advisory lock held to
the end of the transaction), and any number of readers. So what is written in order is seen in order.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from outages.failures import (
    DRIVER_ERRORS,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnreachableError,
    explain,
)
from outages.upgrade import APPLICATION_ID, upgrade

__all__ = [
    "Database",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnreachableError",
    "claim_server",
    "open_database",
]

BUSY_TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 5
WRITER_LOCK = 0x474E5443
"""The key of PostgreSQL's advisory lock that every writer takes ("GNTC")."""

_CONNECT: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "client_encoding": "UTF8", "application_name": "gridnotice"}
_EXAMPLES = "Write sqlite:///outages.db for a file beside you, or postgresql://user@host/database"


class Database:
    """One database, for all threads of a process. Read by `reading`, write by `writing`; `close` gives every connection back."""

    def __init__(self, url: URL, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.url = url
        self._busy_timeout_s = busy_timeout_s
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        make = _sqlite_engine if self.dialect == "sqlite" else _postgresql_engine
        self._readers = make(url, busy_timeout_s, writes=False)
        self._writers = make(url, busy_timeout_s, writes=True)
        self._turn = threading.Lock()
        self._writer: Connection | None = None

    @property
    def where(self) -> str:
        """The address as it may be shown: the path of the file, or the URL without its password."""
        return self.url.database or "" if self.dialect == "sqlite" else self.url.render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(self.url.database or "").absolute() if self.dialect == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run one read-only transaction: every query in it sees the same moment. Raises StoreError."""
        with self._explained(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run one transaction that writes, alone; it is on disk when the block has ended, or nothing of it is.

        Raises StoreError, and StoreBusyError after ``busy_timeout_s`` of waiting for another writer. Not to be nested.
        """
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise StoreBusyError(
                f"The store {self.where} is busy with another write of this process for {self._busy_timeout_s} s. "
                "Nothing was changed. Try again."
            )
        try:
            with self._explained(), self._begun() as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def writing_beside(self) -> Iterator[Connection]:
        """Run one transaction that writes beside the one writer and others like it; PostgreSQL keeps them apart row by row.

        Only for rows that nobody follows in the order of commits, and never for events or the audit log. SQLite lets one write
        at a time: there it is `writing`. Raises StoreError.
        """
        if self.dialect == "sqlite":
            with self.writing() as connection:
                yield connection
        else:
            with self._explained(), self._writers.begin() as connection:
                yield connection

    @contextmanager
    def listening(self) -> Iterator[psycopg.Connection]:
        """Open a connection of its own to PostgreSQL, outside any transaction, for LISTEN. Raises psycopg.Error."""
        assert self.dialect == "postgresql", "SQLite tells nobody"
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True, **_CONNECT) as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        with self._turn:
            self._discard()
        self._readers.dispose()
        self._writers.dispose()

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        connection = self._begin()
        try:
            yield connection
            connection.commit()
        except BaseException as error:
            if isinstance(error, DRIVER_ERRORS):
                self._discard()
            else:
                connection.rollback()
            raise

    def _begin(self) -> Connection:
        """Begin on the one connection that writes; on a new one where the database has gone away and come back since."""
        if self._writer is not None:
            try:
                return _started(self._writer)
            except DRIVER_ERRORS:
                self._discard()
                if self.dialect == "sqlite":
                    raise
        self._writer = self._writers.connect()
        try:
            return _started(self._writer)
        except DRIVER_ERRORS:
            self._discard()
            raise

    def _discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                writer.invalidate()  # closed, never used again: the driver's state is unknown after an error
                writer.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DRIVER_ERRORS as error:
            raise explain(error, self.where) from error


def _started(connection: Connection) -> Connection:
    connection.begin()
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        driver.execute(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    return connection


def open_database(url: str, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the database at ``url`` (``sqlite:///FILE`` or ``postgresql://…``) and bring its tables up to this release.

    Without ``create``, a store must be there already. A write waits ``busy_timeout_s`` for another one to end. Raises
    StoreError where the address is not understood, the place cannot be used, or what is there belongs to another program or to
    a newer release.
    """
    parsed = _checked_url(url, create)
    database = Database(parsed, busy_timeout_s=busy_timeout_s)
    try:
        with database.writing() as connection:
            upgrade(connection, database.where, create=create)
    except StoreError:
        database.close()
        raise
    return database


def _checked_url(url: str, create: bool) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"{url!r} is not the address of a store. {_EXAMPLES}.") from None
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"A store on {parsed.drivername!r} is not known. {_EXAMPLES}.")
    _check_file(parsed, create)
    return parsed


def _check_file(url: URL, create: bool) -> None:
    if not url.database or url.database == ":memory:":
        raise StoreError(f"{url.render_as_string()!r} names no file, so nothing would be kept. {_EXAMPLES}.")
    path = Path(url.database).absolute()
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} of the store is not there. Make it, or choose another file.")
    if not create and not path.exists():
        raise StoreError(f"There is no store at {path}. Check the path; a store is made when the service first starts.")
    if path.exists():
        _check_ours(path)


def _check_ours(path: Path) -> None:
    """Look before anything is set: opening a file for writing changes it, and it may be another program's."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            holds_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.Error as error:
        raise explain(error, str(path)) from error
    if holds_tables and application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program. Nothing was changed. Choose another file for the store.")


def _sqlite_engine(url: URL, busy_timeout_s: float, *, writes: bool) -> Engine:
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s}, hide_parameters=True)
    pragmas = ("journal_mode = WAL", "synchronous = FULL", "recursive_triggers = ON", "trusted_schema = OFF")

    def configure(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling is switched off: `begin` says BEGIN, so that a writer can say IMMEDIATE.
        connection.isolation_level = None
        for pragma in pragmas if writes else (*pragmas, "query_only = ON"):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql_engine(url: URL, busy_timeout_s: float, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # they may be personal, and errors are logged
        pool_pre_ping=True,  # a database that went away and came back is used again
        connect_args=_CONNECT,
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        execution_options={} if writes else {"postgresql_readonly": True},
    )

    def configure(connection: psycopg.Connection, _record: Any) -> None:
        connection.execute("SET timezone = 'UTC'")
        connection.execute(f"SET lock_timeout = {round(busy_timeout_s * 1000)}")
        if writes:
            # A writer that is frozen, or whose machine is gone, loses its turn before the others have waited in vain.
            connection.execute(f"SET idle_in_transaction_session_timeout = {round(busy_timeout_s * 800)}")
        # A server that answers before the disk has it would lose what was acknowledged.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()

    event.listen(engine, "connect", configure)
    return engine


@contextmanager
def claim_server(database: Database) -> Iterator[None]:
    """Hold the place of the one server of an SQLite file; on PostgreSQL, where several may run, do nothing.

    Raises StoreError where another process serves the file. A server that died has let go: the system frees the lock.
    """
    if database.path is None:
        yield
        return
    place = database.path.with_name(f"{database.path.name}.lock")
    with _opened(place) as file:
        _lock(file, place, database.where)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _opened(place: Path) -> IO[str]:
    try:
        return place.open("a+", encoding="ascii")
    except OSError as error:
        raise StoreReadOnlyError(
            f"The lock file {place} cannot be written: {error.strerror}. Give this user the right to write to the folder."
        ) from error


def _lock(file: IO[str], place: Path, where: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        raise StoreError(
            f"Process {pid} already serves {where} (it holds {place}). Stop it first; to run several servers on one store, "
            "move it to PostgreSQL (postgresql://…)."
        ) from None
