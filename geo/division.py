"""Who lives in what: towns, communities, streets, estates and buildings as groups of the places where customers are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.clusters import Cut, Flags, Floats, Ints, bisect, compact, means, spreads
from geo.ground import Ground, turned

# The densest blocks of houses become estates.
_ESTATE_SHARE = 0.25
_BUILDING_LIMIT = 20.0


@dataclass(frozen=True, eq=False)
class Division:
    """Group of each site, and what each group is in; every kind of group numbers from 0.

    Attributes
    ----------
    community, spot, building
        Of each site; a spot is a street or an estate, and the building is -1 on a street.
    town_of
        Of each community.
    axis
        Of each community: the direction of its streets, in radians from east.
    community_of, is_estate
        Of each spot.
    spot_of
        Of each building.
    """

    community: Ints
    spot: Ints
    building: Ints
    town_of: Ints
    axis: Floats
    community_of: Ints
    is_estate: Flags
    spot_of: Ints


def divide(ground: Ground) -> Division:
    """Divide the sites by geography alone: the same ground gives the same division."""
    total, weight = ground.weight.sum(), ground.weight
    whole = np.zeros(len(weight), dtype=np.int64)
    along = turned(ground.site_xy, ground.axes(whole)[whole])
    community = bisect(whole, weight, _widest(along, weight, float(np.clip(total / 12, 60, 2000))), slack=0.2)
    block = bisect(community, weight, _widest(along, weight, float(np.clip(total / 8, 24, 240))), slack=0.25)
    is_dense = _densest(along, block, weight)[block]
    axis = ground.axes(community)
    building = _buildings(along, np.where(is_dense, block, -1), weight)
    spot = _spots(turned(ground.site_xy, axis[community]), community, np.where(is_dense, block, -1), weight)
    return Division(
        community=community,
        town_of=_towns(along, community, weight),
        spot=spot,
        community_of=_first_of(spot, community),
        is_estate=_first_of(spot, building) >= 0,
        building=building,
        spot_of=_first_of(building[building >= 0], spot[building >= 0]),
        axis=axis,
    )


def _towns(xy: Floats, community: Ints, weight: Floats) -> Ints:
    """Town of each community: about as many towns as there are communities in a town."""
    centres = np.column_stack([means(community, xy[:, 0], weight), means(community, xy[:, 1], weight)])
    ones = np.ones(len(centres))
    whole = np.zeros(len(centres), dtype=np.int64)
    return bisect(whole, ones, _widest(centres, ones, float(np.ceil(np.sqrt(len(centres))))), slack=0.1)


def _densest(xy: Floats, block: Ints, weight: Floats) -> Flags:
    """Say for each block whether it is among the densest: customers by the area over which they are spread."""
    spread = np.sqrt(spreads(block, xy[:, 0], weight) * spreads(block, xy[:, 1], weight))
    rank = np.argsort(np.argsort(-np.bincount(block, weight) / (spread + 1.0), kind="stable"), kind="stable")
    densest: Flags = rank < int(_ESTATE_SHARE * len(rank))
    return densest


def _buildings(xy: Floats, estate: Ints, weight: Floats) -> Ints:
    """Building of each site of an estate, -1 elsewhere."""
    inside = np.flatnonzero(estate >= 0)
    building = np.full(len(estate), -1, dtype=np.int64)
    building[inside] = bisect(estate[inside], weight[inside], _widest(xy[inside], weight[inside], _BUILDING_LIMIT), slack=0.2)
    return building


def _spots(along: Floats, community: Ints, estate: Ints, weight: Floats) -> Ints:
    """Street or estate of each site; streets first. ``estate`` is -1 where there is to be a street."""
    outside = np.flatnonzero(estate < 0)
    strips = _strips(along[outside], weight[outside], float(np.clip(weight.sum() / 8, 24, 150)))
    spot = estate + len(estate)
    spot[outside] = bisect(community[outside], weight[outside], strips, slack=0.25)
    return compact(spot)


def _widest(xy: Floats, weight: Floats, limit: float) -> Cut:
    """Cut groups that weigh more than the limit across their longer side."""

    def cut(group: Ints) -> tuple[Flags, Floats]:
        wide = spreads(group, xy[:, 0], weight) >= spreads(group, xy[:, 1], weight)
        return np.bincount(group, weight) > limit, np.where(wide[group], xy[:, 0], xy[:, 1])

    return cut


def _strips(along: Floats, weight: Floats, limit: float) -> Cut:
    """Cut groups lengthwise until they are at least four times as long as wide, crosswise when they are eight times.

    What weighs less than a quarter of the limit is left as it is.
    """

    def cut(group: Ints) -> tuple[Flags, Floats]:
        length2, width2 = spreads(group, along[:, 0], weight), spreads(group, along[:, 1], weight)
        total, crosswise = np.bincount(group, weight), length2 >= 64.0 * width2
        is_thick = (length2 < 16.0 * width2) & (total > limit / 4)
        return (total > limit) | is_thick, np.where(crosswise[group], along[:, 0], along[:, 1])

    return cut


def _first_of(group: Ints, value: Ints) -> Ints:
    """Value of the first member of each group; for values that all members share."""
    first: Ints = value[np.unique(group, return_index=True)[1]]
    return first
