"""Where tables come from: a GeoPackage, a folder (or .zip) of CSV, GeoJSON, Parquet and Shapefiles, or PostGIS. By Arrow.

Reading takes cells as they are; `geo.validate.validate` says what is wrong with them. Only what cannot be read at all is
refused here, with a `SourceError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo.crs import CrsError, parse_crs
from geo.files.archive import unpacked
from geo.files.delimited import Delimited, read_delimited
from geo.files.frames import Frame, frame_of_layer, known_columns
from geo.files.layers import Layer, layer_names, read_geoparquet, read_layer
from geo.raw import RawTables, SourceError, listed, unknown_columns
from geo.schema import CRS, TABLES, Problem

__all__ = ["RawTables", "SourceError", "read_tables"]

SUFFIXES = (".csv", ".geojson", ".parquet", ".shp")
DATABASES = ("postgresql:", "postgres:", "postgresql+psycopg:")


@dataclass(frozen=True)
class _Read:
    """One table read, and the rows that have no place in it."""

    table: Frame
    damaged: pd.DataFrame | None = None
    problems: tuple[Problem, ...] = ()


def read_tables(source: str | Path, *, crs: str = CRS) -> RawTables:
    """Read the tables of a network, whatever they say.

    Parameters
    ----------
    source
        A GeoPackage whose layers are called as the tables, or a folder, or a .zip of a folder, with
        ``<table>.csv``, ``.geojson``, ``.parquet`` or ``.shp``; or ``postgresql://…?schema=NAME``, whose tables and views
        are called as the tables.
    crs
        CRS of coordinates that do not carry one themselves: x, y or WKT in CSV, plain Parquet, layers without a CRS.

    Raises
    ------
    SourceError
        There is nothing at ``source``, or it is no network; the text names the next step.
    """
    try:
        default = parse_crs(crs).to_string()
    except CrsError as error:
        raise SourceError(str(error)) from error
    if str(source).startswith(DATABASES):
        return _read_database(str(source), default)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, str(path), default)
    if not path.is_file():
        raise SourceError(f"There is nothing at {path}.", "", "Give a GeoPackage, or a folder with lines.csv and the like.")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04") or path.suffix.lower() == ".zip":
        with unpacked(path) as folder:
            return _read_folder(folder, str(path), default)
    if not start.startswith(b"SQLite format 3\0"):
        raise SourceError(*_not_a_geopackage(path, start))
    return _read_geopackage(path, default)


def _not_a_geopackage(path: Path, start: bytes) -> tuple[str, str, str]:
    if not start:
        return f"{path} is empty.", "", "Export the network again."
    if path.suffix.lower() in SUFFIXES:
        return f"{path} is one table, and a network is several.", "", "Give the folder that it is in."
    return f"{path} is no GeoPackage.", f"It begins with {start[:8]!r}.", "Give a .gpkg, a folder of tables, or a .zip of one."


def _read_geopackage(path: Path, default_crs: str) -> RawTables:
    layers = layer_names(path)
    tables, strangers = _sort_names({name: name for name in layers}, f"{path} has")
    if not tables:
        raise SourceError(f"{path} has no table of a network.", f"Its layers are {listed(layers)}.", _EXPECTED)
    reads = {table: _Read(frame_of_layer(table, read_layer(path, layer), default_crs)) for table, layer in tables.items()}
    return _raw_tables(reads, strangers, str(path))


def _read_folder(folder: Path, origin: str, default_crs: str) -> RawTables:
    files = {file.name: file.stem for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES}
    tables, strangers = _sort_names(files, f"{origin} has")
    if not tables:
        found = [file.name for file in sorted(folder.iterdir())]
        raise SourceError(f"{origin} has no table of a network.", f"It holds {listed(found)}.", _EXPECTED)
    reads = {table: _read_file(table, folder / name, default_crs) for table, name in tables.items()}
    return _raw_tables(reads, strangers, origin)


def _read_database(address: str, default_crs: str) -> RawTables:
    from geo.files.postgis import opened  # noqa: PLC0415 - the driver is loaded when a database is asked for

    with opened(address) as database:
        tables, strangers = _sort_names({name: name for name in database.tables}, f"{database.origin} has")
        if not tables:
            raise SourceError(f"{database.origin} has no table of a network.", f"It has {listed(database.tables)}.", _EXPECTED)
        found = {table: database.read(name, table) for table, name in tables.items()}
    reads = {
        table: _Read(frame_of_layer(table, read.layer, default_crs), problems=tuple(unknown_columns(table, read.unknown)))
        for table, read in found.items()
    }
    # One line for all of them: a database is full of tables that are not meant for us.
    return _raw_tables(reads, [listed(strangers)] if strangers else [], database.origin)


_EXPECTED = f"Tables are called {', '.join(TABLES)}; in a folder they end in {', '.join(SUFFIXES)}."


def _sort_names(names: dict[str, str], whose: str) -> tuple[dict[str, str], list[str]]:
    """Return the file or layer of each table, and those that are no table; raises SourceError where two are the same."""
    tables: dict[str, str] = {}
    strangers = []
    for name, stem in names.items():
        table = stem.strip().casefold()
        if table not in TABLES:
            strangers.append(name)
        elif table in tables:
            raise SourceError(f"{whose} two tables {table}:", f"{tables[table]} and {name}.", "Remove one of them.")
        else:
            tables[table] = name
    return {table: tables[table] for table in TABLES if table in tables}, strangers


def _raw_tables(reads: dict[str, _Read], strangers: list[str], origin: str) -> RawTables:
    problems = [problem for read in reads.values() for problem in (*read.table.problems, *read.problems)]
    problems += [Problem(name, "", "is no table of a network and was not read", (), _EXPECTED, "warning") for name in strangers]
    return RawTables(
        frames={table: read.table.rows for table, read in reads.items()},
        problems=tuple(problems),
        origin=origin,
        crs={table: read.table.crs for table, read in reads.items()},
        damaged={table: read.damaged for table, read in reads.items() if read.damaged is not None and len(read.damaged)},
    )


def _read_file(table: str, path: Path, default_crs: str) -> _Read:
    if path.stat().st_size == 0:
        raise SourceError(f"{path.name} is empty.", "", "Export the table again, or remove the file if there is nothing in it.")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(table, read_delimited(path), default_crs)
    layer = read_geoparquet(path) if suffix == ".parquet" else read_layer(path)
    return _Read(frame_of_layer(table, layer, default_crs))


def _read_csv(table: str, parsed: Delimited, default_crs: str) -> _Read:
    frame = frame_of_layer(table, Layer(parsed.cells, "", "", ()), default_crs)
    damaged = parsed.damaged.rename(columns=known_columns(table, list(parsed.cells.column_names)))
    return _Read(frame, damaged, (*_said_of_encoding(table, parsed.encoding), *_said_of_damage(table, damaged)))


def _said_of_encoding(table: str, encoding: str) -> list[Problem]:
    if encoding == "utf-8":
        return []
    rule = f"is not in UTF-8: it was read as {encoding.upper()}"
    return [Problem(table, "", rule, (), "Look at a few names, and save it in UTF-8 if they are wrong.", "warning")]


def _said_of_damage(table: str, damaged: pd.DataFrame) -> list[Problem]:
    if damaged.empty:
        return []
    ids = tuple(str(cell) for cell in damaged["id" if "id" in damaged else damaged.columns[0]])
    fix = "Mend the delimiters or quotation marks; the lines were set aside."
    return [Problem(table, "", "has lines whose cells do not fit the header", ids, fix)]
