"""The tables of one schema of a PostgreSQL database, PostGIS or not, each as a layer: one moment of it, and nothing changed.

::

    postgresql://user@host:5432/gis?schema=network ──▶ public.lines(id, from_node, …, geom) ──COPY (CSV)──▶ Arrow

Everything is read in one transaction that sees one moment (``REPEATABLE READ READ ONLY``), so that a line and the node it
ends at belong together while others edit. Rows come by their primary key, or by their id: the same rows give the same
network whatever order the server keeps them in. What a message says never holds the password.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from geo.crs import CrsError, parse_crs
from geo.files.frames import known_columns
from geo.files.layers import Layer
from geo.raw import SourceError, listed

CONNECT_TIMEOUT_S = 10
_BATCH_BYTES = 16 * 2**20
"""Of CSV that is parsed at once: rows are never cut in two, however long the line that one of them draws."""

_NUMBERS = {"int2": pa.int64(), "int4": pa.int64(), "int8": pa.int64()}
_NUMBERS |= {"float4": pa.float64(), "float8": pa.float64(), "numeric": pa.float64()}
_DRAWN = ("geometry", "geography")
_USUAL_NAMES = ("geometry", "geom", "the_geom", "wkb_geometry")

_TABLES_OF_SCHEMA = """
    SELECT c.relname, c.oid::bigint FROM pg_class c
    WHERE c.relnamespace = %s::oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname"""
_COLUMNS_OF_TABLE = """
    SELECT a.attname, COALESCE(base.typname, t.typname) FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type base ON base.oid = t.typbasetype
    WHERE a.attrelid = %s::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_KEY_OF_TABLE = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %s::oid AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)"""


@dataclass(frozen=True)
class DatabaseLayer:
    """A table as a layer, and the names of its columns that the data model does not have."""

    layer: Layer
    unknown: list[str]


@dataclass(frozen=True)
class Snapshot:
    """One schema at one moment. ``origin`` is its address without who asks; ``tables`` are the names of all its tables."""

    origin: str
    schema: str
    tables: list[str]
    _connection: psycopg.Connection[Any] = field(repr=False)
    _oids: dict[str, int] = field(repr=False)
    _postgis: sql.Composable = field(repr=False)

    def read(self, name: str, table: str) -> DatabaseLayer:
        """Return the table called ``name`` here, with the columns of ``table`` of the data model and its geometry."""
        with _told(f"{self.origin}, {name},"):
            return self._read(name, table)

    def _read(self, name: str, table: str) -> DatabaseLayer:
        types = dict(self._connection.execute(_COLUMNS_OF_TABLE, [self._oids[name]]).fetchall())
        key = [row[0] for row in self._connection.execute(_KEY_OF_TABLE, [self._oids[name]])]
        drawn = sorted((column for column in types if types[column] in _DRAWN), key=_usual)
        known = [*known_columns(table, [column for column in types if column not in drawn])]
        # Where there is no PostGIS, geometries may be text: WKT.
        known += [column for column in types if not drawn and column.casefold() == "geometry"]
        order = _order(key or [column for column in known if column.casefold() in ("id", "transformer_id")], types)
        geometry = drawn[0] if drawn else ""
        cells = self._cells(name, {column: types[column] for column in [*known, *drawn[:1]]}, order)
        unknown = [column for column in types if column not in cells.column_names and column not in key]
        return DatabaseLayer(Layer(cells, geometry, self._crs(name, geometry) if geometry else "", ()), unknown)

    def _cells(self, name: str, types: dict[str, str], order: sql.Composable) -> Any:
        arrow = pa.schema([(column, _NUMBERS.get(kind, pa.large_string())) for column, kind in types.items()])
        if not types:
            return arrow.empty_table()
        columns = sql.SQL(", ").join(self._column(column, kind) for column, kind in types.items())
        parts = {"columns": columns, "table": sql.Identifier(self.schema, name), "order": order}
        command = sql.SQL("COPY (SELECT {columns} FROM {table}{order}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')").format(**parts)
        with self._connection.cursor().copy(command) as rows:
            cells = pa.concat_tables([arrow.empty_table(), *(_parsed(batch, arrow) for batch in _batches(rows))])
        for number, (column, kind) in enumerate(types.items()):
            if kind in _DRAWN:
                cells = cells.set_column(number, column, _bytes_of_hex(cells[column]))
        return cells

    def _column(self, column: str, kind: str) -> sql.Composable:
        cell: sql.Composable = sql.Identifier(column)
        if kind in _DRAWN:
            parts = {"cell": cell, "postgis": self._postgis}
            return sql.SQL("encode({postgis}.ST_AsBinary({cell}::{postgis}.geometry, 'NDR'), 'hex')").format(**parts)
        return cell if kind in _NUMBERS else sql.SQL("{}::text").format(cell)

    def _crs(self, name: str, geometry: str) -> str:
        """Return the CRS of all geometries of a table, "" where they do not say it; refuses a mixture."""
        parts = {"cell": sql.Identifier(geometry), "table": sql.Identifier(self.schema, name), "postgis": self._postgis}
        query = "SELECT {postgis}.ST_SRID({cell}::{postgis}.geometry), count(*) FROM {table} WHERE {cell} IS NOT NULL GROUP BY 1"
        found = self._connection.execute(sql.SQL(query).format(**parts)).fetchall()
        if len(found) > 1:
            given = ", ".join(f"{rows:,} rows in SRID {srid}" for srid, rows in sorted(found))
            next_step = "Bring them to one with ST_Transform, or ST_SetSRID where the number is wrong."
            raise SourceError(f"{name}.{geometry} mixes coordinate systems:", f"{given}.", next_step)
        return self._known_crs(found[0][0]) if found else ""

    def _known_crs(self, srid: int) -> str:
        query = sql.SQL("SELECT auth_name || ':' || auth_srid, srtext FROM {}.spatial_ref_sys WHERE srid = %s")
        row = self._connection.execute(query.format(self._postgis), [srid]).fetchone()
        for crs in row or ():
            try:
                return parse_crs(crs).to_string()
            except CrsError:
                continue
        return ""


_FORM = (
    "Write postgresql://USER:PASSWORD@HOST:5432/DATABASE?schema=SCHEMA, with %40 for @, %2F for / and %3F for ? in a password."
)
_NEXT_STEPS: tuple[tuple[type[psycopg.Error], str], ...] = (
    (psycopg.errors.InsufficientPrivilege, "Give the role USAGE of the schema and SELECT on its tables."),
    (psycopg.errors.CharacterNotInRepertoire, "Keep the tables in a database with the encoding UTF8."),
    (psycopg.OperationalError, "Check host, port, name of the database, role and password, and that the server runs."),
    (psycopg.Error, "Correct the table or view until SELECT * of it succeeds."),
)


@contextmanager
def opened(address: str) -> Iterator[Snapshot]:
    """Give the schema at ``address``, ``postgresql://…?schema=NAME``; without a name, the one that comes first for the role.

    What libpq reads besides (``PGPASSWORD``, ``~/.pgpass``, ``sslmode=…`` in the address) holds as everywhere.

    Raises
    ------
    SourceError
        The address is not understood, nobody answers there, the role may not read, there is no such schema, or the
        connection was lost while reading.
    """
    options, schema = _parsed_address(address)
    shown = _shown(options)
    with _told(shown), psycopg.connect(**options) as connection:
        connection.isolation_level, connection.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        yield _snapshot(connection, shown, schema)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn what the database refuses into a SourceError."""
    try:
        yield
    except psycopg.Error as error:
        next_step = next(step for kind, step in _NEXT_STEPS if isinstance(error, kind))
        raise SourceError(f"{where} cannot be read:", f"{' '.join(str(error).split()).rstrip('.')}.", next_step) from error


