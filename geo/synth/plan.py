"""Who hangs on whom in the synthetic utility: numbers only, no positions and no ids.

One feeder; ``size`` transformers stand along a lateral, and laterals leave the trunk in turns to the right and to the left::

    substation ─breaker─ trunk 0 ──┬── trunk 1 ──┬── …        rows of the trunk
                            │      │      │      │
                         lateral 0 │   lateral 2 │            fused; one third of them single-phase
                                lateral 1     lateral 3
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.gazetteer.clusters import Floats, Ints, rank_within

Texts = NDArray[np.object_]
Flags = NDArray[np.bool_]

FEWEST_CUSTOMERS = 10
CUSTOMERS_A_FEEDER = 2400
CUSTOMERS_A_TRANSFORMER = 60
CUSTOMERS_A_NODE = 16
FEEDERS_A_SUBSTATION = 12
LONGEST_LATERAL = 3
_DEDICATED_SHARE = 0.08
_SINGLE_PHASE_SHARE = 1 / 3
_CENTRE_TAPPED_SHARE = 0.5
_SINGLE_PHASE_END_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Feeders:
    """Substation of each feeder, its column there, and whether it leaves northwards (1) or southwards (-1)."""

    substation: Ints
    column: Ints
    direction: Ints

    def __len__(self) -> int:
        return len(self.substation)


@dataclass(frozen=True, eq=False)
class Trunks:
    """Feeder of each trunk node, and its row: 0 next to the substation. The nodes of a feeder follow each other."""

    feeder: Ints
    row: Ints
    is_last: Flags

    def __len__(self) -> int:
        return len(self.feeder)


@dataclass(frozen=True, eq=False)
class Laterals:
    """Feeder, number in it, trunk node and side (1 east, -1 west) of each lateral, and its phases: ABC or one letter."""

    feeder: Ints
    number: Ints
    trunk: Ints
    side: Ints
    phases: Texts

    def __len__(self) -> int:
        return len(self.feeder)


@dataclass(frozen=True, eq=False)
class Transformers:
    """Lateral of each transformer and its slot there (0 next to the trunk); phases of both sides; customers behind it."""

    lateral: Ints
    slot: Ints
    feeder: Ints
    number: Ints
    is_dedicated: Flags
    from_phases: Texts
    to_phases: Texts
    connection: Texts
    customers: Ints

    def __len__(self) -> int:
        return len(self.lateral)


@dataclass(frozen=True, eq=False)
class Streets:
    """Low-voltage nodes behind the public transformers, in a row from west to east.

    ``rank`` counts from the west and ``of`` is how many the transformer has; the busbar feeds the two in the middle.
    """

    transformer: Ints
    rank: Ints
    of: Ints
    phases: Texts
    customers: Ints

    def __len__(self) -> int:
        return len(self.transformer)


@dataclass(frozen=True, eq=False)
class Plan:
    """The whole utility."""

    substations: int
    feeders: Feeders
    trunks: Trunks
    laterals: Laterals
    transformers: Transformers
    streets: Streets


def make_plan(customers: int, rng: np.random.Generator) -> Plan:
    """Plan a utility of exactly ``customers`` customers; raises ValueError when that is fewer than `FEWEST_CUSTOMERS`."""
    if customers < FEWEST_CUSTOMERS:
        raise ValueError(f"a utility of {customers} customers was asked for. Ask for {FEWEST_CUSTOMERS} or more.")
    feeder_count = max(2, round(customers / CUSTOMERS_A_FEEDER))
    transformer_count = max(feeder_count, round(customers / CUSTOMERS_A_TRANSFORMER))
    substations = -(-feeder_count // FEEDERS_A_SUBSTATION)
    shares = _even_shares(transformer_count, feeder_count)
    trunks, laterals, sizes = _trunks_and_laterals(shares, rng)
    transformers = _transformers(laterals, sizes, customers, rng)
    return Plan(substations, _feeders(feeder_count, substations), trunks, laterals, transformers, _streets(transformers, rng))


def _even_shares(total: int, parts: int) -> Ints:
    return np.diff(np.arange(parts + 1) * total // parts)


def _feeders(count: int, substations: int) -> Feeders:
    substation = np.arange(count) * substations // count
    rank, size = rank_within(substation), np.bincount(substation)
    # A tie needs a neighbour on the same side of the substation: three feeders or fewer all leave northwards.
    north = np.where(size <= 3, size, -(-size // 2))[substation]
    goes_north = rank < north
    return Feeders(substation, np.where(goes_north, rank, rank - north), np.where(goes_north, 1, -1))


def _trunks_and_laterals(transformers: Ints, rng: np.random.Generator) -> tuple[Trunks, Laterals, Ints]:
    """Trunk nodes, laterals and the number of transformers on each, for feeders with so many transformers."""
    drawn = rng.choice(np.arange(1, LONGEST_LATERAL + 1), p=[0.2, 0.3, 0.5], size=(len(transformers), transformers.max()))
    before = np.cumsum(drawn, axis=1) - drawn
    sizes = np.clip(transformers[:, None] - before, 0, drawn)
    feeder, number = np.nonzero(sizes)
    rows = -(-np.bincount(feeder) // 2)
    trunk_feeder = np.repeat(np.arange(len(rows)), rows)
    row = rank_within(trunk_feeder)
    trunks = Trunks(trunk_feeder, row, row == rows[trunk_feeder] - 1)
    phases = np.where(rng.random(len(feeder)) < _SINGLE_PHASE_SHARE, _letters(len(feeder), rng), "ABC").astype(object)
    trunk = (np.cumsum(rows) - rows)[feeder] + number // 2
    return trunks, Laterals(feeder, number, trunk, 1 - 2 * (number % 2), phases), sizes[sizes > 0]


def _letters(count: int, rng: np.random.Generator) -> Texts:
    letters: Texts = np.array(["A", "B", "C"], dtype=object)[rng.integers(3, size=count)]
    return letters


def _transformers(laterals: Laterals, sizes: Ints, customers: int, rng: np.random.Generator) -> Transformers:
    lateral = np.repeat(np.arange(len(laterals)), sizes)
    phases, feeder = laterals.phases[lateral], laterals.feeder[lateral]
    three_phase = phases == "ABC"
    is_dedicated = three_phase & (rng.random(len(lateral)) < _DEDICATED_SHARE)
    is_dedicated[0] = False  # somebody has to serve the others
    tapped = ~three_phase & (rng.random(len(lateral)) < _CENTRE_TAPPED_SHARE)
    return Transformers(
        lateral=lateral,
        slot=rank_within(lateral),
        feeder=feeder,
        number=rank_within(feeder) + 1,
        is_dedicated=is_dedicated,
        from_phases=phases,
        to_phases=np.where(tapped, "12", phases),
        connection=np.where(tapped, "centre_tapped", np.where(three_phase, "delta_wye", "wye_wye")).astype(object),
        customers=_customers_behind(is_dedicated, customers, rng),
    )


def _customers_behind(is_dedicated: Flags, customers: int, rng: np.random.Generator) -> Ints:
    """One customer behind a dedicated transformer, at least one behind a public one, ``customers`` in all."""
    public = ~is_dedicated
    size: Floats = np.clip(rng.lognormal(sigma=0.35, size=int(public.sum())), 0.3, 2.0)
    behind = np.ones(len(is_dedicated), dtype=np.int64)
    behind[public] += rng.multinomial(customers - len(is_dedicated), size / size.sum())
    return behind


def _streets(transformers: Transformers, rng: np.random.Generator) -> Streets:
    public = np.flatnonzero(~transformers.is_dedicated)
    nodes = np.maximum(1, np.rint(transformers.customers[public] / CUSTOMERS_A_NODE)).astype(np.int64)
    transformer, of = np.repeat(public, nodes), np.repeat(nodes, nodes)
    rank = rank_within(transformer)
    behind = transformers.customers[transformer]
    is_end = (of >= 3) & ((rank == 0) | (rank == of - 1)) & (transformers.to_phases[transformer] == "ABC")
    is_single = is_end & (rng.random(len(rank)) < _SINGLE_PHASE_END_SHARE)
    return Streets(
        transformer=transformer,
        rank=rank,
        of=of,
        phases=np.where(is_single, _letters(len(rank), rng), transformers.to_phases[transformer]),
        customers=behind // of + (rank < behind % of),
    )
