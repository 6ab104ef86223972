"""After a fault, or for planned work: what to open, what to close again, and which ties bring back whom, in which order.

::

    *s -B1:breaker- a -L1- b -S1:load_break- c -L2- d -S2:load_break- e -L3- f
    *r -B2:breaker- h -L9- g /X1/ f

    fault on L2:   B1 clears it                                     b to f are out
                   open S1, S2                                      isolates c, d
                   close B1                                         a, b are back, from their own source
                   close X1                                         e, f are back, over the tie
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from topology.flood import Rows
from topology.isolate import clear, conducting_zone
from topology.network import Network
from topology.parts import label
from topology.supply import State, lost, supplied
from topology.transfer import Masks


@dataclass(frozen=True, eq=False)
class TieStep:
    """Open switches that are closed together, and what that brings back.

    Attributes
    ----------
    ties
        Devices, in order from the live side: more than one where open switches follow each other.
    restored
        Customers fully supplied again, ascending.
    load_kw
        Their load.
    """

    ties: Rows
    restored: Rows
    load_kw: float


@dataclass(frozen=True, eq=False)
class Restoration:
    """How a fault is cleared and isolated, and who comes back when; rows are ascending.

    Attributes
    ----------
    cleared_by
        Protective devices that open by themselves.
    dead_sources
        Nodes of sources that none of these parts from the fault: they are switched off from above.
    out
        Customers that are out or partial then.
    isolate
        Switches to open (or to leave open) around the smallest section with the fault in it.
    reclose
        Devices of ``cleared_by`` that can close again.
    refed
        Customers that come back by that.
    steps
        Ties to close after it, the one that brings back most customers first.
    waiting
        Customers that wait for the repair.
    """

    cleared_by: Rows
    dead_sources: Rows
    out: Rows
    isolate: Rows
    reclose: Rows
    refed: Rows
    steps: tuple[TieStep, ...]
    waiting: Rows


def plan_restoration(network: Network, state: State, faults: list[str]) -> Restoration:
    """Return how ``faults``, ids of devices or nodes, are cleared, isolated and restored in ``state``.

    The section is what hangs together with the fault when every closed switch around it opens. Ties are used within their
    ``capacity_kw``. Raises UnknownIdError.
    """
    before = supplied(network, state)
    clearing = clear(network, state, faults)
    out = _affected(network, before, supplied(network, clearing.state))
    switches = _is_switch(network)
    section = conducting_zone(network, state, faults, stop=switches)
    isolate = _border(network, state, section, switches)
    closed = state.closed.copy()
    closed[isolate] = 0
    isolated = State(closed, np.where(section, np.uint8(0), state.sources))
    alive = supplied(network, isolated)
    waiting = _affected(network, before, alive)
    barred = section[network.wiring.from_node] | section[network.wiring.to_node]
    barred[isolate] = True
    steps = tuple(_close_ties(network, isolated, before, barred))
    for step in steps:
        waiting = np.setdiff1d(waiting, step.restored)
    return Restoration(
        cleared_by=clearing.devices,
        dead_sources=clearing.dead_sources,
        out=out,
        isolate=isolate,
        reclose=np.setdiff1d(clearing.devices, isolate).astype(np.int32),
        refed=np.setdiff1d(out, _affected(network, before, alive)).astype(np.int32),
        steps=steps,
        waiting=waiting.astype(np.int32),
    )


def plan_transfer(network: Network, before: State, after: State) -> tuple[TieStep, ...]:
    """Return the ties that keep on most of those whom the planned switching ``before`` → ``after`` would cut off.

    Devices that the switching itself opens stay open.
    """
    opened = (before.closed & ~after.closed) != 0
    return tuple(_close_ties(network, after, supplied(network, before), opened))


def _affected(network: Network, before: Masks, after: Masks) -> Rows:
    rows: Rows = np.sort(np.concatenate(lost(network, before, after)))
    return rows


def _is_switch(network: Network) -> NDArray[np.bool_]:
    first = len(network.tables.lines)
    number = np.arange(len(network.device_ids))
    return (number >= first) & (number < first + len(network.tables.switches))


def _border(network: Network, state: State, section: NDArray[np.bool_], switches: NDArray[np.bool_]) -> Rows:
    """Return the closed switches at the section whose other side has a supply, or could get one over a tie."""
    wiring = network.wiring
    from_inside, to_inside = section[wiring.from_node], section[wiring.to_node]
    border = np.flatnonzero(switches & (state.closed != 0) & (from_inside | to_inside))
    closed = np.where(switches, wiring.phases, state.closed)
    closed[switches & (from_inside | to_inside)] = 0
    possible = supplied(network, State(closed, np.where(section, np.uint8(0), state.sources)))
    outside = (possible[wiring.from_node[border]] | possible[wiring.to_node[border]]) != 0
    found: Rows = border[outside].astype(np.int32)
    return found


def _close_ties(network: Network, state: State, before: Masks, barred: NDArray[np.bool_]) -> Iterator[TieStep]:
    """Yield the best step again and again, as long as one brings somebody back."""
    ties = _Ties(network, state, before, barred)
    while (step := ties.best()) is not None:
        yield step


class _Ties:
    """Parts of the grid that hang together, and the open switches between them; closing one changes what is live."""

    def __init__(self, network: Network, state: State, before: Masks, barred: NDArray[np.bool_]) -> None:
        self._network, self._before = network, before
        self._state = State(state.closed.copy(), state.sources)
        self._dead = _affected(network, before, supplied(network, state))
        self._load = network.tables.customers["load_kw"].to_numpy(dtype=np.float64)
        self._left = _capacities(network)
        wiring, part = network.wiring, _parts(network, state)
        self._part = part
        self._feeding: dict[int, tuple[int, ...]] = {}
        self._graph: nx.MultiGraph[int] = nx.MultiGraph()
        for tie in np.flatnonzero(_is_switch(network) & (state.closed == 0) & ~barred).tolist():
            self._graph.add_edge(int(part[wiring.from_node[tie]]), int(part[wiring.to_node[tie]]), key=tie)

    def best(self) -> TieStep | None:
        """Close the switches that bring back most customers and return them; None where nothing brings back anybody."""
        alive = supplied(self._network, self._state)
        found = [step for path in self._paths(alive) if len((step := self._try(path)).restored)]
        if not found:
            return None
        step = max(found, key=lambda step: (len(step.restored), -len(step.ties), -step.ties[0]))
        self._close(step)
        return step

    def _paths(self, alive: Masks) -> Iterator[tuple[int, ...]]:
        """Yield rows of open switches from a live part to a dead one with customers, through dead parts without."""
        live = set(self._part[np.flatnonzero(alive)].tolist())
        peopled = set(self._part[self._network.customer_node[self._dead]].tolist()) - live
        for start in sorted(live & set(self._graph)):
            reached = {start}
            frontier: list[tuple[int, tuple[int, ...]]] = [(start, ())]
            while frontier:
                here, path = frontier.pop(0)
                for _, there, tie in sorted(self._graph.edges(here, keys=True)):
                    if there in reached or there in live:
                        continue
                    reached.add(there)
                    if there in peopled:
                        yield (*path, tie)
                    else:
                        frontier.append((there, (*path, tie)))

    def _try(self, path: tuple[int, ...]) -> TieStep:
        """Return what closing ``path`` would bring; nothing where a tie on the way cannot carry it."""
        closed = self._state.closed.copy()
        closed[list(path)] = self._network.wiring.phases[list(path)]
        alive = supplied(self._network, State(closed, self._state.sources))
        restored = np.setdiff1d(self._dead, _affected(self._network, self._before, alive)).astype(np.int32)
        load_kw = float(self._load[restored].sum())
        carrying = (*path, *self._carrying(path))
        if any(self._left[tie] < load_kw for tie in carrying):
            restored = restored[:0]
        return TieStep(np.array(path, dtype=np.int32), restored, load_kw)

    def _carrying(self, path: tuple[int, ...]) -> tuple[int, ...]:
        """Return the ties closed before that feed the live end of ``path``."""
        wiring = self._network.wiring
        ends = (int(self._part[wiring.from_node[path[0]]]), int(self._part[wiring.to_node[path[0]]]))
        return next((self._feeding[end] for end in ends if end in self._feeding), ())

    def _close(self, step: TieStep) -> None:
        path = tuple(step.ties.tolist())
        carrying = (*path, *self._carrying(path))
        self._state.closed[step.ties] = self._network.wiring.phases[step.ties]
        for tie in carrying:
            self._left[tie] -= step.load_kw
        for part in set(self._part[self._network.customer_node[step.restored]].tolist()):
            self._feeding.setdefault(part, carrying)
        self._dead = np.setdiff1d(self._dead, step.restored)


def _capacities(network: Network) -> dict[int, float]:
    first = len(network.tables.lines)
    capacities = network.tables.switches["capacity_kw"].fillna(np.inf)
    return {first + row: float(capacity) for row, capacity in enumerate(capacities)}


def _parts(network: Network, state: State) -> Rows:
    """Return the part that each node belongs to, by what is closed; shape (n,)."""
    return label(network.wiring, np.flatnonzero(state.closed), len(network.node_ids))


def switching_plan(network: Network, plan: Restoration) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield the steps of ``plan`` as (what, device ids, customers still out after it), in the order they are carried out."""
    still = len(plan.out)
    yield "trips", _ids(network, plan.cleared_by), still
    yield "open", _ids(network, np.setdiff1d(plan.isolate, plan.cleared_by)), still
    still -= len(plan.refed)
    yield "close", _ids(network, plan.reclose), still
    for step in plan.steps:
        still -= len(step.restored)
        yield "close", _ids(network, step.ties), still


def _ids(network: Network, devices: Iterable[int]) -> tuple[str, ...]:
    return tuple(network.device_ids[list(devices)])