def _snapshot(connection: psycopg.Connection[Any], shown: str, schema: str) -> Snapshot:
    named = "SELECT oid::bigint, nspname FROM pg_namespace WHERE nspname = COALESCE(NULLIF(%s, ''), current_schema())"
    row = connection.execute(named, [schema]).fetchone()
    if row is None:
        others = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1")
        given = f"It has {listed([name for (name,) in others])}."
        raise SourceError(f"{shown} has no schema {schema or 'of its own'}.", given, "Name one with ?schema=NAME.")
    oids = dict(connection.execute(_TABLES_OF_SCHEMA, [row[0]]).fetchall())
    extension = "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'"
    postgis = connection.execute(extension).fetchone()
    where = sql.Identifier(postgis[0] if postgis else "public")
    return Snapshot(f"{shown}?schema={row[1]}", row[1], list(oids), connection, oids, where)


def _parsed_address(address: str) -> tuple[dict[str, Any], str]:
    """Return what to connect with, and the schema ("" where none is named)."""
    base, _, query = address.partition("://")[2].partition("?")
    authority, _, name = base.partition("/")
    # A password with one of these marks in it ends up in the host, the port or the name, and so in every message.
    if not base or authority.count("@") > 1 or "@" in name + query:
        raise SourceError("The address of the database is not understood.", "", _FORM)
    named = dict(parse_qsl(query, keep_blank_values=True))
    schema = named.pop("schema", "")
    try:
        options = conninfo_to_dict(f"postgresql://{base}?{urlencode(named, quote_via=quote)}")
    except psycopg.ProgrammingError:
        raise SourceError("The address of the database is not understood.", "", _FORM) from None
    if not all(port.isdecimal() for port in str(options.get("port", "5432")).split(",")):
        raise SourceError("The port in the address of the database is no number.", "", _FORM)
    usual = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "gridnotice"}
    return usual | options | {"client_encoding": "UTF8"}, schema


