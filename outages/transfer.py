"""A whole store as lines of JSON: out of either kind of database, into either kind, positions and hashes kept.

::

    {"archive": "gridnotice", "format": 1, "schema": "0004", "dialect": "sqlite", "at": "…", "rows": {"events": 2, …}}
    {"table": "events", "row": {"position": 1, "outage_id": "…", …}}
    …
    {"end": true, "rows": {"events": 2, …}, "sha256": "… of all lines above"}

No table is known by name: whatever the database holds goes along, but for `LEFT_OUT`. So tables of later releases need no
change here. Times are ISO 8601 in UTC, bytes are base64, rows come in the order of their primary key: the same store gives
the same rows from either kind of database.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from outages.database import Database, StoreError
from outages.upgrade import find_version, newest_version

FORMAT = 1
FORGOTTEN = ("sessions", "attempts")
"""In no backup: who was signed in, or locked out, when it was made. Whoever signed out since would be in again."""
LEFT_OUT = ("alembic_version", "spatial_ref_sys", *FORGOTTEN)
"""Neither is what the target has itself."""
NETWORKS = ("networks", "network_parts")
"""Most of the bytes; they can be read from their sources again."""

Progress = Callable[[float], None]
"""Is told the share that is done, 0 to 1."""


class Writable(Protocol):
    """What lines are written to: a file, a gzip file, standard output."""

    def write(self, data: bytes, /) -> object:
        """Take ``data``."""


_KNOWN = (sa.String, sa.Integer, sa.Float, sa.Boolean, sa.DateTime, sa.LargeBinary, sa.JSON)
_ROWS_AT_ONCE = 500
_BLOBS_AT_ONCE = 4
_BYTES_AT_ONCE = 8 * 2**20


def export(
    database: Database, file: Writable, *, now: datetime, networks: bool = True, progress: Progress | None = None
) -> dict[str, int]:
    """Write everything in ``database``, as of one moment, to ``file``; returns the number of rows of each table.

    Without ``networks``, the kept networks stay behind. Others may write meanwhile: they neither wait nor are seen. Needs memory
    for a few rows only. Raises StoreError, and OSError where ``file`` cannot be written.
    """
    lines = _Lines(file)
    with database.reading() as connection:
        tables = [table for table in _tables(connection) if networks or table.name not in NETWORKS]
        rows = {table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables}
        header = {"archive": "gridnotice", "format": FORMAT, "schema": find_version(connection), "dialect": database.dialect}
        lines.write({**header, "at": _as_json(now), "rows": rows})
        for table in tables:
            for row in _rows(connection, table):
                lines.write({"table": table.name, "row": row})
                _tell(progress, lines.count - 1, sum(rows.values()))
    lines.write({"end": True, "rows": rows, "sha256": lines.digest.hexdigest()})
    _tell(progress, 1, 1, always=True)
    return rows


@dataclass(frozen=True)
class Header:
    """What the first line of an archive says, where all lines were found to be those that were written."""

    schema: str
    rows: dict[str, int]


def load(
    archive: Path, database: Database, *, verified: Header | None = None, progress: Progress | None = None
) -> dict[str, int]:
    """Put everything that `export` wrote to ``archive`` (as it is, or packed by gzip) into ``database``, which must be empty.

    All of it in one transaction, or nothing of it. Returns the number of rows of each table. Whoever has called `verify` already
    gives what it returned, so that the archive is not read once more.

    Raises
    ------
    StoreError
        The archive is none, was cut short or changed, or is of a newer release; or the store holds something already.
    """
    header = verified or verify(archive)
    done = dict.fromkeys(header.rows, 0)
    with database.writing() as connection:
        tables = {table.name: table for table in _tables(connection)}
        _check_fits(archive, header, tables)
        _check_empty(connection, database.where, tables)
        for name, rows in _batches(archive):
            connection.execute(sa.insert(tables[name]), [_row_for(tables[name], row, database.dialect) for row in rows])
            done[name] += len(rows)
            _tell(progress, sum(done.values()), sum(header.rows.values()), always=True)
        if done != header.rows:
            raise StoreError(f"{archive} holds {done} rows, and says {header.rows}. Nothing was loaded. Make it again.")
        if database.dialect == "postgresql":
            _advance_sequences(connection, tables)
    return done


def verify(archive: Path) -> Header:
    """Read an archive through; raises StoreError where it is none, was cut short or changed, or is of a newer release."""
    with _opened(archive) as lines:
        first = next(lines, b"")
        header = _header(archive, first)
        digest, last = hashlib.sha256(first), b""
        for line in lines:
            digest.update(last)
            last = line
    trailer = _parsed(last)
    if not trailer.get("end"):
        raise _cut_short(archive, "its last line is missing")
    if trailer.get("sha256") != digest.hexdigest():
        raise StoreError(f"{archive} is not what was written: its digest differs. Nothing was loaded. Take another copy of it.")
    return header


class _Lines:
    """JSON values on their way to a file, one a line, and the digest of all of them."""

    def __init__(self, file: Writable) -> None:
        self._file = file
        self.count = 0
        self.digest = hashlib.sha256()

    def write(self, value: dict[str, Any]) -> None:
        line = _line(value)
        self._file.write(line)
        self.digest.update(line)
        self.count += 1


def _line(value: dict[str, Any]) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        # Half a surrogate pair, as broken JSON holds it, has no bytes; it has an escape.
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _tables(connection: sa.Connection) -> list[sa.Table]:
    """Return the tables as the database itself knows them, each after those that it refers to."""
    names = [name for name in sa.inspect(connection).get_table_names() if name not in LEFT_OUT]
    metadata = sa.MetaData()
    metadata.reflect(connection, only=names)
    tables = [table for table in metadata.sorted_tables if table.name in names]
    for table in tables:
        for column in table.columns:
            _check_known(column)
            if isinstance(column.type, sa.JSON):
                # Where a cell may be empty, JSON's null is written as an empty cell too.
                column.type = type(column.type)(none_as_null=bool(column.nullable))
    return tables


def _check_known(column: sa.Column[Any]) -> None:
    if not isinstance(column.type, _KNOWN):
        raise StoreError(
            f"The column {column} holds {column.type}, which an archive cannot hold. Copy the database with its own means "
            "(pg_dump), and report it."
        )


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    # As bytes are ordered, whatever language the database sorts text in.
    key = [
        sa.collate(column, "C") if isinstance(column.type, sa.String) and connection.dialect.name == "postgresql" else column
        for column in table.primary_key.columns
    ]
    found = connection.execute(sa.select(table).order_by(*key), execution_options={"yield_per": _at_once(table)})
    for row in found:
        yield {name: _as_json(cell) for name, cell in zip(table.columns.keys(), row, strict=True)}


def _at_once(table: sa.Table) -> int:
    holds_blobs = any(isinstance(column.type, sa.LargeBinary) for column in table.columns)
    return _BLOBS_AT_ONCE if holds_blobs else _ROWS_AT_ONCE


def _as_json(cell: Any) -> Any:
    if isinstance(cell, datetime):
        # SQLite knows no zones: what it holds is UTC.
        moment = cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
        return moment.isoformat(timespec="microseconds")
    if isinstance(cell, bytes | memoryview):
        return base64.b64encode(cell).decode("ascii")
    return cell


def _row_for(table: sa.Table, row: dict[str, Any], dialect: str) -> dict[str, Any]:
    return {name: _as_cell(table.columns[name], cell, dialect) for name, cell in row.items()}


def _as_cell(column: sa.Column[Any], cell: Any, dialect: str) -> Any:
    if cell is None:
        return None
    if isinstance(column.type, sa.DateTime):
        moment = datetime.fromisoformat(cell)
        return moment.replace(tzinfo=None) if dialect == "sqlite" else moment
    return base64.b64decode(cell, validate=True) if isinstance(column.type, sa.LargeBinary) else cell


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[bytes]]:
    """Give an archive to be read line by line, unpacked where it is packed. Raises StoreError where it cannot be read."""
    try:
        with archive.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                yield iter(file)
                return
            file.seek(0)
            with gzip.open(file) as unpacked:
                yield iter(unpacked)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _cut_short(archive, str(error).rstrip(".")) from error
    except OSError as error:
        raise StoreError(f"{archive} cannot be read: {error.strerror}. Check the path, and that you may read it.") from error


def _header(archive: Path, line: bytes) -> Header:
    says = _parsed(line)
    if says.get("archive") != "gridnotice":
        raise StoreError(f"{archive} is no archive of a store. Give a file that `backup` or `export` made.")
    if says["format"] > FORMAT or says["schema"] > newest_version():
        given = f"format {says['format']}, schema {says['schema']}; known are {FORMAT} and {newest_version()}"
        raise StoreError(f"{archive} was made by a newer release ({given}). Nothing was loaded. Use that release.")
    return Header(says["schema"], says["rows"])


def _parsed(line: bytes) -> dict[str, Any]:
    """Return the object on a line, or an empty one where there is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _cut_short(archive: Path, why: str) -> StoreError:
    return StoreError(f"{archive} was cut short: {why}. Nothing was loaded. Take another copy of it.")


