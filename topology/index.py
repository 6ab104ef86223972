"""What one device costs, at once: the customers behind it are one slice of an array.

Sources are taken together as one root. A zone is what hangs together once the root is taken out: a feeder, or several that are
joined by a closed tie. One walk, depth first, numbers the nodes of a zone so that whatever hangs behind a device has
neighbouring numbers::

    root ──B1── a ──L1── b ──L2── c            nodes      a b c d
                         └──L3── d             customers  [a a][b][c c c][d]
                                               L1 costs   ───  ‹b c d› is one slice

A device is a **bridge** if nothing behind it reaches the root another way; opening it cuts off everything behind it, on every
phase, whatever the phases there. A device in a loop costs nothing where all the loop is joined on all its phases. What is left
over, loops of mixed phases, is searched, and so are single phases and several devices: by spreading power through the zones
concerned and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from topology.customers import Cost
from topology.flood import Rows, spread
from topology.network import Network
from topology.supply import State, normal_state, supplied
from topology.transfer import Masks
from topology.walk import ROOT, SEARCH, UNSEEN, Behind, Walk, classify, forget, gather, number_zones

_NO_ROWS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Zone:
    """One zone, numbered; k nodes.

    Attributes
    ----------
    version
        Counts the changes of the index; a zone that is written anew gets the number of the change.
    nodes
        The nodes in the order of the walk, shape (k,).
    sizes
        How many nodes hang behind each, itself included; shape (k,).
    first
        ``customers[first[i]:first[i + sizes[i]]]`` are the customers at and behind node i; shape (k + 1,).
    customers
        Rows of supplied customers, in the order of the walk; zones numbered in one walk share it.
    load_kw, important, life_support
        Sums over the nodes before each, shape (k + 1,).
    """

    version: int
    nodes: Rows
    sizes: Rows
    first: Rows
    customers: Rows
    load_kw: NDArray[np.float64]
    important: Rows
    life_support: Rows


class SliceIndex:
    """The index of one network in one state, kept up as switches operate.

    Several threads may read at once, as long as none operates a switch meanwhile.
    """

    def __init__(self, network: Network, state: State | None = None) -> None:
        start = state or normal_state(network)
        nodes = len(network.node_ids)
        self.network = network
        self.version = 0
        self.state = State(start.closed.copy(), start.sources)
        self.alive: Masks = network.healthy.alive.copy() if state is None else supplied(network, start)
        self._is_odd = False
        self._roots = np.flatnonzero(start.sources)
        self._zones: dict[int, Zone] = {}
        self._next_zone = 0
        self._zone_of = np.full(nodes, UNSEEN, dtype=np.int32)
        self._place = np.zeros(nodes, dtype=np.int32)
        self._behind = Behind.nothing(len(network.device_ids))
        # A memoryview gives one number of an array in a third of the time that the array itself takes.
        self._zone_at, self._node_at = self._zone_of.data, self._behind.node.data
        self._start_at, self._stop_at = self._behind.start.data, self._behind.stop.data
        self._number(np.arange(nodes, dtype=np.int32))

    @property
    def zones(self) -> tuple[Zone, ...]:
        """All zones, the oldest first."""
        return tuple(self._zones.values())

    def behind(self, device: int) -> int:
        """Return the node behind ``device``, away from the root; `NOTHING` or `SEARCH` where there is none."""
        return int(self._behind.node[device])

    def customers(self, device: int) -> Rows:
        """Return the customers that are out when ``device`` opens on all phases, in the order of the walk."""
        node = self._node_at[device]
        if node < 0:
            return self._search_whole(device)
        return self._zones[self._zone_at[node]].customers[self._start_at[device] : self._stop_at[device]].copy()

    def count(self, device: int) -> int:
        """Return how many customers are out when ``device`` opens on all phases."""
        if self._node_at[device] == SEARCH:
            return len(self._search_whole(device))
        return int(self._stop_at[device] - self._start_at[device])

    def cost(self, device: int) -> Cost:
        """Return what is lost when ``device`` opens on all phases."""
        node = self._node_at[device]
        if node < 0:
            return self.network.customers.cost(self._search_whole(device))
        zone = self._zones[self._zone_of[node]]
        start = self._place[node]
        stop = start + zone.sizes[start]
        customers, important, life_support = (
            int(sums[stop] - sums[start]) for sums in (zone.first, zone.important, zone.life_support)
        )
        return Cost(customers, float(zone.load_kw[stop] - zone.load_kw[start]), important, life_support)

    def search(self, changes: Iterable[tuple[int, int]]) -> tuple[Rows, Rows]:
        """Return the customers that are out, and those that lost some phases, when devices get new closed masks.

        ``changes`` are pairs of a device and the phases of it that are closed then, counted at its from end. Only the zones at
        those devices are searched. Rows are ascending.
        """
        closed = self.state.closed.copy()
        touched: set[int] = set()
        for device, mask in changes:
            closed[device] = mask
            touched |= self._zones_at(device)
        nodes = self._nodes_of(touched)
        alive = self._cleared(nodes)
        spread(self.network.wiring, closed, self._roots, alive)
        return self.network.customers.lost(nodes, self.alive, alive)

    def operate(self, device: int, mask: int) -> None:
        """Set the closed phases of ``device`` and write the zones at its ends anew; no other zone is touched."""
        touched = self._zones_at(device)
        nodes = self._nodes_of(touched)
        for zone in touched:
            del self._zones[zone]
        self.state.closed[device] = mask
        self.version += 1
        self.alive = self._cleared(nodes)
        spread(self.network.wiring, self.state.closed, self._roots, self.alive)
        self._number(nodes)

    def _search_whole(self, device: int) -> Rows:
        return self.search([(device, 0)])[0] if self._node_at[device] == SEARCH else _NO_ROWS

    def _zones_at(self, device: int) -> set[int]:
        if self._is_odd:
            return set(self._zones)
        wiring = self.network.wiring
        ends = {int(self._zone_of[wiring.from_node[device]]), int(self._zone_of[wiring.to_node[device]])}
        return {zone for zone in ends if zone >= 0}

    def _nodes_of(self, zones: set[int]) -> Rows:
        if self._is_odd:
            return np.arange(len(self.alive), dtype=np.int32)
        return np.concatenate([_NO_ROWS, *(self._zones[zone].nodes for zone in zones)])

    def _cleared(self, nodes: Rows) -> Masks:
        """Return the live phases with ``nodes`` dead, but for what sources feed there themselves."""
        alive = self.alive.copy()
        alive[nodes] = self.state.sources[nodes]
        return alive

    def _number(self, nodes: Rows) -> None:
        """Number and write the zones of ``nodes``, and of dead ones that a device has joined to them."""
        wiring, closed, sources = self.network.wiring, self.state.closed, self.state.sources
        # A source that also gets phases from elsewhere is no root; the grid must then be searched as a whole.
        self._is_odd = bool((self.alive[self._roots] != sources[self._roots]).any())
        self._zone_of[nodes] = np.where(sources[nodes] != 0, ROOT, UNSEEN)
        forget(wiring, nodes, self._behind)
        walk = Walk(*number_zones(wiring, closed, self._roots, self._zone_of, self._place, self._next_zone))
        self._next_zone += len(walk.starts)
        first, customers, load_kw, important, life_support = gather(walk.nodes, self.alive, self.network.customers)
        classify(wiring, closed, walk, self._zone_of, self._place, self.alive, first, self._behind)
        if self._is_odd:
            self._behind.node[:] = SEARCH
        for start, stop in pairwise([*walk.starts.tolist(), len(walk.nodes)]):
            nodes, offsets = walk.nodes[start:stop], slice(start, stop + 1)
            self._place[nodes] -= start
            self._zones[int(self._zone_of[nodes[0]])] = Zone(
                self.version,
                nodes,
                walk.sizes[start:stop],
                first[offsets],
                customers,
                load_kw[offsets],
                important[offsets],
                life_support[offsets],
            )