def _shown(options: dict[str, Any]) -> str:
    port = f":{options['port']}" if "port" in options else ""
    return f"postgresql://{options.get('host', '')}{port}/{options.get('dbname', '')}"


def _usual(column: str) -> int:
    return _USUAL_NAMES.index(column) if column in _USUAL_NAMES else len(_USUAL_NAMES)


def _order(columns: list[str], types: dict[str, str]) -> sql.Composable:
    """Return an order that is the same in every database, whatever language it sorts text in."""
    if not columns:
        return sql.SQL("")
    as_bytes, as_is = sql.SQL('{}::text COLLATE "C"'), sql.SQL("{}")
    terms = [(as_is if types[column] in _NUMBERS else as_bytes).format(sql.Identifier(column)) for column in columns]
    return sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(terms))


def _batches(rows: Iterable[Any]) -> Iterator[bytes]:
    """Return whole rows of CSV, some `_BATCH_BYTES` at a time."""
    batch: list[Any] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if size >= _BATCH_BYTES:
            yield b"".join(batch)
            batch, size = [], 0
    if batch:
        yield b"".join(batch)


def _parsed(batch: bytes, arrow: Any) -> Any:
    return pyarrow.csv.read_csv(
        pa.BufferReader(batch),
        pyarrow.csv.ReadOptions(column_names=arrow.names, block_size=len(batch) + 1),
        # A lone column that is absent is an empty line.
        pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        # COPY writes "" for empty text, and nothing for no text.
        pyarrow.csv.ConvertOptions(
            column_types=arrow, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _bytes_of_hex(text: Any) -> Any:
    """Return an Arrow column of hexadecimal digits as the bytes they stand for, all cells at once."""
    array = text.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    known = pc.is_valid(array).to_numpy(zero_copy_only=False)
    data = array.buffers()[2]
    ends = np.frombuffer(array.buffers()[1], dtype=np.int64)[: len(array) + 1] if len(array) else np.zeros(1, dtype=np.int64)
    buffers = [pa.py_buffer(np.packbits(known, bitorder="little").tobytes()), pa.py_buffer(ends // 2)]
    buffers.append(pa.py_buffer(binascii.unhexlify(data) if data is not None else b""))
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(array), buffers)
