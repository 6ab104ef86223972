"""GeoJSON as RFC 7946 wants it: longitude before latitude, outer rings counter-clockwise, few digits, nothing invented."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

Geo = dict[str, Any]
"""A GeoJSON object as JSON reads and writes it."""

CONTROL_DIGITS = 6
"""Decimal places of a degree inside the utility: 0.1 m."""

PUBLIC_DIGITS = 4
"""Decimal places of a degree in public: 11 m."""


def collection(features: Iterable[Geo]) -> Geo:
    """Return a FeatureCollection."""
    return {"type": "FeatureCollection", "features": list(features)}


def feature(geometry: BaseGeometry | None, properties: Mapping[str, Any], *, digits: int = CONTROL_DIGITS) -> Geo:
    """Return a Feature. Absent values (NaN) become null, and so does a geometry that is absent, empty or too small to draw."""
    return {"type": "Feature", "properties": _known(properties), "geometry": written(geometry, digits=digits)}


def point_feature(x: float, y: float, properties: Mapping[str, Any], *, digits: int = CONTROL_DIGITS) -> Geo:
    """Return a Feature at longitude ``x`` and latitude ``y``, NaN where not known: what `feature` makes of a point, but faster.

    >>> point_feature(113.00000049, 23, {"id": "C1"})["geometry"]
    {'type': 'Point', 'coordinates': [113.0, 23.0]}
    """
    known = not (math.isnan(x) or math.isnan(y))
    place = {"type": "Point", "coordinates": [round(float(x), digits) + 0.0, round(float(y), digits) + 0.0]} if known else None
    return {"type": "Feature", "properties": _known(properties), "geometry": place}


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in properties.items()}


def written(geometry: BaseGeometry | None, *, digits: int = CONTROL_DIGITS) -> Geo | None:
    """Return ``geometry`` (degrees, WGS 84) with coordinates of ``digits`` decimal places, still valid; None if nothing is left.

    >>> written(shapely.box(0, 0, 1.00000049, 1))["coordinates"]
    [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]]
    """
    if geometry is None or geometry.is_empty:
        return None
    # The grid keeps polygons valid where rounding alone would let edges cross; rounding then gives the short decimals.
    with np.errstate(all="ignore"):  # GEOS tries nearly parallel edges and takes care of them itself
        coarse = shapely.set_precision(shapely.force_2d(geometry), 10.0**-digits)
    if coarse.is_empty:
        return None
    rounded = shapely.transform(coarse, lambda xy: np.round(xy, digits) + 0.0)
    plain: Geo = _lists(mapping(shapely.orient_polygons(rounded, exterior_cw=False)))
    return plain


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``frame`` as dicts by column name, for the properties of features."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def shapes(layer: Geo) -> NDArray[np.object_]:
    """Return the geometries of a FeatureCollection that has some, as shapely objects."""
    return np.array([shapely.geometry.shape(item["geometry"]) for item in layer["features"] if item["geometry"]], dtype=object)


def bounds(*layers: Geo) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of all that the layers show; None where they show nothing."""
    shown = [item["geometry"] for layer in layers for item in layer["features"] if item["geometry"]]
    corners = [place["coordinates"] for place in shown if place["type"] == "Point"]
    for place in shown:
        if place["type"] != "Point":
            west, south, east, north = shapely.geometry.shape(place).bounds
            corners += [[west, south], [east, north]]
    if not corners:
        return None
    low, high = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
    return low[0], low[1], high[0], high[1]


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value
