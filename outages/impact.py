"""Network × switching → impact: whom an outage affects, and by which device.

::

    switching ──operate──▶ state ──clear faults──▶ state ──trace──▶ live phases
                                                                        │ compared with the state in force before
    out, partial ◀──────────────────────────────────────────────────────┤
    transferred  ◀── those whom only the closed ties keep supplied ─────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from outages.events import Switching
from topology.flood import Rows, Supply, trace
from topology.isolate import Clearing, clear
from topology.network import Network
from topology.supply import State, lost, normal_state, operate, supplied
from topology.why import Loss


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


def assess(network: Network, switching: Switching, *, before: State | None = None) -> Impact:
    """Return whom ``switching`` affects, compared with the state ``before`` (default: normal operation).

    Faults are cleared after the switching: a section that has been isolated trips nothing, and a tie closed onto a fault trips
    what feeds the tie. Raises UnknownIdError and UnknownPhaseError; nothing is worked out then.
    """
    start = before or normal_state(network)
    healthy = network.healthy if before is None else trace(network.wiring, start.closed, start.sources)
    clearing = _after(network, start, switching, closing=True)
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
        transferred=_transferred(network, start, switching, np.concatenate([out, partial])),
        cut_by=tuple("" if device < 0 else network.device_ids[device] for device in cut_by),
    )


def _after(network: Network, start: State, switching: Switching, *, closing: bool) -> Clearing:
    opened = [(operation.device, operation.phases) for operation in switching.open]
    closed = [(operation.device, operation.phases) for operation in switching.close] if closing else []
    return clear(network, operate(network, start, open=opened, close=closed), switching.fault)


def _transferred(network: Network, start: State, switching: Switching, affected: Rows) -> Rows:
    """Return the customers that would be affected if the ties stayed open, and are not."""
    if not switching.close:
        return affected[:0]
    alive = supplied(network, _after(network, start, switching, closing=False).state)
    without_ties = np.concatenate(lost(network, supplied(network, start), alive))
    return np.setdiff1d(without_ties, affected).astype(np.int32)
