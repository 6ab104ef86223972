"""A synthetic place tree and synthetic addresses for a network that has coordinates but no places.

Nothing here is real: the names are put together from lists of words, and the top of the tree says so. But all of it follows
the geography of the network, so that words about places mean something on the map::

    county ── town ── community ┬─ street                和平路 12            customers in a row along the lines
                                └─ estate ── building    阳光花园 3幢2单元 401   customers close together

Towns and communities are compact groups of about the same size; their polygons are a valid coverage made of the Voronoi
cells of the customers' nodes. House numbers rise along a street, odd on one side of it and even on the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.cells import cells_around, dissolve
from geo.clusters import Floats, Ints, means, rank_within, spreads
from geo.crs import project_geometries
from geo.division import Division, divide
from geo.ground import Ground, ground_of, turned
from geo.placenames import COUNTY, Texts, draw_names
from geo.schema import CRS, TEXT, GridTables, conform

_ROOMS = np.array(["101", "102", "201", "202", "301", "302", "401", "402"], dtype=object)
"""Rooms of one unit (单元) of a building: four floors with two doors each."""

_ESTATE_MARGIN_M = 8.0


@dataclass(frozen=True, eq=False)
class _Homes:
    """The customers whose position is known: their rows, and where each is.

    ``along`` is measured along and across the streets of the customer's community, in metres.
    """

    rows: Ints
    xy: Floats
    along: Floats
    site: Ints
    spot: Ints
    building: Ints


@dataclass(frozen=True, eq=False)
class _Streets:
    """The straight line that fits each street, ``across = slope * along + offset`` in metres, and its angle from east."""

    slope: Floats
    offset: Floats
    angle: Floats

    def across(self, street: Ints, along: Floats) -> Floats:
        return self.slope[street] * along + self.offset[street]


def lay_places(tables: GridTables, *, seed: int) -> GridTables:
    """Return the tables with synthetic places, and with place_id, street, house_number and building of every customer.

    In an estate, ``street`` is the name of the estate (it takes the street's place in an address), ``building`` is such as
    "3幢2单元" and ``house_number`` is the room. A customer whose position is not known, neither its own nor its node's, stays
    without a place and without an address. The seed chooses names; the division itself follows from the network.

    Raises
    ------
    ValueError
        There are places already, or no customer has a position.
    """
    if len(tables.places):
        raise ValueError(f"the network has {len(tables.places)} places already. Lay places only where there are none.")
    ground = ground_of(tables)
    division = divide(ground)
    homes = _homes(ground, division)
    streets = _streets(homes, division)
    places = _places(division, _geometries(ground, division, homes, streets), np.random.default_rng(seed))
    customers = _addressed(tables.customers, places, division, homes=homes, streets=streets)
    return replace(tables, customers=customers, places=places)


def _homes(ground: Ground, division: Division) -> _Homes:
    rows = np.flatnonzero(ground.customer_site >= 0)
    xy, site = ground.customer_xy[rows], ground.customer_site[rows]
    along = turned(xy, division.axis[division.community[site]])
    return _Homes(rows, xy, along, site, division.spot[site], division.building[site])


def _streets(homes: _Homes, division: Division) -> _Streets:
    along, across = homes.along.T
    one = np.ones(len(along))
    centre, middle = means(homes.spot, along, one), means(homes.spot, across, one)
    together = means(homes.spot, (along - centre[homes.spot]) * (across - middle[homes.spot]), one)
    # A street of one house has no direction of its own: the metre squared keeps it level.
    slope = together / (spreads(homes.spot, along, one) + 1.0)
    return _Streets(slope, middle - slope * centre, division.axis[division.community_of])


def _places(division: Division, geometry: NDArray[np.object_], rng: np.random.Generator) -> gpd.GeoDataFrame:
    """The table of places: county, towns, communities, streets and estates, buildings, in this order."""
    counts = [1, int(division.town_of.max()) + 1, len(division.town_of), len(division.community_of), len(division.spot_of)]
    start = np.cumsum([0, *counts])
    above = [start[1] + division.town_of, start[2] + division.community_of, start[3] + division.spot_of]
    parent = np.concatenate([[-1], np.zeros(counts[1], dtype=np.int64), *above])
    kind = np.repeat(np.array(["county", "town", "community", "street", "building"], dtype=object), counts)
    kind[start[3] : start[4]][division.is_estate] = "estate"
    ids = np.array([f"P-{number:04d}" for number in range(1, len(kind) + 1)], dtype=object)
    chinese, english = _names(division, rng)
    parent_id = np.where(parent >= 0, ids[parent], np.nan)
    rows = {"id": ids, "parent_id": parent_id, "kind": kind, "name": chinese, "name_en": english, "geometry": geometry}
    return gpd.GeoDataFrame(conform("places", rows))


def _names(division: Division, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Names of all places in the order of the table; no town has two communities, streets or estates of one name."""
    town_of_spot = division.town_of[division.community_of]
    spot = np.empty((2, len(town_of_spot)), dtype=object)
    for kind, rows in (("street", ~division.is_estate), ("estate", division.is_estate)):
        spot[:, rows] = draw_names(kind, town_of_spot[rows], rng)
    town = draw_names("town", np.zeros(division.town_of.max() + 1, dtype=np.int64), rng)
    community = draw_names("community", division.town_of, rng)
    number = rank_within(division.spot_of) + 1
    building = [np.array([form.format(n) for n in number], dtype=object) for form in ("{}幢", "Building {}")]
    chinese, english = (np.concatenate([[COUNTY[k]], town[k], community[k], spot[k], building[k]]) for k in (0, 1))
    return chinese, english


def _geometries(ground: Ground, division: Division, homes: _Homes, streets: _Streets) -> NDArray[np.object_]:
    """Geometry of every place in degrees, in the order of the table."""
    communities = len(division.town_of)
    # Half of what a community is wide, so that fields between its houses belong to it as well.
    reach_m = float(np.sqrt(np.prod(np.ptp(ground.site_xy, axis=0) + 100.0) / communities) / 2)
    community = dissolve(cells_around(ground.site_xy, reach_m=reach_m), division.community, communities)
    town = dissolve(community, division.town_of, int(division.town_of.max()) + 1)
    county = dissolve(town, np.zeros(len(town), dtype=np.int64), 1)
    spot = _street_lines(homes, streets)
    spot[division.is_estate] = _estate_areas(homes)
    building = _middles(homes)
    geometry = np.concatenate([county, town, community, spot, building])
    return project_geometries(geometry, source=ground.crs, target=CRS)


def _street_lines(homes: _Homes, streets: _Streets) -> NDArray[np.object_]:
    """A line from the first to the last house of each street; a point where there is but one house."""
    count, along = len(streets.slope), homes.along[:, 0]
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, homes.spot, along)
    np.maximum.at(last, homes.spot, along)
    ends = [turned(np.column_stack([at, streets.across(np.arange(count), at)]), -streets.angle) for at in (first, last)]
    lines = np.asarray(shapely.linestrings(np.stack(ends, axis=1)), dtype=object)
    short = last - first < 1.0
    lines[short] = shapely.points(ends[0][short])
    return lines


