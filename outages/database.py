"""The SQLite file that events are kept in: its tables, what it refuses, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

SCHEMA_VERSION = 1
APPLICATION_ID = 0x474E5443  # "GNTC": tells our files from other SQLite files
BUSY_TIMEOUT_S = 10


class StoreError(RuntimeError):
    """The store cannot be opened, read or written."""


class _Utc(TypeDecorator[datetime]):
    """A moment in UTC. SQLite knows no zones: they are taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


_metadata = MetaData()

EVENTS = Table(
    "events",
    _metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("outage_id", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("recorded_at", _Utc, nullable=False),
    Column("recorded_by", String, nullable=False),
    UniqueConstraint("outage_id", "seq"),
    sqlite_autoincrement=True,
)

COMMANDS = Table(
    "commands",
    _metadata,
    Column("key", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("outage_id", String, nullable=False),
    Column("last_seq", Integer, nullable=False),
)

_REFUSALS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_{verb} BEFORE {verb.upper()} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} are append-only: what happened stays written. Append a new event'); END"
    for table in ("events", "commands")
    for verb in ("update", "delete")
)


def open_engine(url: str) -> Engine:
    """Return the engine of the store at ``url`` (``sqlite:///FILE``), making the file where there is none.

    A transaction of ``engine.execution_options(begin="IMMEDIATE")`` writes, any other reads. Raises StoreError.
    """
    engine = create_engine(_checked_url(url), connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        _prepare(engine)
    except StoreError:
        engine.dispose()
        raise
    return engine


def _prepare(engine: Engine) -> None:
    with transaction(engine.execution_options(begin="IMMEDIATE")) as connection:
        _check_ours(connection, engine.url.database or "")
        _metadata.create_all(connection)
        for refusal in _REFUSALS:
            connection.exec_driver_sql(refusal)


def _checked_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"{url!r} is not the address of a store. Write sqlite:///outages.db, for a file beside you.") from None
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"A store on {parsed.get_backend_name()!r} is not known. Write sqlite:///outages.db.")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError(f"{url!r} names no file, so nothing would be kept. Write sqlite:///outages.db.")
    folder = Path(parsed.database).absolute().parent
    if not folder.is_dir():
        raise StoreError(f"The folder {folder} of the store is not there. Make it, or choose another file.")
    return parsed


def _configure(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling is switched off: `_begin` says BEGIN, so that a writer can say IMMEDIATE.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "recursive_triggers = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run one transaction; whatever the database refuses becomes a StoreError, and nothing is written."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(
            f"The store {engine.url.database} cannot be used: {error.orig}. Nothing was changed. "
            "Check that the file is a store, that it and its folder can be written, and that the disk has space; then try again."
        ) from error


def _check_ours(connection: Connection, path: str) -> None:
    application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if tables and application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program. Choose another file for the store.")
    if version > SCHEMA_VERSION:
        raise StoreError(f"{path} was written by a newer release (schema {version}, known {SCHEMA_VERSION}). Use that release.")
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
