"""Who lives in what: towns, communities, streets, estates and buildings, as groups of the nodes at which customers are.

Everything is made of whole low-voltage networks and of whole cables wherever that is possible, so that what an outage takes
away is whole places, or runs of neighbours::

    low-voltage network ─┬─ one of the densest    estate, alone or with its neighbours; a building is on one cable
                         └─ any other             one street, or two or more; each of them may go on in the next network

    community: networks close together            town: communities close together
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.gazetteer.cables import Cables
from geo.gazetteer.clusters import Cut, Flags, Floats, Ints, bisect, compact, means, spreads
from geo.gazetteer.ground import Ground, turned

_NETWORK = 400.0
"""A low-voltage network of more customers than this is taken for several: there are not so many behind one transformer."""

_STRETCH = 75.0
"""Customers that one network has on one street at most."""

_HAMLET = 8.0
"""Fewer customers than this make no street as long as there is another one in the community."""

_ESTATE_SHARE = 0.25
"""Share of the networks that become estates: the densest."""

_ESTATE_FEWEST = 20.0
_ESTATE_MOST = 150.0
_ESTATE_SPREAD_M = 80.0
"""Most customers of an estate that is made of several networks, and the most they deviate from its middle."""

_BUILDING = 18
"""Customers in a building at most, but for nodes that have more."""

_SHORT_CABLE = 4.0
"""Fewer customers than this on a cable have no building of their own."""


@dataclass(frozen=True, eq=False)
class Division:
    """Group of each stop, and what each group is in; every kind of group numbers from 0.

    Attributes
    ----------
    community, spot, stretch, building
        Of each stop. A spot is a street or an estate, and a stretch is what one network has of it; the building is -1 on a
        street.
    community_of_site
        Of each site of the ground.
    town_of, axis
        Of each community: its town, and the direction of its streets, in radians from east.
    community_of, is_estate
        Of each spot.
    spot_of
        Of each building.
    """

    community: Ints
    spot: Ints
    stretch: Ints
    building: Ints
    community_of_site: Ints
    town_of: Ints
    axis: Floats
    community_of: Ints
    is_estate: Flags
    spot_of: Ints


def divide(ground: Ground, cables: Cables) -> Division:
    """Divide the stops by network and geography alone: the same ground and cables give the same division."""
    weight = ground.weight
    whole = np.zeros(len(ground.site_xy), dtype=np.int64)
    xy = turned(ground.stop_xy, float(ground.axes(whole)[0]))
    block = _cut_lengthwise(cables.supply, cables.way, weight, limit=_NETWORK)
    community = _communities(xy, _together(block, ground.stop_site), weight)
    community_of_site = _first_of(ground.stop_site, community)
    axis = ground.axes(community_of_site)
    dense = _densest(xy, block, weight)[block]
    stretch = np.where(dense, block, 0)
    stretch[~dense] = _cut_lengthwise(block[~dense], cables.way[~dense], weight[~dense], limit=_STRETCH)
    stretch = compact(2 * stretch + dense)
    spot = _spots(turned(ground.stop_xy, axis[community]), stretch, weight, community=community, dense=dense)
    building = np.full(len(weight), -1, dtype=np.int64)
    building[dense] = _buildings(block[dense], cables.cable[dense], cables.way[dense], weight[dense])
    return Division(
        community=community,
        spot=spot,
        stretch=stretch,
        building=building,
        community_of_site=community_of_site,
        town_of=_towns(xy, community, weight),
        axis=axis,
        community_of=_first_of(spot, community),
        is_estate=_first_of(spot, dense),
        spot_of=_first_of(building[dense], spot[dense]),
    )


def _cut_lengthwise(group: Ints, way: Floats, weight: Floats, *, limit: float) -> Ints:
    """Cut groups that weigh more than the limit where the way from stop to stop is longest: between cables, else at a branch."""

    def cut(pieces: Ints) -> tuple[Flags, Floats]:
        return np.bincount(pieces, weight) > limit, way

    return bisect(group, weight, cut, slack=0.25)


def _together(block: Ints, site: Ints) -> Ints:
    """Number of the group of blocks that each stop is in; blocks that share a site are in one."""
    blocks = int(block.max()) + 1
    count = blocks + int(site.max()) + 1
    graph = csr_array((np.ones(len(block)), (block, blocks + site)), shape=(count, count))
    return compact(connected_components(graph, directed=False)[1][block].astype(np.int64))


def _communities(xy: Floats, body: Ints, weight: Floats) -> Ints:
    """Community of each stop: bodies close together, each of them whole."""
    centre, heft = _points(body, xy, weight)
    whole = np.zeros(len(heft), dtype=np.int64)
    limit = float(np.clip(weight.sum() / 12, 60, 2000))
    return bisect(whole, heft, _widest(centre, heft, limit), slack=0.2)[body]


def _towns(xy: Floats, community: Ints, weight: Floats) -> Ints:
    """Town of each community: about as many towns as there are communities in a town."""
    centre, heft = _points(community, xy, weight)
    ones, whole = np.ones(len(heft)), np.zeros(len(heft), dtype=np.int64)
    return bisect(whole, ones, _widest(centre, ones, float(np.ceil(np.sqrt(len(heft))))), slack=0.1)


def _densest(xy: Floats, block: Ints, weight: Floats) -> Flags:
    """Say for each block whether it is among the densest: customers by the area over which they are spread."""
    spread = np.sqrt(spreads(block, xy[:, 0], weight) * spreads(block, xy[:, 1], weight))
    heft = np.bincount(block, weight)
    rank = np.argsort(np.argsort(-heft / (spread + 1.0), kind="stable"), kind="stable")
    densest: Flags = (rank < int(_ESTATE_SHARE * len(rank))) & (heft >= _ESTATE_FEWEST)
    return densest


def _spots(along: Floats, stretch: Ints, weight: Floats, *, community: Ints, dense: Flags) -> Ints:
    """Street or estate of each stop; streets first."""
    centre, heft = _points(stretch, along, weight)
    within, is_estate = _first_of(stretch, community), _first_of(stretch, dense)
    spot = np.empty(len(heft), dtype=np.int64)
    limit = float(np.clip(weight.sum() / 8, 24, 150))
    spot[~is_estate] = _streets(centre[~is_estate], within[~is_estate], heft[~is_estate], limit=limit)
    close = _widest(centre[is_estate], heft[is_estate], _ESTATE_MOST, spread=_ESTATE_SPREAD_M)
    spot[is_estate] = len(spot) + bisect(within[is_estate], heft[is_estate], close, slack=0.25)
    return compact(spot)[stretch]


def _streets(centre: Floats, community: Ints, heft: Floats, *, limit: float) -> Ints:
    """Street of each stretch: stretches in a row; a hamlet is on the street of the stretch nearest to it."""
    is_hamlet = heft < _HAMLET
    is_hamlet &= (np.bincount(community, ~is_hamlet) > 0)[community]
    large, small = np.flatnonzero(~is_hamlet), np.flatnonzero(is_hamlet)
    street = np.empty(len(heft), dtype=np.int64)
    street[large] = bisect(community[large], heft[large], _strips(centre[large], heft[large], limit), slack=0.25)
    if len(small):
        # In a third dimension communities are out of each other's reach.
        apart = np.column_stack([centre, 1e7 * community])
        street[small] = street[large[cKDTree(apart[large]).query(apart[small])[1]]]
    return street


def _buildings(block: Ints, cable: Ints, way: Floats, weight: Floats) -> Ints:
    """Building of each stop of an estate: equal parts of a cable, the longest first; short cables share the last building."""
    piece = np.unique(np.column_stack([block, cable]), axis=0, return_inverse=True)[1].ravel()
    heft, within = np.bincount(piece, weight), _first_of(piece, block)
    ranked = np.lexsort((-heft, within))
    place, row = np.empty((2, len(heft)), dtype=np.int64)
    place[ranked] = np.arange(len(heft))
    row[ranked] = np.cumsum((heft[ranked] >= _SHORT_CABLE) | (np.diff(within[ranked], prepend=-1) > 0)) - 1
    order = np.lexsort((way, place[piece]))
    of, passed = row[piece][order], np.cumsum(weight[order]) - weight[order] / 2
    total = np.bincount(of, weight[order])
    parts = np.ceil(total / _BUILDING)
    part = (passed - (np.cumsum(total) - total)[of]) * parts[of] // total[of]
    building = np.empty(len(block), dtype=np.int64)
    building[order] = compact(of * int(parts.max(initial=1)) + part.astype(np.int64))
    return building


def _points(group: Ints, xy: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Centre and weight of each group."""
    return np.column_stack([means(group, axis, weight) for axis in xy.T]), np.bincount(group, weight).astype(np.float64)


