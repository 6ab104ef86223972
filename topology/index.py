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

import numpy as np

from topology.customers import Cost
from topology.flood import Rows, spread
from topology.network import Network
from topology.supply import State, normal_state, supplied
from topology.transfer import Masks
from topology.walk import NOTHING, ROOT, SEARCH, UNSEEN, Behind, Found, Marks, rewrite_zones, write_zones

_NO_ROWS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Zone:
    """One zone; k nodes.

    Attributes
    ----------
    version
        Counts the changes of the index; a zone that is written anew gets the number of the change.
    nodes
        The nodes in the order of the walk, shape (k,).
    """

    version: int
    nodes: Rows


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Zones that were written in one walk, numbered from ``zone`` on; never written to again."""

    version: int
    zone: int
    found: Found
    customers: Rows

    def nodes(self, zone: int) -> Rows:
        starts, place = self.found.starts, zone - self.zone
        return self.found.nodes[starts[place] : starts[place + 1] if place + 1 < len(starts) else None]


class SliceIndex:
    """The index of one network in one state, kept up as switches operate.

    Several threads may read at once, as long as none operates a switch meanwhile.
    """

    def __init__(self, network: Network, state: State | None = None) -> None:
        start = state or normal_state(network)
        nodes, devices = len(network.node_ids), len(network.device_ids)
        self.network = network
        self.version = 0
        self.state = State(start.closed.copy(), start.sources)
        self._roots = np.flatnonzero(start.sources).astype(np.int32)
        self._marks = Marks(np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32))
        self._behind = Behind(*(np.empty(devices, dtype=np.int32) for _ in Behind._fields))
        # A memoryview gives one number of an array in a third of the time that the array itself takes.
        self._mark_at = self._marks.zone.data
        self._zone_at, self._start_at, self._stop_at = (numbers.data for numbers in self._behind)
        self._next_zone = 0
        self._write_all()

    @property
    def zones(self) -> tuple[Zone, ...]:
        """All zones, the oldest first."""
        return tuple(Zone(sheet.version, sheet.nodes(zone)) for zone, sheet in self._sheets.items())

    def behind(self, device: int) -> int:
        """Return the zone of what is behind ``device``, away from the root; `NOTHING` or `SEARCH` where there is none."""
        return self._zone_at[device]

    def customers(self, device: int) -> Rows:
        """Return the customers that are out when ``device`` opens on all phases, in the order of the walk.

        It is a slice of what the index holds, so it cannot be written to; it stays as it is when switches operate.
        """
        start, stop = self._start_at[device], self._stop_at[device]
        if start < stop:
            return self._sheets[self._zone_at[device]].customers[start:stop]
        return self._search_whole(device)

    def count(self, device: int) -> int:
        """Return how many customers are out when ``device`` opens on all phases."""
        found = self._stop_at[device] - self._start_at[device]
        return found if found >= 0 else len(self._search_whole(device))

    def cost(self, device: int) -> Cost:
        """Return what is lost when ``device`` opens on all phases."""
        start, stop = self._start_at[device], self._stop_at[device]
        if start >= stop:
            return self.network.customers.cost(self._search_whole(device))
        found = self._sheets[self._zone_at[device]].found
        first, last = found.first.searchsorted((start, stop)).tolist()
        return Cost(
            stop - start,
            float(found.load_kw[last] - found.load_kw[first]),
            int(found.important[last] - found.important[first]),
            int(found.life_support[last] - found.life_support[first]),
        )

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
        alive = self.alive.copy()
        alive[nodes] = self.state.sources[nodes]
        spread(self.network.wiring, closed, self._roots, alive)
        return self.network.customers.lost(nodes, self.alive, alive)

    def operate(self, device: int, mask: int) -> None:
        """Set the closed phases of ``device`` and write the zones at its ends anew; no other zone is touched."""
        self.state.closed[device] = mask
        self.version += 1
        if self._is_odd:
            self._write_all()
        elif any(mark != UNSEEN for mark in self._marks_at(device)):
            self._rewrite(device)

    def _marks_at(self, device: int) -> set[int]:
        """Return the zones of the ends of ``device``, or `UNSEEN` or `ROOT`."""
        wiring = self.network.wiring
        return {self._mark_at[wiring.from_node[device]], self._mark_at[wiring.to_node[device]]}

    def _zones_at(self, device: int) -> set[int]:
        return set(self._sheets) if self._is_odd else {mark for mark in self._marks_at(device) if mark >= 0}

    def _nodes_of(self, zones: set[int]) -> Rows:
        if self._is_odd:
            return np.arange(len(self.alive), dtype=np.int32)
        parts = [self._sheets[zone].nodes(zone) for zone in zones]
        return parts[0] if len(parts) == 1 else np.concatenate([_NO_ROWS, *parts])

    def _search_whole(self, device: int) -> Rows:
        return self.search([(device, 0)])[0] if self._zone_at[device] == SEARCH else _NO_ROWS

    def _write_all(self) -> None:
        """Trace, number and write all zones."""
        wiring, customers, marks, behind = self.network.wiring, self.network.customers, self._marks, self._behind
        self._sheets: dict[int, _Sheet] = {}
        self.alive: Masks = self.state.sources.copy()
        marks.zone[:] = UNSEEN
        marks.zone[self._roots] = ROOT
        for numbers, start in zip(behind, (NOTHING, 0, 0), strict=True):
            numbers[:] = start
        ways = np.concatenate([_NO_ROWS, *(wiring.links[wiring.first[root] : wiring.first[root + 1]] for root in self._roots)])
        self._keep(write_zones(wiring, self.state, self.alive, customers, ways, marks, behind, self._next_zone))

    def _rewrite(self, device: int) -> None:
        """Trace, number and write the zones at ``device``, and what was dead and is joined to them now."""
        wiring, customers, marks, behind = self.network.wiring, self.network.customers, self._marks, self._behind
        zones = self._zones_at(device)
        nodes = self._nodes_of(zones)
        for zone in zones:
            del self._sheets[zone]
        self._keep(rewrite_zones(wiring, self.state, self.alive, customers, nodes, device, marks, behind, self._next_zone))

    def _keep(self, found: Found) -> None:
        found.customers.flags.writeable = False  # slices of it are handed out
        zones = range(self._next_zone, self._next_zone + len(found.starts))
        self._sheets.update(dict.fromkeys(zones, _Sheet(self.version, self._next_zone, found, found.customers)))
        self._next_zone = zones.stop
        self._is_odd = bool(found.is_odd)
        if self._is_odd:  # then everything is searched as a whole
            self.alive = supplied(self.network, self.state)
            self._behind.zone[:] = SEARCH
            self._behind.start[:], self._behind.stop[:] = 0, -1
