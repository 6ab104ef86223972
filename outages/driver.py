"""The statements of every append, handed to the database's own driver.

SQLAlchemy's way to the driver takes longer than the disk does (some 20 µs a statement, against 2), so the few statements that
every append needs go straight. All others go through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Connection

from outages.audit import START, AuditRow, Head, canonical

Row = tuple[Any, ...]

_HEADS = (
    "SELECT coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(position) FROM audit), 0), "
    "(SELECT hash FROM audit ORDER BY position DESC LIMIT 1)"
)
_COLUMNS = {
    "events": "position, outage_id, seq, kind, body, recorded_at, recorded_by",
    "commands": "key, digest, outage_id, last_seq",
    "impacts": "outage_id, seq, network_version, rules, given, counts, customers",
    "audit": "position, recorded_at, recorded_by, what, subject, detail, hash",
}
_MOST_ROWS = 64  # in one statement

CHANNEL = "gridnotice_events"
"""Where PostgreSQL tells the other processes of new events; the payload is the newest position."""


class Heads(NamedTuple):
    """How far the store has come."""

    events: int
    audit: Head


class FirstCommand(NamedTuple):
    """What a key was used for."""

    digest: str
    outage_id: str
    last_seq: int


class Driver:
    """The driver's connection below a transaction of `Database.writing`."""

    def __init__(self, connection: Connection) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._is_sqlite = connection.dialect.name == "sqlite"

    def heads(self) -> Heads:
        """Return the newest position of events, and the head of the audit log."""
        events, position, sealed = self._driver.execute(_HEADS).fetchone()
        return Heads(events, Head(position, sealed or START))

    def find_outages(self, outage_ids: Collection[str]) -> set[str]:
        """Return those of the ids that have events."""
        if self._is_sqlite:
            query = "SELECT outage_id FROM events WHERE outage_id = ? LIMIT 1"
            return {row[0] for one in outage_ids if (row := self._driver.execute(query, (one,)).fetchone()) is not None}
        if not outage_ids:
            return set()
        query = "SELECT DISTINCT outage_id FROM events WHERE outage_id = ANY(%s)"
        return {row[0] for row in self._driver.execute(query, (list(outage_ids),))}

    def find_commands(self, keys: Collection[str]) -> dict[str, FirstCommand]:
        """Return those of the keys that were used, and what for."""
        query = f"SELECT {_COLUMNS['commands']} FROM commands WHERE key "  # noqa: S608  (columns, not what anybody gave)
        if self._is_sqlite:
            found = [row for key in keys if (row := self._driver.execute(f"{query} = ?", (key,)).fetchone()) is not None]
        else:
            found = self._driver.execute(f"{query} = ANY(%s)", (list(keys),)).fetchall() if keys else []
        return {row[0]: FirstCommand(*row[1:]) for row in found}

    def insert(self, rows: Mapping[str, Sequence[Row]], position: int) -> None:
        """Insert rows of several tables, and say on PostgreSQL that the newest event is at ``position``."""
        if self._is_sqlite:
            for table, given in rows.items():
                for chunk in _chunks(given):
                    self._driver.execute(_insert(table, len(chunk), "?"), list(chain.from_iterable(chunk)))
            return
        for chunks in zip_longest(*(_chunks(given) for given in rows.values()), fillvalue=()):
            sizes = tuple((table, len(chunk)) for table, chunk in zip(rows, chunks, strict=True) if chunk)
            values = [value for chunk in chunks for row in chunk for value in row]
            self._driver.execute(_insert_and_tell(sizes), [*values, str(position)])

    def time(self, at: datetime) -> str | datetime:
        """Return ``at`` as the column takes it."""
        moment = at.astimezone(UTC)
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds") if self._is_sqlite else moment

    def audit_row(self, row: AuditRow) -> Row:
        """Return a row of the audit log as its table takes it."""
        entry = row.entry
        return (row.position, self.time(entry.at), entry.by, entry.what, entry.subject, canonical(entry.detail), row.hash)


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into pieces of 64, 32, 16 … 1, so that a handful of prepared statements is enough for any number.

    One statement for many rows lets go of Python's lock once; else, each row would wait for all the other threads.
    """
    done = 0
    while left := len(rows) - done:
        size = min(_MOST_ROWS, 1 << (left.bit_length() - 1))
        yield rows[done : done + size]
        done += size


@cache
def _insert_and_tell(sizes: tuple[tuple[str, int], ...]) -> str:
    """Return one statement for several tables: one round trip to the server in place of four."""
    inserts = ", ".join(f"_{table} AS ({_insert(table, rows, '%s')})" for table, rows in sizes)
    return f"WITH {inserts} SELECT pg_notify('{CHANNEL}', %s)"


@cache
def _insert(table: str, rows: int, mark: str) -> str:
    columns = _COLUMNS[table]
    row = f"({', '.join([mark] * (columns.count(',') + 1))})"
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * rows)}"  # noqa: S608  (names and marks of ours)