def _widest(xy: Floats, weight: Floats, limit: float, *, spread: float = np.inf) -> Cut:
    """Cut groups that weigh more than the limit, or are spread wider than another one, across their longer side."""

    def cut(group: Ints) -> tuple[Flags, Floats]:
        east, north = (spreads(group, axis, weight) for axis in xy.T)
        wanted = (np.bincount(group, weight) > limit) | (np.maximum(east, north) > spread**2)
        return wanted, np.where((east >= north)[group], xy[:, 0], xy[:, 1])

    return cut


def _strips(along: Floats, weight: Floats, limit: float) -> Cut:
    """Cut groups lengthwise until they are at least four times as long as wide, crosswise when they are eight times.

    What weighs less than a quarter of the limit is left as it is.
    """

    def cut(group: Ints) -> tuple[Flags, Floats]:
        length2, width2 = (spreads(group, axis, weight) for axis in along.T)
        total, crosswise = np.bincount(group, weight), length2 >= 64.0 * width2
        is_thick = (length2 < 16.0 * width2) & (total > limit / 4)
        return (total > limit) | is_thick, np.where(crosswise[group], along[:, 0], along[:, 1])

    return cut


def _first_of(group: Ints, value: NDArray[Any]) -> NDArray[Any]:
    """Value of the first member of each group; for values that all members share."""
    first: NDArray[Any] = value[np.unique(group, return_index=True)[1]]
    return first
