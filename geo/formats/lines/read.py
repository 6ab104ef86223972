"""Where bare line work comes from: which layer holds the lines, what each line is called, and the tables beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from geo.files.archive import unpacked
from geo.files.columns import as_text
from geo.files.frames import frame_of_layer
from geo.files.layers import read_geoparquet, read_layer
from geo.raw import RawTables, SourceError, listed
from geo.read import SUFFIXES, read_tables
from geo.rules.cells import STAND_INS
from geo.schema import TABLES, Problem

KEYS = ("globalid", "mrid", "objectid", "gid", "fid", "ogc_fid")
"""Columns under which other systems store what names a row for good, the best first."""

_SINGLE = (".shp", ".geojson", ".json", ".parquet")


@dataclass(frozen=True)
class _Place:
    """A layer: its file, and its name in the file ("" where the file is one layer)."""

    file: Path
    layer: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.layer or self.file.name


def read_work(path: Path, *, crs: str) -> RawTables:
    """Return the lines at ``path`` and the tables beside them, as they are, with an id for every line that can have one.

    The lines are the layer or file called ``lines``, or else the only one that holds lines. Other layers are read where
    they bear the name of a table.

    Raises
    ------
    SourceError
        There is nothing at ``path``, or it has no lines, or nobody can tell which layer they are.
    """
    if not path.exists():
        raise SourceError(f"There is nothing at {path}.", "", "Give a Shapefile, a GeoPackage, or a folder of them.")
    if path.suffix.lower() == ".zip":
        with unpacked(path) as folder:
            return replace(_read(folder, crs), origin=str(path))
    return _read(path, crs)


def _read(path: Path, crs: str) -> RawTables:
    places = _places(path)
    lines = _place_of_lines(path, places)
    named = path.suffix.lower() not in _SINGLE and any(_is_table(name) for name in places)
    beside = read_tables(path, crs=crs) if named else RawTables({}, origin=str(path))
    if "lines" not in beside.frames:
        layer = read_geoparquet(lines.file) if lines.file.suffix == ".parquet" else read_layer(lines.file, lines.layer or None)
        read = frame_of_layer("lines", layer, crs)
        others = [problem for problem in beside.problems if problem.table != lines.name]
        frames = {**beside.frames, "lines": read.rows}
        beside = replace(beside, frames=frames, problems=(*others, *read.problems), crs={**beside.crs, "lines": read.crs})
    return _with_stand_ins(_with_ids(beside, lines))


def _places(path: Path) -> Mapping[str, _Place]:
    """Return every layer at ``path`` by its name (of a file: without the suffix)."""
    if path.is_dir():
        return {file.stem: _Place(file) for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES}
    if path.suffix.lower() in _SINGLE:
        return {path.stem: _Place(path)}
    try:
        return {str(name): _Place(path, str(name)) for name, _ in pyogrio.list_layers(path)}
    except (RuntimeError, ValueError) as error:
        next_step = "Give a Shapefile, a GeoPackage, GeoJSON, or a folder of them."
        raise SourceError(f"{path} holds no layers that can be read:", f"{error}.", next_step) from error


def _place_of_lines(path: Path, places: Mapping[str, _Place]) -> _Place:
    called = [place for name, place in places.items() if name.strip().casefold() == "lines"]
    if called or len(places) == 1:
        return (called or list(places.values()))[0]
    drawn = [place for name, place in places.items() if not _is_table(name) and _holds_lines(place)]
    if len(drawn) == 1:
        return drawn[0]
    if not drawn:
        raise SourceError(f"{path} has no layer of lines.", f"It holds {listed(list(places))}.", "Call the layer `lines`.")
    found = listed([place.name for place in drawn])
    raise SourceError(f"{path} has several layers of lines: {found}.", "", "Call the one that is meant `lines`.")


def _is_table(name: str) -> bool:
    return name.strip().casefold() in TABLES


def _holds_lines(place: _Place) -> bool:
    if place.file.suffix.lower() in (".csv", ".parquet"):
        return False  # these two say nothing without being read as a whole; they can be called lines
    kind = pyogrio.read_info(place.file, layer=place.layer or None)["geometry_type"] or ""
    return "LineString" in kind or "Curve" in kind


def _with_ids(raw: RawTables, place: _Place) -> RawTables:
    """Return the tables with ids made for the lines where no line has one."""
    lines = raw.frames["lines"]
    if not len(lines) or ("id" in lines and as_text(lines["id"])[0].notna().any()):
        return raw
    ids, source = _made_ids(place, len(lines))
    rule = f"is not there: ids were made from {source}"
    fix = "From now on work with what was written, which keeps them; or give the lines ids of your own."
    problem = Problem("lines", "id", rule, (), fix, "warning")
    return replace(raw, frames={**raw.frames, "lines": lines.assign(id=ids)}, problems=(*raw.problems, problem))


def _made_ids(place: _Place, count: int) -> tuple[list[str], str]:
    """Return an id for each line, from what its layer stores, and what that is."""
    if place.file.suffix.lower() in (".csv", ".parquet"):
        return [f"line_{number}" for number in range(1, count + 1)], "the numbers of the rows"
    _, cells = pyogrio.read_arrow(place.file, layer=place.layer or None, read_geometry=False, return_fids=True)
    folded = {name.casefold(): name for name in reversed(cells.column_names)}
    keys = [folded[key] for key in KEYS if key in folded and _is_key(cells[folded[key]])]
    key = keys[0] if keys else cells.column_names[0]  # the first column is the feature id of GDAL
    source = "the feature ids of the layer" if key == cells.column_names[0] else f"the column {key}"
    return [f"line_{word}" for word in as_text(cells[key].to_pandas())[0]], source


def _is_key(column: Any) -> bool:
    present = column.null_count == 0 and not pa.types.is_floating(column.type)
    return present and pc.count_distinct(column).as_py() == len(column)


def _with_stand_ins(raw: RawTables) -> RawTables:
    """Return the tables with every mandatory column for which something can stand in."""
    frames, problems = dict(raw.frames), list(raw.problems)
    for (table, column), value in STAND_INS.items():
        if table in frames and column not in frames[table]:
            frames[table] = frames[table].assign(**{column: value})
            rule = f"is not there: {value!r} was taken for every row"
            problems.append(Problem(table, column, rule, (), f"Add it. {TABLES[table].column(column).says}", "warning"))
    return replace(raw, frames=frames, problems=tuple(problems))
