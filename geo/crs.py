"""The only place that changes coordinates: any CRS to WGS 84, WGS 84 to metres, and GCJ-02 for Chinese base maps.

Everywhere x is the longitude or easting and y the latitude or northing, whatever order the CRS itself prescribes.
GCJ-02 is the shifted datum that maps published in mainland China must use. Nothing is ever stored in it: shift at the
edge, when a layer is drawn over such a base map, and back when a point is picked from one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.schema import CRS

Floats = NDArray[np.float64]

# Ellipsoid of the GCJ-02 shift (Krassowsky 1940): semi-major axis in metres, first eccentricity squared.
_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323

GCJ02_BOX = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north in degrees: the shift is defined inside, and is nothing outside. Wider than China itself."""


class CrsError(ValueError):
    """What was given is no CRS that coordinates can be changed from or to."""


@lru_cache(maxsize=32)
def parse_crs(crs: Any) -> pyproj.CRS:
    """Return ``crs`` (an EPSG code, WKT, PROJ text or object) as an object.

    Raises
    ------
    CrsError
        Nobody knows it, or it has no horizontal coordinates.
    """
    try:
        parsed = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(f"{crs!r} is no known coordinate reference system. Give an EPSG code such as EPSG:4326.") from error
    if not (parsed.is_geographic or parsed.is_projected):
        raise CrsError(f"{crs!r} has no longitude and latitude or easting and northing. Give a code such as EPSG:4326.")
    return parsed


def is_wgs84(crs: Any) -> bool:
    """Tell whether coordinates in ``crs`` are longitude and latitude in WGS 84 already.

    >>> is_wgs84("EPSG:4326"), is_wgs84("OGC:CRS84"), is_wgs84("EPSG:3857")
    (True, True, False)
    """
    # GeoJSON with heights is in EPSG:4979, which is the same with a third axis.
    return parse_crs(crs).to_2d().equals(parse_crs(CRS), ignore_axis_order=True)


def project(x: ArrayLike, y: ArrayLike, *, source: Any, target: Any) -> tuple[Floats, Floats]:
    """Return ``x`` and ``y`` of ``source`` in ``target``; what cannot be changed becomes inf, an absent value stays NaN."""
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    transformer = _transformer(parse_crs(source), parse_crs(target))
    xs, ys = transformer.transform(xs, ys)
    return np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)


def to_wgs84(x: ArrayLike, y: ArrayLike, crs: Any) -> tuple[Floats, Floats]:
    """Return longitude and latitude in degrees; exactly ``x`` and ``y`` where ``crs`` is WGS 84 already."""
    if is_wgs84(crs):
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return project(x, y, source=crs, target=CRS)


def project_geometries(geometries: NDArray[np.object_], *, source: Any, target: Any) -> NDArray[np.object_]:
    """Return geometries of ``source`` in ``target``; None stays None."""
    if parse_crs(source).equals(parse_crs(target), ignore_axis_order=True):
        return geometries
    moved = shapely.transform(geometries, lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1], source=source, target=target)))
    return np.asarray(moved, dtype=object)


def metric_crs(lon: ArrayLike, lat: ArrayLike) -> pyproj.CRS:
    """Return a CRS in metres around the middle of the given places, for lengths and areas of one utility.

    Azimuthal equidistant on the WGS 84 ellipsoid: lengths are true from the middle, and true within 1 in 20,000 up to
    100 km from it. Longitudes are averaged on the circle, so a utility astride the 180th meridian has its middle there.
    """
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    known = np.isfinite(lons) & np.isfinite(lats)
    if not known.any():
        raise CrsError("no coordinates were given, so there is no middle to measure from. Give at least one place.")
    turn = np.radians(lons[known])
    middle = float(np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean())))
    return parse_crs(f"+proj=aeqd +lat_0={float(lats[known].mean()):.6f} +lon_0={middle:.6f} +datum=WGS84 +units=m +type=crs")


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS 84 degrees shifted to GCJ-02; places outside `GCJ02_BOX` stay as they are.

    >>> [value.round(6).item() for value in wgs84_to_gcj02(116.404, 39.915)]
    [116.410244, 39.916404]
    """
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    east, north = _gcj02_shift(lons, lats)
    return lons + east, lats + north


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return GCJ-02 degrees shifted back to WGS 84, within a millionth of a metre.

    The shift has no closed inverse: it is taken off again and again, each round a thousand times closer than the last.
    Within a kilometre of the edge of the box a shifted place cannot be told from one that never was.
    """
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    guess_lon, guess_lat = lons, lats
    # Four rounds would do, but on the 105th meridian, where the shift turns in a corner.
    for _ in range(8):
        east, north = _gcj02_shift(guess_lon, guess_lat)
        guess_lon, guess_lat = lons - east, lats - north
    return guess_lon, guess_lat


def _gcj02_shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return how far GCJ-02 lies east and north of WGS 84, in degrees, at the given WGS 84 places."""
    x, y = lon - 105.0, lat - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    ripple = 20.0 * np.sin(6.0 * pi * x) + 20.0 * np.sin(2.0 * pi * x)
    waves_north = ripple + 20.0 * np.sin(pi * y) + 40.0 * np.sin(pi / 3.0 * y)
    waves_north += 160.0 * np.sin(pi / 12.0 * y) + 320.0 * np.sin(pi / 30.0 * y)
    waves_east = ripple + 20.0 * np.sin(pi * x) + 40.0 * np.sin(pi / 3.0 * x)
    waves_east += 150.0 * np.sin(pi / 12.0 * x) + 300.0 * np.sin(pi / 30.0 * x)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves_north * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves_east * 2.0 / 3.0
    latitude = np.radians(lat)
    squash = 1.0 - _ECCENTRICITY2 * np.sin(latitude) ** 2
    east = np.degrees(east_m / (_AXIS_M / np.sqrt(squash) * np.cos(latitude)))
    north = np.degrees(north_m / (_AXIS_M * (1.0 - _ECCENTRICITY2) / squash**1.5))
    west_edge, south_edge, east_edge, north_edge = GCJ02_BOX
    inside = (lon >= west_edge) & (lon <= east_edge) & (lat >= south_edge) & (lat <= north_edge)
    return np.where(inside, east, 0.0), np.where(inside, north, 0.0)


@lru_cache(maxsize=32)
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)
