"""Where the nodes of the synthetic utility are: a town of streets around each substation, bent as towns are.

Everything is drawn on a straight grid in metres first; `Bend` then turns and bends it, so that no street is quite straight::

        north    │     │     │         one strip a feeder, its trunk in the middle
               ──┼── ──┼── ──┼──       a row every 100 m: the lateral and the street along it
        ═════════╧═════╧══▣══╧═════    the road of the substation, with the cables to the strips
               ──┼── ──┼── ──┼──
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.gazetteer.clusters import Floats
from geo.gazetteer.ground import turned
from geo.synth.plan import FEEDERS_A_SUBSTATION, LONGEST_LATERAL, Feeders, Plan, Streets

ROW_M = 100.0
SLOT_M = 120.0
_TRUNK_M = 20.0
"""From the trunk to the first slot."""
_STRIP_M = 2 * (_TRUNK_M + LONGEST_LATERAL * SLOT_M) + 20.0
_ROAD_M = 60.0
"""From the road of the substation to the first row."""


@dataclass(frozen=True)
class Bend:
    """A gentle, seeded deformation of the plane: a turn and two long waves; it keeps neighbours neighbours."""

    turn: float
    phase_x: float
    phase_y: float
    amplitude_m: float = 80.0
    wave_m: float = 4000.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Bend:
        """A bend by chance: up to 17 degrees to either side."""
        return cls(float(rng.uniform(-0.3, 0.3)), *(float(phase) for phase in rng.uniform(0, 2 * np.pi, size=2)))

    def __call__(self, xy: Floats) -> Floats:
        """Return where points of the grid are on the ground, in metres; shape (n, 2), as given."""
        wave = 2 * np.pi / self.wave_m
        east = xy[:, 0] + self.amplitude_m * np.sin(wave * xy[:, 1] + self.phase_x)
        north = xy[:, 1] + self.amplitude_m * np.sin(wave * xy[:, 0] + self.phase_y)
        return turned(np.column_stack([east, north]), self.turn)

    def streetwards(self, xy: Floats) -> Floats:
        """Unit vectors on the ground along the streets at points of the grid."""
        step = self(xy + np.array([1.0, 0.0])) - self(xy)
        unit: Floats = step / np.linalg.norm(step, axis=1, keepdims=True)
        return unit


@dataclass(frozen=True, eq=False)
class Grid:
    """Positions of the nodes of the plan on the straight grid in metres, by what they are; each of shape (n, 2).

    One ``bus`` a substation, ``head`` a feeder, ``trunk`` a trunk node, ``tap`` a lateral, ``primary`` and ``busbar`` a
    transformer, ``street`` a low-voltage node.
    """

    bus: Floats
    head: Floats
    trunk: Floats
    tap: Floats
    primary: Floats
    busbar: Floats
    street: Floats


def lay_out(plan: Plan, rng: np.random.Generator) -> Grid:
    """Put every node of the plan on the grid."""
    feeders, trunks, laterals, transformers = plan.feeders, plan.trunks, plan.laterals, plan.transformers
    bus = _substations(plan.substations, int(trunks.row.max()) + 1)
    east, north = np.array([1.0, 0.0]), feeders.direction[:, None] * np.array([0.0, 1.0])
    column = _columns(feeders)[:, None]
    rows = (_ROAD_M + ROW_M * trunks.row)[:, None] * north[trunks.feeder]
    foot = bus[feeders.substation] + column * _STRIP_M * east
    trunk = foot[trunks.feeder] + rows + rng.normal(0.0, 2.0, (len(trunks), 2))
    side = laterals.side[:, None] * east
    slot = (_TRUNK_M + SLOT_M * (transformers.slot + 0.5))[:, None] * side[transformers.lateral]
    primary = trunk[laterals.trunk[transformers.lateral]] + slot
    return Grid(
        bus=bus,
        head=bus[feeders.substation] + 10.0 * north + 4.0 * column * east,
        trunk=trunk,
        tap=trunk[laterals.trunk] + 8.0 * side,
        primary=primary,
        busbar=primary - np.array([0.0, 3.0]),
        street=_street_nodes(plan.streets, primary, rng),
    )


def _substations(count: int, rows: int) -> Floats:
    """Substations in an array that is about as wide as it is high, row by row from the south."""
    across_m, up_m = FEEDERS_A_SUBSTATION / 2 * _STRIP_M, 2 * (_ROAD_M + ROW_M * rows)
    abreast = max(1, round(float(np.sqrt(count * up_m / across_m))))
    number = np.arange(count)
    return np.column_stack([number % abreast * across_m, number // abreast * up_m])


def _columns(feeders: Feeders) -> Floats:
    """Column of each feeder counted from the middle of those on its side of its substation."""
    side = 2 * feeders.substation + (feeders.direction > 0)
    columns: Floats = feeders.column - (np.bincount(side)[side] - 1) / 2
    return columns


def _street_nodes(streets: Streets, primary: Floats, rng: np.random.Generator) -> Floats:
    """Evenly along the slot of the transformer, on the street ten metres south of the lateral."""
    along: Floats = ((streets.rank + 0.5) / streets.of - 0.5) * SLOT_M
    off = np.column_stack([along, np.full(len(along), -10.0)])
    jitter = rng.uniform(-1.5, 1.5, (len(along), 2))
    return np.asarray(primary[streets.transformer] + off + jitter, dtype=np.float64)
