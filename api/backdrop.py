"""What the public map is drawn on: the places that everybody knows, from the network's own tables."""

from __future__ import annotations

import shapely

from geo.schema import GridTables
from maps.geojson import PUBLIC_DIGITS, Geo, collection, feature

KNOWN_KINDS = ("county", "town", "community")
"""Kinds of places whose shape everybody knows. Streets are left out, since cables lie in them: where a table of places was
drawn from the lines of the grid, its streets would show the grid. So are estates and buildings, which may be one customer."""

_SIMPLIFY_DEG = 5e-5  # some 5 m


def backdrop(tables: GridTables) -> Geo:
    """Return the places that everybody knows, as the background of a map without tiles: id-less, with kind and names."""
    known = tables.places[tables.places["kind"].isin(KNOWN_KINDS) & tables.places.geometry.notna()]
    shaped = known[known.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    simple = shapely.simplify(shaped.geometry.to_numpy(dtype=object), _SIMPLIFY_DEG, preserve_topology=True)
    rows = zip(shaped["kind"], shaped["name"], shaped["name_en"], simple, strict=True)
    return collection(
        feature(shape, {"kind": kind, "name": name, "name_en": name_en}, digits=PUBLIC_DIGITS + 1)
        for kind, name, name_en, shape in rows
    )