def _check_fits(archive: Path, header: Header, tables: dict[str, sa.Table]) -> None:
    unknown = sorted(header.rows.keys() - tables.keys())
    if unknown:
        raise StoreError(
            f"{archive} (schema {header.schema}) holds tables that this release does not have: {', '.join(unknown)}. "
            "Nothing was loaded. Load it with the release that made it, then upgrade."
        )


def _check_empty(connection: sa.Connection, where: str, tables: dict[str, sa.Table]) -> None:
    held = [name for name, table in tables.items() if connection.execute(sa.select(sa.literal(1)).select_from(table)).first()]
    if held:
        raise StoreError(
            f"The store {where} is not empty ({', '.join(sorted(held))}). Nothing was loaded. "
            "Name a new file or an empty database."
        )


def _batches(archive: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the rows of an archive with the table that they are of, a bounded number of rows and bytes at a time."""
    name, rows, size = "", list[dict[str, Any]](), 0
    with _opened(archive) as lines:
        for line in lines:
            entry = json.loads(line)
            if "row" not in entry:
                continue
            if rows and (entry["table"] != name or len(rows) == _ROWS_AT_ONCE or size > _BYTES_AT_ONCE):
                yield name, rows
                rows, size = [], 0
            name = entry["table"]
            rows.append(entry["row"])
            size += len(line)
    if rows:
        yield name, rows


def _advance_sequences(connection: sa.Connection, tables: dict[str, sa.Table]) -> None:
    """Let numbers that the database gives out itself go on after those that were loaded."""
    for table in tables.values():
        for column in table.primary_key.columns:
            quoted = connection.dialect.identifier_preparer.quote(table.name)
            sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(quoted, column.name))).scalar_one()
            newest = connection.execute(sa.select(sa.func.max(column))).scalar_one()
            if sequence is not None and newest is not None:
                connection.execute(sa.select(sa.func.setval(sequence, newest)))


def _tell(progress: Progress | None, done: int, all_: int, *, always: bool = False) -> None:
    if progress is not None and all_ and (always or done % _ROWS_AT_ONCE == 0):
        progress(done / all_)
