"""An Arrow layer → one table of the schema as a frame: which column is ours, which dtype it takes, where its rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.files.layers import Layer
from geo.files.points import geometries_of_wkb, geometries_of_wkt, points_of_geometries, points_of_wkb
from geo.raw import unknown_columns
from geo.schema import TABLES, TEXT, Problem

_SHAPEFILE_LETTERS = 10
"""Shapefiles cut the names of columns after so many letters."""


@dataclass(frozen=True)
class Frame:
    """A table with the columns of the schema that its source has, the CRS of its coordinates, and what there is to say."""

    rows: pd.DataFrame
    crs: str
    problems: tuple[Problem, ...]


def frame_of_layer(table: str, layer: Layer, default_crs: str) -> Frame:
    """Return ``layer`` as the table called ``table``; coordinates without a CRS of their own are in ``default_crs``."""
    geometry = layer.geometry or next((name for name in layer.cells.column_names if name.casefold() == "geometry"), "")
    names = [name for name in layer.cells.column_names if name != geometry]
    known = known_columns(table, names)
    rows = _rows(layer.cells.select(list(known)).rename_columns(list(known.values())))
    problems = [*_remarks(table, layer), *unknown_columns(table, [name for name in names if name not in known])]
    crs = layer.crs or default_crs
    if not geometry:
        return Frame(rows, crs, tuple(problems))
    cells = layer.cells[geometry]
    if layer.geometry and not layer.crs and pc.any(pc.is_valid(cells)).as_py():
        rule = f"does not say its CRS: {crs} was taken"
        problems.append(Problem(table, "", rule, (), "Set the CRS of the layer, or name it when reading.", "warning"))
    placed = _with_geometry(table, rows, cells, crs) if TABLES[table].geometry else _with_points(table, rows, cells)
    return Frame(placed[0], crs, (*problems, *placed[1]))


def known_columns(table: str, names: list[str]) -> dict[str, str]:
    """Return our column for each of ``names`` that is one, whatever its capitals, in the order of the schema.

    >>> known_columns("switches", ["ID", "normal_sta", "colour"])
    {'ID': 'id', 'normal_sta': 'normal_state'}
    """
    given: dict[str, str] = {}
    for name in names:
        given.setdefault(name.strip().casefold(), name)
    found: dict[str, str] = {}
    for column in TABLES[table].columns:
        folded = given.get(column.name, given.get(column.name[:_SHAPEFILE_LETTERS]))
        match = column.name if column.name in names else folded
        if match is not None and match not in found:
            found[match] = column.name
    return found


def _remarks(table: str, layer: Layer) -> list[Problem]:
    fix = "Look at the rows that it names."
    return [Problem(table, "", f"was read with a remark: {said}", (), fix, "warning") for said in layer.said]


def _rows(cells: Any) -> pd.DataFrame:
    for number, field in enumerate(cells.schema):
        if pa.types.is_dictionary(field.type):
            cells = cells.set_column(number, field.name, cells[number].cast(field.type.value_type))
        elif pa.types.is_decimal(field.type):
            cells = cells.set_column(number, field.name, cells[number].cast(pa.float64()))
    rows: pd.DataFrame = cells.to_pandas(types_mapper=_dtype, integer_object_nulls=True)
    return rows


def _dtype(kind: Any) -> Any:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXT
    # Whole numbers with gaps would become floats, and the id 9007199254740993 another one.
    return pd.Int64Dtype() if pa.types.is_signed_integer(kind) else None


def _with_geometry(table: str, rows: pd.DataFrame, cells: Any, crs: str) -> tuple[pd.DataFrame, list[Problem]]:
    geometries, bad = _geometries(cells)
    placed = gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries(geometries, crs=crs, index=rows.index))
    return placed, _unread_cells(table, rows, bad, ("is no geometry that can be read", "Write it as WKT or WKB."))


def _with_points(table: str, rows: pd.DataFrame, cells: Any) -> tuple[pd.DataFrame, list[Problem]]:
    x, y, bad = points_of_wkb(cells) if _is_binary(cells) else points_of_geometries(*_geometries(cells))
    problems = _unread_cells(table, rows, bad, ("is no point", "Give a point, or x and y."))
    if {"x", "y"} & set(rows.columns):
        rule = "has both points and columns x, y: the points were taken"
        problems.append(Problem(table, "x", rule, (), "Remove the columns if they say something else.", "warning"))
    return rows.assign(x=x, y=y), problems


def _geometries(cells: Any) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    if _is_binary(cells):
        return geometries_of_wkb(cells)
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return geometries_of_wkt(cells)
    return np.full(len(cells), None, dtype=object), pc.is_valid(cells).to_numpy()


def _is_binary(cells: Any) -> bool:
    return bool(pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type))


def _unread_cells(table: str, rows: pd.DataFrame, bad: NDArray[np.bool_], says: tuple[str, str]) -> list[Problem]:
    if not bad.any():
        return []
    rule, fix = says
    key = next((name for name in ("id", "transformer_id") if name in rows), None)
    ids = tuple(str(rows[key].iloc[row]) if key else f"row {row + 1}" for row in np.flatnonzero(bad))
    return [Problem(table, "geometry", rule, ids, f"{fix} The cell was taken as empty.")]
