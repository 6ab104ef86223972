"""Service areas: what each public transformer supplies on the map. Derived where they are absent, checked, united.

An area is the set of places that are nearer to a customer of its transformer than to a customer of any other, no farther
out than some hundred metres::

    customers   a a   b        areas   ┌─────┬───┐
                 a  b b                │  A ┌┘ B │
                                       └────┴────┘
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.cells import cells_around, dissolve
from geo.crs import metric_crs, project, project_geometries
from geo.schema import CRS, GridTables, Problem, conform

Geometries = NDArray[np.object_]
Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

REACH_M = 250.0
"""How far beyond the outermost customers an area reaches, about."""
SAME_PLACE_M = 1.0
"""Customers in one square of this side are at one place, which belongs to the transformer of most of them."""
SLIVER_SHARE = 0.001
"""An overlap below this share of the smaller area is the width of a pencil line, and is not reported."""
HEAVY_SHARE = 0.5
"""An overlap above this share of the smaller area is an error, not a badly drawn border."""


def derive_areas(tables: GridTables, transformer_of_customer: Ints) -> gpd.GeoDataFrame:
    """Return the service areas of ``tables``, completed for public transformers that have none.

    Derived areas are a valid coverage: they share their borders and do not overlap. Where there are given areas too, these
    stay as they are, and what they cover is taken off the derived ones.

    Parameters
    ----------
    transformer_of_customer
        For each customer the row of ``tables.transformers`` that feeds it, −1 for none; shape (customers,).

    Returns
    -------
    Rows as `geo.schema` has them for service_areas; none for a transformer without customers that have coordinates.
    """
    lon, lat = tables.customers["x"].to_numpy(dtype=np.float64), tables.customers["y"].to_numpy(dtype=np.float64)
    owner = np.asarray(transformer_of_customer, dtype=np.int64)
    public = (tables.transformers["ownership"] == "public").to_numpy(dtype=np.bool_)
    used = (owner >= 0) & public[owner] & np.isfinite(lon) & np.isfinite(lat) if len(public) else np.zeros_like(owner, bool)
    given = tables.service_areas
    missing = public & ~tables.transformers["id"].isin(given["transformer_id"]).to_numpy(dtype=np.bool_)
    if not missing[owner[used]].any():
        return given
    areas = _areas_around(lon[used], lat[used], owner[used], len(public))
    rows = np.flatnonzero(missing & ~shapely.is_missing(areas))
    derived = {"transformer_id": tables.transformers["id"].iloc[rows], "geometry": _without(areas[rows], given)}
    frame = conform("service_areas", derived)
    frame = frame[~frame.geometry.isna()].reset_index(drop=True)
    return frame if given.empty else pd.concat([given, frame], ignore_index=True)


def _areas_around(lon: Floats, lat: Floats, owner: Ints, count: int) -> Geometries:
    """Return for each of ``count`` owners the area around its points, in WGS 84; None for one without points."""
    local = metric_crs(lon, lat)
    xy, owners = _one_a_place(np.column_stack(project(lon, lat, source=CRS, target=local)), owner)
    areas = dissolve(cells_around(xy, reach_m=REACH_M), owners, count)
    return project_geometries(areas, source=local, target=CRS)


def _one_a_place(xy: Floats, owner: Ints) -> tuple[Floats, Ints]:
    """Return one point for each square of `SAME_PLACE_M`, and whose it is: the most frequent owner, the first of equals."""
    squares, inverse = np.unique(np.round(xy / SAME_PLACE_M), axis=0, return_inverse=True)
    pairs, votes = np.unique(np.column_stack([inverse.ravel(), owner]), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -votes, pairs[:, 0]))
    _, first = np.unique(pairs[order, 0], return_index=True)
    return squares * SAME_PLACE_M, pairs[order[first], 1]


def _without(areas: Geometries, given: gpd.GeoDataFrame) -> Geometries:
    """Return ``areas`` without what the given areas cover; None where nothing is left."""
    if given.empty:
        return areas
    drawn = np.asarray(given.geometry.array, dtype=object)
    rest = areas.copy()
    mine, theirs = shapely.STRtree(drawn).query(areas, predicate="intersects")
    for row in np.unique(mine):
        rest[row] = _polygons(shapely.difference(areas[row], shapely.union_all(drawn[theirs[mine == row]])))
    return rest


def _polygons(geometry: Any) -> Any:
    """Return the polygons of a geometry, without the points and lines that a difference may leave; None without any."""
    parts = shapely.get_parts(geometry)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = parts[shapely.area(parts) > 0.0]
    return None if len(parts) == 0 else parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def check_areas(areas: gpd.GeoDataFrame, transformers: pd.DataFrame) -> list[Problem]:
    """Return what is to be said of service areas: that there are none, or which overlap.

    Which transformers lack one is known where it is known who feeds whom: `topology.check.check_supply`.
    """
    if areas.empty and (transformers["ownership"] == "public").any():
        fix = "Draw them; until then they are derived from where the customers are."
        return [Problem("service_areas", "", "is absent", (), fix, "warning")]
    return _overlaps(areas)


def _overlaps(areas: gpd.GeoDataFrame) -> list[Problem]:
    geometries = np.asarray(areas.geometry.array, dtype=object)
    if shapely.coverage_is_valid(geometries):
        return []
    # Only what breaks the coverage is compared pair by pair; most borders are whole.
    suspects = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(geometries)))
    left, right = shapely.STRtree(geometries).query(geometries[suspects], predicate="intersects")
    pairs = np.sort(np.column_stack([suspects[left], right]), axis=1)
    first, second = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).T
    common = shapely.area(shapely.intersection(geometries[first], geometries[second]))
    share = common / np.minimum(shapely.area(geometries[first]), shapely.area(geometries[second]))
    ids = areas["transformer_id"].to_numpy(dtype=object)
    names = np.array([f"{ids[a]} and {ids[b]}" for a, b in zip(first, second, strict=True)], dtype=object)
    heavy, light = share > HEAVY_SHARE, (share > SLIVER_SHARE) & (share <= HEAVY_SHARE)
    fix = "Draw one border between them; both were kept, and the map shows too much until then."
    problems = []
    if heavy.any():
        rule = "covers more than half of another area"
        problems.append(Problem("service_areas", "geometry", rule, tuple(names[heavy]), fix, "error"))
    if light.any():
        problems.append(Problem("service_areas", "geometry", "overlaps another area", tuple(names[light]), fix, "warning"))
    return problems


def union_areas(geometries: Any, *, is_coverage: bool | None = None) -> Any:
    """Return the union of areas: fast where they are a valid coverage, and right in every case.

    Parameters
    ----------
    geometries
        Polygons and multi-polygons; None is nothing.
    is_coverage
        What is known of all areas they are taken from; asked of these where it is absent. Any part of a valid coverage is one.
    """
    given = np.asarray(geometries, dtype=object)
    areas = given[~shapely.is_missing(given)]
    if is_coverage is None:
        is_coverage = bool(shapely.coverage_is_valid(areas))
    if not is_coverage:
        # The fast union would count overlaps twice, without a word, and stop at borders that do not meet corner by corner.
        return shapely.union_all(areas)
    return shapely.coverage_union_all(areas)
