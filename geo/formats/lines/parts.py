"""The lines of a layer one by one: each an id and one LineString; what is none of that is set aside and named.

::

    MULTILINESTRING ((0 0, 1 0), (1 0, 2 0))    is one line, 0 0 to 2 0
    MULTILINESTRING ((0 0, 1 0), (5 0, 6 0))    is two: L7#1 and L7#2
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.crs import metric_crs, parse_crs, project, project_geometries
from geo.files.columns import Floats, Mask, as_numbers, as_text
from geo.raw import SourceError
from geo.schema import CRS, TEXT, Problem

Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

STRAIGHT_M = 500.0
"""What is straight in one CRS is bent in another, by a centimetre over this length: longer stretches get vertices between."""

MICROMETRE = 6
"""Distances in metres that are the same when rounded to so many digits are equal: the rest is rounding."""

LONGEST_M = 1e6
"""Nothing that is drawn longer than this is given vertices: its coordinates are wrong."""


@dataclass(frozen=True)
class Lines:
    """Sound lines, row for row: the cells of each (text ids, none twice) and its LineString in ``crs``.

    ``aside`` are the rows that are none, with ``why``.
    """

    rows: pd.DataFrame
    shapes: Geometries
    crs: str
    aside: pd.DataFrame
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Fault:
    """Rows of a table that cannot be taken: which, what is wrong with them, and what to do about it.

    ``more`` says for each of them what the rule says of all, with its figure: "3.2 m from L7".
    """

    rows: Mask
    column: str
    rule: str
    fix: str
    more: tuple[str, ...] = ()


def dots(xy: Floats) -> Geometries:
    """Return a point for each row of ``xy``, shape (n, 2)."""
    return np.asarray(shapely.points(xy), dtype=object).reshape(len(xy))


def distances(one: Geometries, two: Geometries) -> Floats:
    """Return the distance between each pair of geometries."""
    return np.asarray(shapely.distance(one, two), dtype=np.float64)


def set_aside(table: str, frame: pd.DataFrame, faults: Iterable[Fault]) -> tuple[Mask, pd.DataFrame, list[Problem]]:
    """Return which rows of ``frame`` are kept, the other ones with ``why``, and the problems; the first fault of a row counts."""
    kept = np.ones(len(frame), dtype=np.bool_)
    why = np.full(len(frame), "", dtype=object)
    problems = []
    for fault in faults:
        rows = np.flatnonzero(fault.rows & kept)
        if not len(rows):
            continue
        more = np.full(len(frame), "", dtype=object)
        more[fault.rows] = [f" ({word})" for word in fault.more] if fault.more else ""
        why[rows] = [f"{fault.column} {fault.rule}{said}" for said in more[rows]]
        kept[rows] = False
        problems.append(Problem(table, fault.column, fault.rule, names_of(frame, rows), f"{fault.fix} The row was set aside."))
    rest = pd.DataFrame(frame)[~kept].astype(object).assign(why=why[~kept])
    return kept, rest, problems


def names_of(frame: pd.DataFrame, rows: Ints) -> tuple[str, ...]:
    """Return the ids of ``rows``; "row 7" (counted from 1) where there is none."""
    found = frame["id"].iloc[rows].tolist() if "id" in frame else [None] * len(rows)
    return tuple(name if isinstance(name, str) else f"row {row + 1}" for name, row in zip(found, rows, strict=True))


def id_faults(frame: pd.DataFrame) -> list[Fault]:
    """Return the rows without an id and those whose id an earlier row has; ids are text."""
    ids = frame["id"]
    again = (ids.duplicated() & ids.notna()).to_numpy()
    return [
        Fault(ids.isna().to_numpy(), "id", "is empty", "Fill it in."),
        Fault(again, "id", "is the same as in an earlier row", "Give each row an id of its own."),
    ]


def with_text_ids(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, numbered from 0, with their ids as text; absent where there is no such column."""
    ids = as_text(frame["id"])[0] if "id" in frame else pd.Series(np.nan, index=frame.index, dtype=TEXT)
    return frame.assign(id=ids).reset_index(drop=True)


def free_ids(made: Any, taken: Any, mark: str = "#") -> NDArray[np.object_]:
    """Return ids for pieces, as (id, number) → "L7#1", none of which is taken; more marks where one would be.

    >>> free_ids([("L7", 1), ("L7", 2)], {"L7", "L7#2"}).tolist()
    ['L7##1', 'L7##2']
    """
    ids = [f"{name}{mark}{number}" for name, number in made]
    return free_ids(made, taken, mark + "#") if not set(taken).isdisjoint(ids) else np.array(ids, dtype=object)


def sort_out(frame: pd.DataFrame, crs: str) -> Lines:
    """Return the sound lines of a layer that was read.

    Raises
    ------
    SourceError
        Not one line is left.
    """
    frame = with_text_ids(frame)
    shapes = np.asarray(frame.geometry.array, dtype=object) if "geometry" in frame else np.full(len(frame), None, dtype=object)
    kept, aside, problems = set_aside("lines", frame, [*id_faults(frame), *_shape_faults(shapes, crs)])
    rows = pd.DataFrame(frame[kept]).drop(columns="geometry", errors="ignore").reset_index(drop=True)
    rows, shapes, said = _singles(rows, shapes[kept])
    dots = Fault(shapely.length(shapes) == 0.0, "geometry", *_DOT)
    sound, dotted, more = set_aside("lines", rows.assign(geometry=shapes), [dots])
    problems += [*said, *more]
    if not sound.any():
        told = " ".join(str(problem) for problem in problems[:3]) or "It has no row."
        raise SourceError("There is no line to work with.", told, "Look at the layer and its CRS in a GIS.")
    return Lines(
        rows=rows[sound].reset_index(drop=True),
        shapes=shapes[sound],
        crs=crs,
        aside=pd.concat([aside, dotted], ignore_index=True) if len(dotted) else aside,
        problems=tuple(problems),
    )


