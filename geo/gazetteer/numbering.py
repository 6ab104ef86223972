"""House numbers along the streets; units and rooms in the buildings of estates.

Along a street numbers rise, network after network and cable after cable, odd ones on the right and even ones on the left. Where
the houses stand beside the line, their sides are theirs. Where no more than their nodes is known, the longest cable of a network
has the odd side and the others have the even one, and a cable that is as good as alone runs down the middle. So what lies
behind any one line has consecutive numbers on one side, or on both::

    station ─ 1 ─ 3 ─ 5 ─ 7 ─ 9
            └ 2 ─ 4 ─ 6
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from geo.gazetteer.cables import Cables
from geo.gazetteer.clusters import Flags, Floats, Ints, means, rank_within
from geo.gazetteer.division import Division
from geo.gazetteer.ground import Ground, turned

_ROOMS = 8
"""Customers in a unit (单元) of a building: four floors with two doors each."""

_OTHER_SIDE = 0.25
"""Fewer customers than this share of those on the longest cable have no side of the street to themselves."""

_BESIDE_M = 1.0
"""A house farther than this from its stop stands on one side of the line."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Customers whose position is known: where they are, and in which order one comes by.

    Attributes
    ----------
    rows, xy, stop
        Row, position in metres and stop of each.
    along, beside
        How far along the streets of its community each is, and how far to the left of its stop, in metres.
    place
        Place of the stop in the order in which houses are numbered: street after street, rising along it.
    """

    rows: Ints
    xy: Floats
    stop: Ints
    along: Floats
    beside: Floats
    place: Ints

    def only(self, chosen: Flags) -> Homes:
        """Return the chosen ones."""
        return Homes(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def homes_of(ground: Ground, division: Division, place: Ints) -> Homes:
    """Return all of them; ``place`` is the order of the stops."""
    rows = np.flatnonzero(ground.customer_stop >= 0)
    xy, stop = ground.customer_xy[rows], ground.customer_stop[rows]
    angle = division.axis[division.community[stop]]
    beside = turned(xy - ground.stop_xy[stop], angle)[:, 1]
    return Homes(rows, xy, stop, turned(xy, angle)[:, 0], beside, place[stop])


def order_stops(ground: Ground, cables: Cables, division: Division) -> Ints:
    """Place of each stop in the order of numbers: by street, by stretch, by cable and along the cable, all of them eastwards."""
    weight, way = ground.weight, cables.way
    along = turned(ground.stop_xy, division.axis[division.community])[:, 0]
    piece = _pieces_of(cables, division)
    centre, begin = means(piece, along, weight)[piece], means(division.stretch, along, weight)[division.stretch]
    together = np.bincount(piece, (along - centre) * (way - means(piece, way, weight)[piece]) * weight)
    outwards = np.where(together < 0, -1.0, 1.0)[piece]
    place = np.empty(len(way), dtype=np.int64)
    place[np.lexsort((outwards * way, piece, centre, division.stretch, begin, division.spot))] = np.arange(len(way))
    return place


def _pieces_of(cables: Cables, division: Division) -> Ints:
    """Number of the piece of cable that each stop is on: what a stretch has of a cable."""
    return _numbered(division.stretch, cables.cable)


def number_houses(homes: Homes, cables: Cables, division: Division) -> Ints:
    """House number of each of the homes, which are on streets."""
    stretch, street = division.stretch[homes.stop], division.spot[homes.stop]
    has_sides = np.zeros(len(division.stretch), dtype=np.bool_)
    has_sides[stretch[np.abs(homes.beside) > _BESIDE_M]] = True
    by_house = has_sides[stretch]
    left = np.where(by_house, homes.beside > 0, _is_left(homes, stretch, _pieces_of(cables, division)[homes.stop]))
    # Both sides keep pace: from node to node where houses have sides, else from stretch to stretch.
    group = np.where(by_house, homes.place, _least(stretch, homes.place)[stretch])
    rank = rank_within(2 * group + left, homes.place, homes.along)
    pairs = np.zeros(len(division.stretch) + 1, dtype=np.int64)
    np.maximum.at(pairs, group + 1, rank + 1)
    before = np.cumsum(pairs)[group]
    number: Ints = 1 + left + 2 * (before - _least(street, before)[street] + rank)
    return number


def _is_left(homes: Homes, stretch: Ints, piece: Ints) -> Flags:
    """Say which homes have even numbers where no house tells its side: those of all cables but the longest of the stretch.

    Where hardly any are on the others, every second one.
    """
    pieces, first, heft = np.unique(piece, return_index=True, return_counts=True)
    of = stretch[first]
    is_longest, total = rank_within(of, -heft) == 0, np.bincount(of, heft)
    longest = np.bincount(of[is_longest], heft[is_longest], minlength=len(total))
    is_lonely = total - longest < _OTHER_SIDE * longest
    left: Flags = np.where(
        is_lonely[stretch], rank_within(stretch, homes.place) % 2 == 1, ~is_longest[np.searchsorted(pieces, piece)]
    )
    return left


def number_rooms(homes: Homes, building: Ints) -> tuple[Ints, Ints]:
    """Unit and room of each of the homes, which are in these buildings; units count from 1, the only one of a building is 0.

    Customers at one node are in one unit, but where they are too many for one.
    """
    rank, size = rank_within(building, homes.place), np.bincount(building)[building]
    stop = np.unique(homes.stop, return_inverse=True)[1]
    at_stop = np.bincount(stop)
    middle = np.where(at_stop[stop] > _ROOMS, rank + 0.5, (_least(stop, rank) + at_stop / 2)[stop])
    entrance = _numbered(building, (middle * -(-size // _ROOMS) // size).astype(np.int64))
    first, last = _least(building, entrance)[building], -_least(building, -entrance)[building]
    room = rank_within(entrance, homes.place)
    return np.where(first == last, 0, entrance + 1 - first), 100 * (room // 2 + 1) + room % 2 + 1


def _numbered(group: Ints, part: Ints) -> Ints:
    """Number of each part of each group, from 0, group after group."""
    number: Ints = np.unique(group * (int(part.max(initial=0)) + 1) + part, return_inverse=True)[1]
    return number


def _least(group: Ints, value: Ints) -> Ints:
    """Least value of each group 0 … n-1, the largest there is of a group without any."""
    least = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, group, value)
    return least
