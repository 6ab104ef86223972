"""The privacy rule: what of an outage may be shown to everybody. Every public output takes it from here.

Nothing here tells of a person or of the grid: no customer, no address, no device, no line, no service area.

- **Places, not areas.** The affected customers are counted by the community that they live in, and what is drawn is the shape of
  that community. Where everybody knows the boundary anyway, it says nothing about the grid; the service area of a transformer
  would: it is drawn around the transformer, and its edges are where feeders end. A place without a shape is drawn as the
  squares of a fixed net (0.01 degrees, about 1 km) that hold at least ``threshold`` of these customers. The net does not depend
  on the grid either.
- **No small group.** Fewer than ``threshold`` customers in a community are counted in the town instead, together with the other
  small groups there. Still fewer, they are shown as "fewer than 5" in the town, without a number::

      Ashgrove (town)       community    out     shown
        ├─ Millbrook             312      14     Millbrook: at least 10
        ├─ Newfield              280       3  ┐
        └─ Oakham                 95       4  ┴▶ Ashgrove: at least 5      (7, pooled)

  A town that has itself fewer customers than ``threshold`` is no hiding place: the group moves on to the place above.
- **No difference to take.** Counts are rounded down to a multiple of ``threshold``. Two published counts, of two places, of a
  part and its whole, of two moments in time, are equal or differ by ``threshold`` or more; "at least" keeps them true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.places import PlaceTree, count_members, rows_of_places
from maps.affected import counted_in
from maps.geojson import PUBLIC_DIGITS, Geo, collection, feature
from maps.where import XY, customer_xy
from outages.impact import Impact
from topology.network import Network

THRESHOLD = 5
"""The smallest group of customers that may be counted in public."""

SQUARE_DEG = 0.01
"""Side of the squares of the fixed net."""

SIMPLIFY_DEG = 2e-4
"""By how much the outline of a place may be simplified: some 20 m."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class PublicEntry:
    """An outage as the public hears of it. ``reason`` is written for the public; ``start`` and ``end`` are aware."""

    reference: str
    outage_class: str
    start: datetime
    end: datetime | None
    reason: str
    status: str
    impact: Impact


@dataclass(frozen=True, eq=False)
class _Ground:
    """What of a network does not depend on the outage; h, t: rows of places.

    ``place``: row of the place in which each customer is counted, −1 for none, shape (c,). ``above``: the place in which a group
    too small for the place is counted, −1 for none. ``population``: customers in each place.
    """

    tree: PlaceTree
    place: Rows
    above: Rows
    population: NDArray[np.int64]
    shapes: NDArray[np.object_]
    xy: XY


def public_layer(entries: Iterable[PublicEntry], *, threshold: int = THRESHOLD) -> Geo:
    """Return what the public map shows: one feature for each outage and place, after the privacy rule of this module.

    Properties: reference, outage_class, status, start, end (UTC, ISO 8601), reason; place and place_en (null where the customers
    are in no named place); customers (a multiple of ``threshold``: there are at least so many; null where there are fewer than
    ``threshold``); fewer_than (``threshold`` there, else null); outage_customers (the same for the whole outage). The geometry is
    null where nothing may or can be drawn: the list still tells it. An outage that affects nobody has no feature.
    """
    features = []
    for entry in entries:
        ground = _ground(entry.impact.network)
        for place, members in _groups(ground, entry.impact.affected, threshold):
            properties = {**_about(entry, threshold), **_counted(ground, place, len(members), threshold)}
            features.append(feature(_shape(ground, place, members, threshold), properties, digits=PUBLIC_DIGITS))
    return {**collection(features), "threshold": threshold}


def public_count(customers: int, *, threshold: int = THRESHOLD) -> int | None:
    """Return the count that the public may be told, "at least so many"; None for a group that is too small to be counted.

    >>> public_count(14), public_count(5), public_count(4), public_count(0)
    (10, 5, None, 0)
    """
    return None if 0 < customers < threshold else customers // threshold * threshold


