"""Who lives in what: towns, communities, streets, estates and buildings, as groups of the nodes at which customers are.

Everything is made of whole low-voltage networks and of whole cables wherever that is possible, so that what an outage takes
away is whole places, or runs of neighbours::

    low-voltage network ─┬─ one of the densest    estate, alone or with its neighbours; each building is on one cable
                         └─ any other             one street, or two or more; each of them may go on in the next network

    community: networks close together            town: communities close together
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.cables import Cables
from geo.clusters import Cut, Flags, Floats, Ints, bisect, compact, means, rank_within, spreads
from geo.ground import Ground, turned

_LARGEST_NETWORK = 400.0
"""A low-voltage network of more customers than this is taken for several: there are not so many behind one transformer."""

_STRETCH = 75.0
"""Customers of one network on one street at most."""

_ESTATE_SHARE = 0.25
_ESTATE = (20.0, 150.0, 80.0)
"""Fewest customers of an estate; most customers, and widest spread in metres, of one that is made of several networks."""

_BUILDING = (4, 18)
"""Customers on a cable from which on it has a building of its own; and in a building."""

_HAMLET = 8.0
"""Fewer customers than this make no street as long as there is another one in the community."""


@dataclass(frozen=True, eq=False)
class Division:
    """Group of each stop, and what each group is in; every kind of group numbers from 0.

    Attributes
    ----------
    community, spot, stretch, building
        Of each stop. A spot is a street or an estate, and a stretch is what one network has of a spot; the building is -1 on a
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
    weight, total = ground.weight, ground.weight.sum()
    whole = np.zeros(len(ground.site_xy), dtype=np.int64)
    xy = turned(ground.stop_xy, ground.axes(whole)[ground.stop_site])
    block = bisect(cables.supply, weight, _along(cables, weight, _LARGEST_NETWORK), slack=0.25)
    community = _communities(xy, _sharing(block, ground.stop_site), weight, float(np.clip(total / 12, 60, 2000)))
    community_of_site = _first_of(ground.stop_site, community)
    axis = ground.axes(community_of_site)
    is_dense = _densest(xy, block, weight)[block]
    stretch = bisect(block, weight, _along(cables, weight, np.where(is_dense, np.inf, _STRETCH)), slack=0.25)
