"""Cells around points: a bounded Voronoi diagram, dissolved by group, that is a valid coverage by construction.

Nothing is clipped: a ring of ghost points around the real ones bounds their cells, so that neighbours share exactly the same
vertices. Where real points are farther apart than three to five times the reach, ghosts leave a gap between their cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Polygons = NDArray[np.object_]

_NOISE_M = 1e-3


def cells_around(xy_m: Floats, *, reach_m: float) -> Polygons:
    """Return for each point the polygon of all places that are nearer to it than to any other point or ghost, to a millimetre.

    Parameters
    ----------
    xy_m
        Points in metres, shape (n, 2), no two the same.
    reach_m
        Outwards a cell reaches about as far as this; no place in it is more than about three times as far from its point.
    """
    around = np.vstack([xy_m, ghosts_around(xy_m, reach_m)])
    # In a regular pattern, cells meet in fours, and rounding then makes them overlap: a millimetre of noise parts them.
    around += np.random.default_rng(0).uniform(-_NOISE_M, _NOISE_M, around.shape)
    cells: Polygons = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(around), ordered=True))
    return cells[: len(xy_m)]


def ghosts_around(xy_m: Floats, reach_m: float) -> Floats:
    """Centres of the grid squares (side ``reach_m``) that are two squares away from the nearest square with a point."""
    squares = np.unique(np.floor(xy_m / reach_m).astype(np.int64), axis=0)
    low = squares.min(axis=0) - 3
    width = int(squares[:, 1].max() - low[1]) + 4
    codes = (squares[:, 0] - low[0]) * width + (squares[:, 1] - low[1])
    near, far = (np.unique(codes[:, None] + _offsets(radius, width)) for radius in (1, 2))
    ring = np.setdiff1d(far, near, assume_unique=True)
    corner = np.column_stack([ring // width, ring % width]) + low
    ghosts: Floats = (corner + 0.5) * reach_m
    return ghosts


def dissolve(cells: Polygons, group: NDArray[Any], count: int) -> Polygons:
    """Union of the cells of each group 0 … count-1; the cells of group -1 are left out; None for a group without cells.

    The result is a valid coverage when ``cells`` are.
    """
    kept = np.flatnonzero(group >= 0)
    order = kept[np.argsort(group[kept], kind="stable")]
    ends = np.searchsorted(group[order], np.arange(count + 1))
    unions = np.full(count, None, dtype=object)
    for number in range(count):
        members = cells[order[ends[number] : ends[number + 1]]]
        if len(members):
            unions[number] = members[0] if len(members) == 1 else shapely.coverage_union_all(members)
    return unions


def _offsets(radius: int, width: int) -> NDArray[np.int64]:
    steps = np.arange(-radius, radius + 1)
    return np.asarray((steps[:, None] * width + steps).ravel(), dtype=np.int64)
