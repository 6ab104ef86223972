"""Rules about where things are: geometries and coordinates, brought to WGS 84 on the way.

Where a thing is decides what is drawn, never who is affected: a bad place is emptied and its row stays, but for service
areas, which are nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import parse_crs, project_geometries, to_wgs84
from geo.files.columns import Floats, Mask
from geo.rules.draft import Draft, Finding, found, settle
from geo.schema import CRS, TABLES

Geometries = NDArray[np.object_]

FAR_DEGREES = 1.0
"""A place is far from the rest beyond this, and beyond ten times the usual distance from the middle."""


def place_rows(draft: Draft, crs: str) -> Draft:
    """Return the draft with its x, y or geometry in WGS 84, and settled after what is wrong with them."""
    if TABLES[draft.table].geometry:
        return _place_geometries(draft, crs)
    return _place_points(draft, crs) if {"x", "y"} & set(draft.cells) else draft


def _place_geometries(draft: Draft, crs: str) -> Draft:
    geometries, strange = _geometries_of(draft.raw)
    if geometries is None:
        return draft
    singles = _unwrap(geometries, TABLES[draft.table].geometry)
    draft = replace(draft, cells={**draft.cells, "geometry": singles})
    draft = settle(draft, _geometry_findings(draft, strange))
    moved = project_geometries(draft.cells["geometry"], source=crs, target=CRS)
    draft = replace(draft, cells={**draft.cells, "geometry": moved})
    return settle(draft, _out_of_range(draft))


def _geometries_of(raw: Any) -> tuple[Geometries | None, Mask]:
    """Return the geometries of a raw table, None where it has no such column, and where a cell is something else."""
    if isinstance(raw, gpd.GeoDataFrame) and raw.active_geometry_name in raw.columns:
        return np.asarray(raw.geometry.array, dtype=object), np.zeros(len(raw), dtype=np.bool_)
    if "geometry" not in raw.columns:
        return None, np.zeros(len(raw), dtype=np.bool_)
    cells = raw["geometry"]
    known = np.array([isinstance(cell, BaseGeometry) for cell in cells], dtype=np.bool_)
    geometries = np.full(len(cells), None, dtype=object)
    geometries[known] = cells.to_numpy(dtype=object)[known]
    return geometries, ~known & cells.notna().to_numpy(dtype=np.bool_)


def _unwrap(geometries: Geometries, accepted: tuple[str, ...]) -> Geometries:
    """Return multi-geometries of one part as that part, where the table takes only the part: exports love to wrap."""
    kinds = _kinds(geometries)
    wrapped = (shapely.get_num_geometries(geometries) == 1) & np.char.startswith(kinds, "Multi")
    wrapped &= ~np.isin(kinds, accepted)
    return np.where(wrapped, shapely.get_geometry(geometries, 0), geometries)


def _geometry_findings(draft: Draft, strange: Mask) -> list[Finding]:
    geometries = draft.cells["geometry"]
    accepted = TABLES[draft.table].geometry
    absent = shapely.is_missing(geometries)
    empty = ~absent & shapely.is_empty(geometries)
    wrong = ~absent & ~empty & ~np.isin(_kinds(geometries), accepted)
    invalid = ~absent & ~empty & ~wrong & ~shapely.is_valid(geometries)
    findings = _bad(strange, draft, "is no geometry", "Write it as WKT or WKB.")
    findings += _bad(empty, draft, "is a geometry without a point", "Draw it, or leave the cell empty.")
    findings += _bad(wrong, draft, f"is not a {' or '.join(accepted)}", "Draw it as one.")
    if invalid.any():
        why = shapely.is_valid_reason(geometries[np.flatnonzero(invalid)[0]])
        findings += _bad(invalid, draft, "is not valid", f"Mend it in a GIS ({why}).")
    if TABLES[draft.table].geometry_required:
        findings += _bad(absent & ~strange, draft, "is empty", "Draw it.")
    return findings


def _out_of_range(draft: Draft) -> list[Finding]:
    bounds = shapely.bounds(draft.cells["geometry"])
    inside = (np.abs(bounds[:, [0, 2]]) <= 180.0).all(axis=1) & (np.abs(bounds[:, [1, 3]]) <= 90.0).all(axis=1)
    outside = ~shapely.is_missing(draft.cells["geometry"]) & ~inside
    return _bad(outside, draft, "lies outside of the world", "Look at the CRS, and at the order of x and y.")


def _bad(mask: Mask, draft: Draft, rule: str, fix: str) -> list[Finding]:
    if TABLES[draft.table].geometry_required:
        return found(mask, draft, ("geometry", rule, f"{fix} The row was set aside."))
    return found(mask, draft, ("geometry", rule, f"{fix} The cell was taken as empty."), then="empty")


def _place_points(draft: Draft, crs: str) -> Draft:
    nowhere = np.full(len(draft.kept), np.nan)
    x, y = draft.cells.get("x", nowhere), draft.cells.get("y", nowhere)
    draft = replace(draft, cells={**draft.cells, "x": x, "y": y})
    half = np.isnan(x) != np.isnan(y)
    draft = settle(draft, _bad_point(half, draft, "has only one of x and y", "Give both, or none."))
    x, y = draft.cells["x"], draft.cells["y"]
    lon, lat = to_wgs84(x, y, crs)
    outside = ~np.isnan(x) & ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    swapped = outside & (np.abs(y) <= 180.0) & (np.abs(x) <= 90.0) & parse_crs(crs).is_geographic
    draft = replace(draft, cells={**draft.cells, "x": lon, "y": lat})
    findings = _bad_point(swapped, draft, _SWAPPED, _SWAP)
    fix = f"Look at the CRS: it was taken as {crs}."
    return settle(draft, [*findings, *_bad_point(outside & ~swapped, draft, "lies outside of the world", fix)])


_SWAPPED = "has longitude and latitude the wrong way round"
_SWAP = "Exchange x and y: x is the longitude."


def _bad_point(mask: Mask, draft: Draft, rule: str, fix: str) -> list[Finding]:
    return found(mask, draft, ("x", rule, f"{fix} Both cells were taken as empty."), then="empty")


@dataclass(frozen=True)
class Middle:
    """The middle of a network and how far from it things usually are, in degrees of latitude."""

    lon: float
    lat: float
    limit: float

    def is_far(self, lon: Floats, lat: Floats) -> Mask:
        """Tell which places are far from the rest; an absent place is not."""
        return np.asarray(self.distance(lon, lat) > self.limit, dtype=np.bool_)

    def distance(self, lon: Floats, lat: Floats) -> Floats:
        """Return the distance from the middle in degrees of latitude; rough, and across the 180th meridian."""
        east = ((lon - self.lon + 180.0) % 360.0 - 180.0) * np.cos(np.radians(self.lat))
        return np.asarray(np.hypot(east, lat - self.lat), dtype=np.float64)


def middle_of(drafts: list[Draft]) -> Middle | None:
    """Return the middle of the drawn devices or, where none is drawn, of all points; None where nothing has a place.

    Drawn devices come out of a GIS; points are often typed, and a whole table of them may be the wrong way round.
    """
    drawn = [place for draft in drafts if "geometry" in draft.cells for place in [places_of(draft)]]
    typed = [places_of(draft) for draft in drafts if "x" in draft.cells and "y" in draft.cells]
    for places in (drawn, typed):
        lon = np.concatenate([lon[~np.isnan(lon)] for lon, _ in places]) if places else np.empty(0)
        lat = np.concatenate([lat[~np.isnan(lat)] for _, lat in places]) if places else np.empty(0)
        if len(lon):
            middle = Middle(float(np.median(lon)), float(np.median(lat)), FAR_DEGREES)
            usual = float(np.median(middle.distance(lon, lat)))
            return replace(middle, limit=max(FAR_DEGREES, 10.0 * usual))
    return None


def places_of(draft: Draft) -> tuple[Floats, Floats]:
    """Return longitude and latitude of each kept row: its point, or the corner of its geometry; NaN where there is none."""
    if "geometry" in draft.cells:
        bounds = shapely.bounds(draft.cells["geometry"])
        lon, lat = bounds[:, 0], bounds[:, 1]
    else:
        nowhere = np.full(len(draft.kept), np.nan)
        lon, lat = draft.cells.get("x", nowhere), draft.cells.get("y", nowhere)
    placed = draft.kept & np.isfinite(lon) & np.isfinite(lat)
    return np.where(placed, lon, np.nan), np.where(placed, lat, np.nan)


def far_places(draft: Draft, middle: Middle) -> list[Finding]:
    """What lies far from the rest: said, and emptied where it is a point that is evidently another one."""
    lon, lat = places_of(draft)
    far = middle.is_far(lon, lat)
    if not far.any():
        return []
    back = far & (np.abs(lon) <= 90.0) & ~middle.is_far(lat, lon)
    if "geometry" in draft.cells:
        hint = " With x and y exchanged it would be near." if back.any() else ""
        fix = f"Look at its coordinates and CRS.{hint}"
        return found(far, draft, ("geometry", "lies far from the rest of the network", fix), then="keep")
    nought = far & ~back & (lon == 0.0) & (lat == 0.0)
    findings = _bad_point(back, draft, _SWAPPED, _SWAP)
    findings += _bad_point(nought, draft, "is at 0, 0, which stands for no place", "Leave x and y empty.")
    rest = far & ~back & ~nought
    says = ("x", "lies far from the rest of the network", "Look at its coordinates and CRS.")
    return [*findings, *found(rest, draft, says, then="keep")]


def _kinds(geometries: Geometries) -> NDArray[np.str_]:
    """Return the name of each geometry's type; "" where there is none."""
    ids = shapely.get_type_id(geometries)
    return _KINDS[ids]


_KINDS = np.array(
    ["Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection", ""]
)
"""Names in the order of shapely's type ids; −1, the last, is no geometry."""
