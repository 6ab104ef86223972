"""A synthetic place tree and synthetic addresses for a network that has coordinates but no places.

Nothing here is real: the names are put together from lists of words, and the top of the tree says so. But all of it follows
the network and its geography, so that words about places mean something, on the map and in an outage::

    county ── town ── community ┬─ street                和平路 12            customers along the cables
                                └─ estate ── building    阳光花园 3幢2单元 401   whole low-voltage networks, densely settled

What one transformer or one line supplies is a whole street or estate, or a run of house numbers or buildings in it: see
`geo.gazetteer.division` and `geo.gazetteer.numbering`. Towns and communities are compact groups of networks, about the same
size; their polygons are a valid coverage made of the Voronoi cells of the customers' nodes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.cells import cells_around, dissolve
from geo.crs import project_geometries
from geo.gazetteer.cables import Cables, trace_cables
from geo.gazetteer.clusters import Flags, Floats, Ints, means, rank_within
from geo.gazetteer.division import Division, divide
from geo.gazetteer.ground import Ground, ground_of
from geo.gazetteer.numbering import Homes, homes_of, number_houses, number_rooms, order_stops
from geo.gazetteer.placenames import COUNTY, Texts, draw_names
from geo.gazetteer.streetlines import draw_streets
from geo.schema import CRS, TEXT, GridTables, conform

_ESTATE_MARGIN_M = 8.0

_LANE = 60
"""Fewer customers than this live on a lane, others on a road or a street."""


def lay_places(tables: GridTables, *, seed: int) -> GridTables:
    """Return the tables with synthetic places, and with place_id, street, house_number and building of every customer.

    In an estate, ``street`` is the name of the estate (it takes the street's place in an address), ``building`` is such as
    "3幢2单元" or, where there is one entrance only, "3幢", and ``house_number`` is the room. A customer whose position is not
    known, neither its own nor its node's, stays without a place and without an address. The seed chooses names; the division
    itself follows from the network.

    Raises
    ------
    ValueError
        There are places already, or no customer has a position.
    """
    if len(tables.places):
        raise ValueError(f"the network has {len(tables.places)} places already. Lay places only where there are none.")
    ground = ground_of(tables)
    cables = trace_cables(tables, ground)
    division = divide(ground, cables)
    place = order_stops(ground, cables, division)
    homes = homes_of(ground, division, place)
    geometry = _geometries(ground, division, draw_streets(ground, cables, division, place), homes=homes)
    places = _places(division, homes, geometry, np.random.default_rng(seed))
    customers = _addressed(tables.customers, places, division, homes=homes, cables=cables)
    return replace(tables, customers=customers, places=places)


def _places(division: Division, homes: Homes, geometry: NDArray[np.object_], rng: np.random.Generator) -> gpd.GeoDataFrame:
    """The table of places: county, towns, communities, streets and estates, buildings, in this order."""
    counts = [1, int(division.town_of.max()) + 1, len(division.town_of), len(division.community_of), len(division.spot_of)]
    start = np.cumsum([0, *counts])
    above = [start[1] + division.town_of, start[2] + division.community_of, start[3] + division.spot_of]
    parent = np.concatenate([[-1], np.zeros(counts[1], dtype=np.int64), *above])
    kind = np.repeat(np.array(["county", "town", "community", "street", "building"], dtype=object), counts)
    kind[start[3] : start[4]][division.is_estate] = "estate"
    ids = np.array([f"P-{number:04d}" for number in range(1, len(kind) + 1)], dtype=object)
    chinese, english = _names(division, np.bincount(division.spot[homes.stop]) < _LANE, rng)
    parent_id = np.where(parent >= 0, ids[parent], np.nan)
    rows = {"id": ids, "parent_id": parent_id, "kind": kind, "name": chinese, "name_en": english, "geometry": geometry}
    return gpd.GeoDataFrame(conform("places", rows))


def _names(division: Division, is_small: Flags, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Names of all places in the order of the table; no town has two communities, streets or estates of one name."""
    town_of_spot = division.town_of[division.community_of]
    spot = np.empty((2, len(town_of_spot)), dtype=object)
    is_lane = is_small & ~division.is_estate
    for kind, rows in (("street", ~is_lane & ~division.is_estate), ("lane", is_lane), ("estate", division.is_estate)):
        spot[:, rows] = draw_names(kind, town_of_spot[rows], rng)
    town = draw_names("town", np.zeros(division.town_of.max() + 1, dtype=np.int64), rng)
    community = draw_names("community", division.town_of, rng)
    number = rank_within(division.spot_of) + 1
    building = [np.array([form.format(n) for n in number], dtype=object) for form in ("{}幢", "Building {}")]
    chinese, english = (np.concatenate([[COUNTY[k]], town[k], community[k], spot[k], building[k]]) for k in (0, 1))
    return chinese, english


def _geometries(ground: Ground, division: Division, streets: NDArray[np.object_], *, homes: Homes) -> NDArray[np.object_]:
    """Geometry of every place in degrees, in the order of the table."""
    communities = len(division.town_of)
    # Half of what a community is wide, so that fields between its houses belong to it as well.
    reach_m = float(np.sqrt(np.prod(np.ptp(ground.site_xy, axis=0) + 100.0) / communities) / 2)
    community = dissolve(cells_around(ground.site_xy, reach_m=reach_m), division.community_of_site, communities)
    town = dissolve(community, division.town_of, int(division.town_of.max()) + 1)
    county = dissolve(town, np.zeros(len(town), dtype=np.int64), 1)
    settled = homes.only(division.building[homes.stop] >= 0)
    spot = streets.copy()
    spot[division.is_estate] = _estate_areas(settled.xy, division.spot[settled.stop])
    building = _middles(settled.xy, division.building[settled.stop])
    geometry = np.concatenate([county, town, community, spot, building])
    return project_geometries(geometry, source=ground.crs, target=CRS)


def _estate_areas(xy: Floats, spot: Ints) -> NDArray[np.object_]:
    """The hull of the houses of each estate, with a margin; in the order of the spots."""
    order = np.argsort(spot, kind="stable")
    estate = np.unique(spot[order], return_inverse=True)[1]
    hulls = shapely.convex_hull(shapely.multipoints(xy[order], indices=estate))
    return np.asarray(shapely.buffer(hulls, _ESTATE_MARGIN_M, quad_segs=1), dtype=object)


def _middles(xy: Floats, building: Ints) -> NDArray[np.object_]:
    middle = np.column_stack([means(building, axis, np.ones(len(xy))) for axis in xy.T])
    return np.asarray(shapely.points(middle), dtype=object)


def _addressed(
    customers: pd.DataFrame, places: gpd.GeoDataFrame, division: Division, *, homes: Homes, cables: Cables
) -> pd.DataFrame:
    """The customers with the four columns of an address; NaN where a customer is not among the homes."""
    first_spot = len(places) - len(division.spot_of) - len(division.community_of)
    first_building = len(places) - len(division.spot_of)
    spot, building = division.spot[homes.stop], division.building[homes.stop]
    settled = building >= 0
    number = np.empty(len(spot), dtype=np.int64)
    number[~settled] = number_houses(homes.only(~settled), cables, division)
    unit, number[settled] = number_rooms(homes.only(settled), building[settled])
    entrance = np.full(len(spot), -1, dtype=np.int64)
    entrance[settled], entrances = _entrances(places["name"].to_numpy()[first_building:], building[settled], unit)
    columns: dict[str, tuple[Any, Ints]] = {
        "place_id": (places["id"], np.where(settled, first_building + building, first_spot + spot)),
        "street": (places["name"], first_spot + spot),
        "house_number": (np.arange(number.max() + 1).astype(str), number),
        "building": (entrances, entrance),
    }
    return customers.assign(**{name: _spread(*column, homes.rows, len(customers)) for name, column in columns.items()})


def _entrances(buildings: Texts, building: Ints, unit: Ints) -> tuple[Ints, Texts]:
    """Number of each home's entrance in a list of texts such as "3幢2单元", and the list."""
    units = int(unit.max(initial=0)) + 1
    codes, entrance = np.unique(building * units + unit, return_inverse=True)
    texts = [f"{buildings[code // units]}{code % units}单元" if code % units else buildings[code // units] for code in codes]
    return entrance, np.array(texts, dtype=object)


def _spread(texts: Any, codes: Ints, rows: Ints, count: int) -> pd.api.extensions.ExtensionArray:
    """Column of ``count`` rows with ``texts[codes]`` at ``rows`` and NaN elsewhere and where a code is -1."""
    spread = np.full(count, -1, dtype=np.int64)
    spread[rows] = codes
    column = pd.array(np.asarray(texts, dtype=object), dtype=TEXT)
    return column.take(spread, allow_fill=True) if len(column) else pd.array([np.nan] * count, dtype=TEXT)