def _estate_areas(homes: _Homes) -> NDArray[np.object_]:
    """The hull of the houses of each estate, with a margin; in the order of the spots."""
    inside = np.flatnonzero(homes.building >= 0)
    order = inside[np.argsort(homes.spot[inside], kind="stable")]
    estate = np.unique(homes.spot[order], return_inverse=True)[1]
    hulls = shapely.convex_hull(shapely.multipoints(homes.xy[order], indices=estate))
    return np.asarray(shapely.buffer(hulls, _ESTATE_MARGIN_M, quad_segs=1), dtype=object)


def _middles(homes: _Homes) -> NDArray[np.object_]:
    inside = homes.building >= 0
    one = np.ones(int(inside.sum()))
    middle = np.column_stack([means(homes.building[inside], axis[inside], one) for axis in homes.xy.T])
    return np.asarray(shapely.points(middle), dtype=object)


def _addressed(
    customers: pd.DataFrame, places: gpd.GeoDataFrame, division: Division, *, homes: _Homes, streets: _Streets
) -> pd.DataFrame:
    """The customers with the four columns of an address; NaN where a customer is not among the homes."""
    first_spot = len(places) - len(division.spot_of) - len(division.community_of)
    first_building = len(places) - len(division.spot_of)
    in_estate = homes.building >= 0
    unit, room = np.divmod(rank_within(homes.building, homes.site), len(_ROOMS))
    number = _house_numbers(homes, streets)
    numbers = np.arange(1, number.max() + 1).astype(str).astype(object)
    entrance, entrances = _entrances(places["name"].to_numpy()[first_building:], homes.building, unit)
    columns: dict[str, tuple[Any, Ints]] = {
        "place_id": (places["id"], np.where(in_estate, first_building + homes.building, first_spot + homes.spot)),
        "street": (places["name"], first_spot + homes.spot),
        "house_number": (np.append(_ROOMS, numbers), np.where(in_estate, room, len(_ROOMS) + number - 1)),
        "building": (entrances, entrance),
    }
    return customers.assign(**{name: _spread(*column, homes.rows, len(customers)) for name, column in columns.items()})


def _house_numbers(homes: _Homes, streets: _Streets) -> Ints:
    """Odd numbers on the right of the street's line, even ones on the left, rising along it."""
    along, across = homes.along.T
    left = (across > streets.across(homes.spot, along)).astype(np.int64)
    number: Ints = 1 + left + 2 * rank_within(2 * homes.spot + left, along)
    return number


def _entrances(buildings: Texts, building: Ints, unit: Ints) -> tuple[Ints, Texts]:
    """Number of each home's entrance in a list of texts such as "3幢2单元", and the list; -1 on a street."""
    inside = building >= 0
    units = int(unit[inside].max(initial=0)) + 1
    codes, numbers = np.unique(building[inside] * units + unit[inside], return_inverse=True)
    entrance = np.full(len(building), -1, dtype=np.int64)
    entrance[inside] = numbers
    texts = [f"{buildings[code // units]}{code % units + 1}单元" for code in codes]
    return entrance, np.array(texts, dtype=object)


def _spread(texts: Any, codes: Ints, rows: Ints, count: int) -> pd.api.extensions.ExtensionArray:
    """Column of ``count`` rows with ``texts[codes]`` at ``rows`` and NaN elsewhere and where a code is -1."""
    spread = np.full(count, -1, dtype=np.int64)
    spread[rows] = codes
    column = pd.array(np.asarray(texts, dtype=object), dtype=TEXT)
    return column.take(spread, allow_fill=True) if len(column) else pd.array([np.nan] * count, dtype=TEXT)