def _about(entry: PublicEntry, threshold: int) -> dict[str, object]:
    return {
        "reference": entry.reference,
        "outage_class": entry.outage_class,
        "status": entry.status,
        "start": _utc(entry.start),
        "end": entry.end and _utc(entry.end),
        "reason": entry.reason,
        "outage_customers": public_count(len(entry.impact.affected), threshold=threshold),
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _counted(ground: _Ground, place: int, customers: int, threshold: int) -> dict[str, object]:
    return {
        "place": _label(ground, place, "zh") if place >= 0 else None,
        "place_en": _label(ground, place, "en") if place >= 0 else None,
        "customers": public_count(customers, threshold=threshold),
        "fewer_than": threshold if customers < threshold else None,
    }


def _label(ground: _Ground, place: int, language: Literal["zh", "en"]) -> str:
    """Return the name of a place, with the places it is in where another place has the same name."""
    names = ground.tree.name if language == "zh" else ground.tree.name_en
    alike = np.flatnonzero(names == names[place])
    if len(alike) == 1:
        return str(names[place])
    path = [str(names[row]) for row in ground.tree.ancestors(place) if row == place or ground.tree.parent[row] >= 0]
    return "".join(reversed(path)) if language == "zh" else ", ".join(path)


@lru_cache(maxsize=4)  # asked for each outage; a network never changes
def _ground(network: Network) -> _Ground:
    tree = PlaceTree.of(network.tables.places)
    counted = counted_in(tree)
    smallest = rows_of_places(tree, network.tables.customers["place_id"])
    return _Ground(
        tree=tree,
        place=np.append(counted, -1)[smallest],
        above=np.append(counted, -1)[tree.parent],
        population=count_members(tree, smallest),
        shapes=network.tables.places.geometry.to_numpy(dtype=object),
        xy=customer_xy(network),
    )


def _groups(ground: _Ground, affected: NDArray[np.int32], threshold: int) -> list[tuple[int, Rows]]:
    """Return (row of the place or −1, rows of the customers counted there); small groups are pooled in the place above."""
    home = ground.place[affected]
    groups = {int(place): affected[home == place].astype(np.int64) for place in np.unique(home)}
    shown = []
    while groups:
        # The deepest first, so that everything that is pooled in a place is there before the place itself is looked at.
        place = max(groups, key=lambda row: (ground.tree.depth[row] if row >= 0 else -1, row))
        members = groups.pop(place)
        if len(members) < threshold and _moves_on(ground, place, threshold):
            above = int(ground.above[place])
            groups[above] = np.concatenate([groups.get(above, members[:0]), members])
        else:
            shown.append((place, members))
    return shown[::-1]


def _moves_on(ground: _Ground, place: int, threshold: int) -> bool:
    """Return whether a small group is counted in the place above: from anything below a town, or from one that is too small."""
    if place < 0 or ground.above[place] < 0:
        return False
    return ground.tree.kind[place] not in ("town", "county") or bool(ground.population[place] < threshold)


def _shape(ground: _Ground, place: int, members: Rows, threshold: int) -> BaseGeometry | None:
    own = ground.shapes[place] if place >= 0 else None
    if own is not None and own.geom_type in ("Polygon", "MultiPolygon"):
        simple: BaseGeometry = shapely.simplify(own, SIMPLIFY_DEG, preserve_topology=True)
        return simple
    return _squares(ground.xy[members], threshold)


def _squares(xy: XY, threshold: int) -> BaseGeometry | None:
    """Return the squares of the net that hold at least ``threshold`` of the points; None where no square does."""
    known = xy[~np.isnan(xy).any(axis=1)]
    corners, held = np.unique(np.floor(known / SQUARE_DEG).astype(np.int64), axis=0, return_counts=True)
    corners = corners[held >= threshold]
    if len(corners) == 0:
        return None
    west, south = corners[:, 0] * SQUARE_DEG, corners[:, 1] * SQUARE_DEG
    squares: BaseGeometry = shapely.union_all(shapely.box(west, south, west + SQUARE_DEG, south + SQUARE_DEG), grid_size=1e-4)
    return squares
