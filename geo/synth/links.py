"""What makes the synthetic utility more than a tree: sectionalisers, ties between feeders, doubled cables, rings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from geo.gazetteer.clusters import Floats, Ints
from geo.synth.layout import Grid
from geo.synth.plan import Flags, Plan, Texts

LOOP_SHARE = 0.02
"""Share of the closed devices that lie on a loop: up to half of them on rings of low-voltage lines."""

_TIE_REACH_M = 1500.0
_SECTIONALISER_EVERY = 3


@dataclass(frozen=True, eq=False)
class Links:
    """Which sections and feeders are linked how.

    Attributes
    ----------
    sections
        Trunk nodes that are fed by the trunk node before them.
    is_switched, is_doubled
        Of each section: a switch stands at its beginning; two cables run side by side.
    switch_kind
        Of each section with a switch: load_break or recloser.
    ties
        Pairs of trunk ends that a normally open switch joins, shape (ties, 2), as trunk nodes.
    rings
        For each ring the western and the eastern end of the low-voltage lines that it closes, shape (rings, 2).
    """

    sections: Ints
    is_switched: Flags
    is_doubled: Flags
    switch_kind: Texts
    ties: Ints
    rings: Ints


def link(plan: Plan, grid: Grid, rng: np.random.Generator) -> Links:
    """Draw the links of a plan."""
    trunks = plan.trunks
    sections = np.flatnonzero(trunks.row > 0)
    row, feeder = trunks.row[sections], trunks.feeder[sections]
    is_switched = row % _SECTIONALISER_EVERY == 1
    is_recloser = (row == 1 + _SECTIONALISER_EVERY) & (feeder % 3 == 0)
    ties = _ties(np.flatnonzero(trunks.is_last), grid.trunk)
    on_loops = LOOP_SHARE * _closed_devices(plan, len(sections) + int(is_switched.sum()) + len(ties))
    rings, on_rings = _rings(plan, on_loops / 2, rng)
    # A second cable puts itself and the first one on a loop.
    wanted = round((on_loops - on_rings) / 2)
    doubled = rng.permutation(np.flatnonzero(~is_switched))[:wanted]
    return Links(
        sections=sections,
        is_switched=is_switched,
        is_doubled=np.isin(np.arange(len(sections)), doubled),
        switch_kind=np.where(is_recloser, "recloser", "load_break").astype(object)[is_switched],
        ties=ties,
        rings=rings,
    )


def _closed_devices(plan: Plan, along_trunks: int) -> int:
    """Number of devices that are closed, before any loop: a breaker, cable, fuse, line, transformer, line and so on."""
    transformers = 2 * len(plan.transformers)
    return along_trunks + 2 * len(plan.feeders) + len(plan.laterals) + transformers + len(plan.streets)


def _ties(ends: Ints, trunk_xy: Floats) -> Ints:
    """Join each trunk end with the nearest other one, and with the second nearest where that is near enough."""
    tree = cKDTree(trunk_xy[ends])
    nearest = min(3, len(ends))
    distance_m, other = tree.query(trunk_xy[ends], k=nearest)
    near = np.flatnonzero((np.arange(nearest) == 1) | ((np.arange(nearest) == 2) & (distance_m < _TIE_REACH_M)))
    pairs = np.column_stack([near // nearest, other.ravel()[near]])
    ties: Ints = ends[np.unique(np.sort(pairs, axis=1), axis=0)]
    return ties


def _rings(plan: Plan, on_loops: float, rng: np.random.Generator) -> tuple[Ints, int]:
    """Draw transformers whose low-voltage lines close to a ring; and count the devices that are on these rings."""
    streets = plan.streets
    west = np.flatnonzero((streets.rank == 0) & (streets.of >= 3))
    east = west + streets.of[west] - 1
    whole = (streets.phases[west] == "ABC") & (streets.phases[east] == "ABC")
    drawn = rng.permutation(np.flatnonzero(whole))
    size = np.cumsum(streets.of[west[drawn]] + 1)
    count = int(np.searchsorted(size, on_loops, side="right"))
    chosen = np.sort(drawn[:count])
    return np.column_stack([west[chosen], east[chosen]]), int(size[count - 1]) if count else 0
