"""Areas as plain closed rings: all that alerts (CAP) and feeds (GeoRSS Simple) can draw.

Neither knows a hole. An area with holes is cut through them, so that what is drawn is the area and nothing else::

    ┌───────┐       ┌───┬───┐
    │ ┌───┐ │       │ ┌─┤─┐ │        two rings, each without a hole
    │ └───┘ │   →   │ └─┤─┘ │
    └───────┘       └───┴───┘

A ring of too many points is drawn coarser, and never smaller: whoever is within the area is within the ring. Coordinates have
four decimal places (11 m), like everything else that is public, so what is narrower than that is not drawn at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

DIGITS = 4
"""Decimal places of a degree."""

MOST_POINTS = 100
"""Points of a ring, with the last that repeats the first. Receivers of alerts are small: sirens, phones, signs."""

Ring = tuple[tuple[float, float], ...]
"""Longitude, latitude; the last point is the first; counter-clockwise."""

_STEP = 10.0**-DIGITS


def closed_rings(polygons: Iterable[shapely.Polygon]) -> tuple[Ring, ...]:
    """Return rings that together cover ``polygons`` (degrees, valid); none for what is too small to draw.

    >>> closed_rings([shapely.box(113, 23, 113.5, 23.25)])
    (((113.0, 23.0), (113.5, 23.0), (113.5, 23.25), (113.0, 23.25), (113.0, 23.0)),)
    """
    return tuple(ring for polygon in polygons for ring in _rings(polygon))


@lru_cache(maxsize=4096)  # outage after outage is in the same places
def _rings(polygon: shapely.Polygon) -> tuple[Ring, ...]:
    return tuple(_points(light) for piece in _whole(polygon) for light in _light(piece))


def _whole(polygon: shapely.Polygon) -> Iterator[shapely.Polygon]:
    """Yield pieces without holes, on the grid of `DIGITS`, that together are ``polygon``."""
    for piece in _on_grid(polygon):
        holes = [ring.bounds for ring in piece.interiors]
        if not holes:
            yield piece
            continue
        # Through the hole in the middle: each half has about half of the holes.
        left, _, right, _ = sorted(holes)[len(holes) // 2]
        west, south, east, north = piece.bounds
        cut = (left + right) / 2
        for half in (shapely.box(west, south, cut, north), shapely.box(cut, south, east, north)):
            for part in _polygons(piece.intersection(half)):
                yield from _whole(part)


def _on_grid(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    with np.errstate(all="ignore"):  # GEOS tries nearly parallel edges and takes care of them itself
        return _polygons(shapely.set_precision(polygon, _STEP))


def _polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    parts = shapely.get_parts(shapely.normalize(geometry))
    return [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]


def _light(piece: shapely.Polygon) -> list[shapely.Polygon]:
    """Return ``piece`` with `MOST_POINTS` points at most; coarser where it must be, and then as much wider."""
    coarse, tolerance = [piece], _STEP
    while any(shapely.get_num_coordinates(one) > MOST_POINTS for one in coarse):
        if tolerance > 1:
            return _on_grid(shapely.box(*piece.bounds))
        simple = piece.simplify(tolerance)
        if shapely.get_num_coordinates(simple) <= MOST_POINTS:
            coarse = _filled(simple.buffer(tolerance + _STEP, join_style="mitre").intersection(_WORLD))
        tolerance *= 2
    return coarse


def _filled(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Return what is inside of the outlines: widening may close a bay, and the grid a strait."""
    outlines = [shapely.Polygon(one.exterior) for one in _polygons(geometry)]
    return [shapely.Polygon(one.exterior) for outline in outlines for one in _on_grid(outline)]


def _points(piece: shapely.Polygon) -> Ring:
    ring = shapely.orient_polygons(shapely.normalize(piece)).exterior
    return tuple((round(x, DIGITS) + 0.0, round(y, DIGITS) + 0.0) for x, y in shapely.get_coordinates(ring).tolist())


_WORLD = shapely.box(-180, -90, 180, 90)
