"""Where streets are drawn: along the cables of those who live there."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.gazetteer.cables import Cables
from geo.gazetteer.clusters import Floats, Ints
from geo.gazetteer.division import Division
from geo.gazetteer.ground import Ground

_SHORTEST_M = 0.1
_SMOOTH_M = 1.0
"""Bends that are less than this off a straight line are left out."""


def draw_streets(ground: Ground, cables: Cables, division: Division, place: Ints) -> NDArray[np.object_]:
    """Line of each spot in metres, in pieces where cables part; a point where a spot has one site only.

    Where no cable is known the line goes from stop to stop in the order of house numbers; ``place`` is that of each stop.
    """
    spot = division.spot
    length_m = np.linalg.norm(cables.reach[:, 1] - cables.reach[:, 0], axis=1)
    known = np.flatnonzero(length_m > _SHORTEST_M)
    order = np.argsort(place)
    is_next = (spot[order[1:]] == spot[order[:-1]]) & ~np.isin(spot[order[1:]], spot[known])
    hop = np.stack([order[:-1][is_next], order[1:][is_next]], axis=1)
    ends = np.concatenate([cables.reach[known], ground.stop_xy[hop]])
    of = np.concatenate([spot[known], spot[hop[:, 1]]])
    drawn = np.asarray(shapely.points(ground.stop_xy[np.unique(spot, return_index=True)[1]]), dtype=object)
    lines, numbers = _joined(ends[np.argsort(of, kind="stable")], np.sort(of))
    drawn[numbers] = lines
    return drawn


def _joined(ends: Floats, of: Ints) -> tuple[NDArray[np.object_], Ints]:
    """One line of the straight pieces of each number in ``of``, which rises, and the numbers; none where they have no length."""
    numbers, index = np.unique(of, return_inverse=True)
    pieces = shapely.multilinestrings(np.asarray(shapely.linestrings(ends), dtype=object), indices=index)
    lines = np.asarray(shapely.simplify(shapely.line_merge(pieces), _SMOOTH_M), dtype=object)
    long = shapely.length(lines) > _SHORTEST_M
    return lines[long], numbers[long]
