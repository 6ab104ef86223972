"""Network × switching → impact: whom an outage affects, and by which device.

::

    switching ──operate──▶ state ──clear faults──▶ state ──trace──▶ live phases
                                                                        │ compared with the state in force before
    out, partial ◀──────────────────────────────────────────────────────┤
    transferred  ◀── those whom only the closed ties keep supplied ─────┘
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from outages.board import Board, World, move_of
from outages.course import Course, course
from outages.events import Outage
from outages.facts import Switching
from outages.held import as_planned, operations_of
from outages.lifecycle import active_spans
from outages.together import world_before
from topology.flood import Rows, Supply, trace
from topology.isolate import Clearing
from topology.network import Network
from topology.supply import State, lost, supplied
from topology.why import Loss

_ANY_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Counts:
    """What an outage costs, in numbers.

    ``customers`` are those affected, ``out`` and ``partial`` together. ``load_kw`` is their typical load. Transformers are
    those that feed an affected customer in the normal state.
    """

    customers: int
    out: int
    partial: int
    transferred: int
    load_kw: float
    important: int
    life_support: int
    dedicated_transformers: int
    public_transformers: int


@dataclass(frozen=True, eq=False)
class Impact:
    """Whom one outage affects.

    A customer is affected if it was supplied before and is not fully supplied now: ``out`` with no phase left, ``partial``
    with some. One that is moved to another feeder by a closed tie is not affected, but listed as transferred.

    Attributes
    ----------
    network, switching
        What it was worked out from; ``network.version`` names the network's content.
    supply_before, state_after
        What was supplied before, and what is closed and fed under the outage.
    cleared_by
        Ids of the protective devices that clear the faults.
    dead_sources
        Ids of the nodes of sources that lie in a faulted zone.
    out, partial, transferred
        Rows of the customers table, ascending; int32.
    cut_by
        For each of `affected`, the id of the device that cut it; "" where its source went dead.
    """

    network: Network
    switching: Switching
    supply_before: Supply
    state_after: State
    cleared_by: tuple[str, ...]
    dead_sources: tuple[str, ...]
    out: Rows
    partial: Rows
    transferred: Rows
    cut_by: tuple[str, ...]

    @cached_property
    def supply_after(self) -> Supply:
        """What is supplied under the outage, and from where."""
        return trace(self.network.wiring, self.state_after.closed, self.state_after.sources)

    @cached_property
    def affected(self) -> Rows:
        """Rows of the customers that are out or partial, ascending."""
        return np.sort(np.concatenate([self.out, self.partial]))

    @cached_property
    def transformers(self) -> Rows:
        """Rows of the transformers that feed an affected customer in the normal state, ascending."""
        feeding = np.unique(self.network.transformer_of_customer[self.affected])
        return feeding[feeding >= 0].astype(np.int32)

    @cached_property
    def feeders(self) -> tuple[str, ...]:
        """Names of the feeders of affected customers, the one with most of them first."""
        feeder = self.network.feeder_of_node[self.network.customer_node[self.affected]]
        numbers, counts = np.unique(feeder[feeder >= 0], return_counts=True)
        return tuple(self.network.feeder_names[numbers[np.argsort(-counts, kind="stable")]])

    @cached_property
    def counts(self) -> Counts:
        """The affected customers in numbers."""
        customers = self.network.tables.customers
        priority = customers["priority"].iloc[self.affected]
        ownership = self.network.tables.transformers["ownership"].iloc[self.transformers]
        return Counts(
            customers=len(self.affected),
            out=len(self.out),
            partial=len(self.partial),
            transferred=len(self.transferred),
            load_kw=round(float(customers["load_kw"].iloc[self.affected].sum()), 3),
            important=int((priority == "important").sum()),
            life_support=int((priority == "life_support").sum()),
            dedicated_transformers=int((ownership == "dedicated").sum()),
            public_transformers=int((ownership == "public").sum()),
        )


def assess(network: Network, switching: Switching, *, before: State | World | None = None) -> Impact:
    """Return whom ``switching`` affects, compared with what was ``before`` (default: normal operation).

    Faults are cleared after the switching: a section that has been isolated trips nothing, and a tie closed onto a fault trips
    what feeds the tie. With a `World` before, that goes for the faults of other outages too, and what they hold open stays
    open. Raises UnknownIdError and UnknownPhaseError; nothing is worked out then.
    """
    world = before if isinstance(before, World) else World.of(network, before)
    start = world.state
    healthy = network.healthy if before is None else trace(network.wiring, start.closed, start.sources)
    clearing = _after(network, world, switching, closing=True)
    alive = supplied(network, clearing.state)
    out, partial = lost(network, healthy.alive, alive)
    loss = Loss(network, healthy, clearing.state, alive)
    cut_by = [loss.cutter(node) for node in network.customer_node[np.sort(np.concatenate([out, partial]))].tolist()]
    return Impact(
        network=network,
        switching=switching,
        supply_before=healthy,
        state_after=clearing.state,
        cleared_by=tuple(network.device_ids[clearing.devices]),
        dead_sources=tuple(network.node_ids[clearing.dead_sources]),
        out=out,
        partial=partial,
        transferred=_transferred(network, world, switching, np.concatenate([out, partial])),
        cut_by=tuple("" if device < 0 else network.device_ids[device] for device in cut_by),
    )


def impact_of(network: Network, outage: Outage, others: Iterable[Outage] = ()) -> Impact:
    """Return whom ``outage`` affects at any time, by what is planned and what has been operated since; a draft as it is planned.

    ``supply_before`` and ``state_after`` are those of its first window; `outages.course.course` says when who is off, and what
    ``others`` bear on it. It depends on no clock. Raises UnknownIdError and UnknownPhaseError.
    """
    planned, known = as_planned(outage), list(others)
    spans = active_spans(planned)
    start = spans[0][0] if spans else planned.facts.start
    switching = (planned.in_force or planned.facts).switching
    impact = assess(network, switching, before=world_before(network, planned, known, start) if known else None)
    if len(spans) <= 1 and not outage.operations:
        return impact
    return _over_time(impact, course(network, outage, others=known, now=outage.changed_at))


def _over_time(impact: Impact, whole: Course) -> Impact:
    """Return ``impact`` with everybody who is off at some time of the whole course."""
    first: dict[int, str] = {}
    for step in whole.steps:
        for row in step.rows.tolist():
            first.setdefault(row, step.cut_by)
    transferred = np.setdiff1d(np.union1d(impact.transferred, whole.transferred), whole.affected)
    return replace(
        impact,
        out=whole.out,
        partial=np.setdiff1d(whole.affected, whole.out).astype(np.int32),
        transferred=transferred.astype(np.int32),
        cut_by=tuple(first[row] for row in whole.affected.tolist()),
    )


def _after(network: Network, before: World, switching: Switching, *, closing: bool) -> Clearing:
    """Return how the grid settles; closing comes last, and is left out unless ``closing``."""
    board = Board.on(network, before)
    for operation in operations_of(switching, _ANY_TIME):
        if closing or operation.action != "close":
            board.move(move_of(network, "", operation))
    return board.look()


def _transferred(network: Network, before: World, switching: Switching, affected: Rows) -> Rows:
    """Return the customers that would be affected if the ties stayed open, and are not."""
    if not switching.close:
        return affected[:0]
    alive = supplied(network, _after(network, before, switching, closing=False).state)
    without_ties = np.concatenate(lost(network, supplied(network, before.state), alive))
    return np.setdiff1d(without_ties, affected).astype(np.int32)