_DOT = ("is a line of no length", "Draw it from one end to the other.")
_SEVERAL = "is several lines: each became a row of its own"
_APART = "Look for them as L7#1, L7#2, …; the id that was given is in the name."


def _shape_faults(shapes: Geometries, crs: str) -> list[Fault]:
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~absent & ~np.isin(shapely.get_type_id(shapes), _LINE_TYPES)
    corners = shapely.bounds(shapes)
    lon, lat = project(corners[:, [0, 2]], corners[:, [1, 3]], source=crs, target=CRS)
    inside = ((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)).all(axis=1)
    return [
        Fault(absent, "geometry", "is empty", "Draw the line."),
        Fault(other, "geometry", "is not a LineString or MultiLineString", "Draw it as a line."),
        Fault(~absent & ~inside, "geometry", "lies outside of the world", f"Look at the CRS: it was taken as {crs}."),
    ]


_LINE_TYPES = (1, 5)
"""Shapely's numbers of LineString and MultiLineString."""


def _singles(rows: pd.DataFrame, shapes: Geometries) -> tuple[pd.DataFrame, Geometries, list[Problem]]:
    """Return the lines with each MultiLineString merged or, where it is several lines, as so many rows."""
    multi = shapely.get_type_id(shapes) == 5
    merged = shapes.copy()
    merged[multi] = shapely.line_merge(shapes[multi])
    # A merge leaves nothing of parts without a length; such a row is set aside as it was drawn.
    merged = np.where(shapely.is_empty(merged), shapely.get_geometry(shapes, 0), merged)
    parts, row = shapely.get_parts(merged, return_index=True)
    several = np.bincount(row)[row] > 1
    if not several.any():
        return rows, parts, []
    number = np.arange(len(row)) - np.searchsorted(row, row) + 1
    share = shapely.length(parts) / shapely.length(merged)[row]
    split = rows.iloc[row].reset_index(drop=True)
    ids = tuple(dict.fromkeys(split.loc[several, "id"]))
    split = as_pieces(split, several, number, share=share)
    return split, parts, [Problem("lines", "geometry", _SEVERAL, ids, _APART, "warning")]


def as_pieces(rows: pd.DataFrame, pieces: Mask, number: Ints, *, share: Floats) -> pd.DataFrame:
    """Return ``rows`` with the ids of ``pieces`` numbered, the id they had in their name, and their share of its length."""
    old = rows["id"].to_numpy(dtype=object)
    ids, name = old.copy(), _names(rows)
    name[pieces] = [
        f"{said} ({id_})" if isinstance(said, str) else id_ for said, id_ in zip(name[pieces], old[pieces], strict=True)
    ]
    ids[pieces] = free_ids(list(zip(old[pieces], number[pieces], strict=True)), set(old))
    changed = rows.assign(id=pd.Series(ids, dtype=TEXT), name=pd.Series(name, dtype=TEXT))
    if "length_m" not in rows:
        return changed
    given, bad = as_numbers(rows["length_m"])
    lengths = np.where(pieces, given * share, given)
    return changed.assign(length_m=_unless_bad(lengths, bad, rows["length_m"]))


def lengths_of(rows: pd.DataFrame, measured_m: Floats) -> Any:
    """Return the lengths that are given, and the measured ones where none is; what is no number stays as it is."""
    if "length_m" not in rows:
        return measured_m
    given, bad = as_numbers(rows["length_m"])
    return _unless_bad(np.where(np.isnan(given), measured_m, given), bad, rows["length_m"])


def _unless_bad(values: Floats, bad: Mask, raw: pd.Series[Any]) -> Any:
    return np.where(bad, raw.to_numpy(dtype=object), values) if bad.any() else values


def _names(rows: pd.DataFrame) -> NDArray[np.object_]:
    if "name" not in rows:
        return np.full(len(rows), None, dtype=object)
    return as_text(rows["name"])[0].to_numpy(dtype=object).copy()


def local_crs(shapes: Geometries, crs: str) -> Any:
    """Return the CRS in metres around the middle of ``shapes``."""
    west, south, east, north = shapely.bounds(shapes).T
    return metric_crs(*project((west + east) / 2.0, (south + north) / 2.0, source=crs, target=CRS))


def in_metres(shapes: Geometries, crs: str, metric: Any) -> Geometries:
    """Return ``shapes`` of ``crs`` in the metric CRS, as straight there as they are in their own."""
    known = parse_crs(crs)
    unit_m = 111_320.0 if known.is_geographic else known.axis_info[0].unit_conversion_factor
    long = (shapely.length(shapes) * unit_m > STRAIGHT_M) & (shapely.length(shapes) * unit_m < LONGEST_M)
    dense = shapes.copy()
    dense[long] = shapely.segmentize(shapes[long], STRAIGHT_M / unit_m)
    return project_geometries(dense, source=crs, target=metric)
