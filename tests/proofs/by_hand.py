"""Who has power, worked out anew from the tables with networkx: three phases as one, and nothing of ours but the tables."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import networkx as nx

from geo.schema import GridTables

PROTECTIVE = {"breaker", "recloser", "fuse"}
Done = tuple[str, str]
"""What was done to what: ("open", "S1")."""


class ByHand:
    """The grid of ``tables`` in its normal state, to which things are done."""

    def __init__(self, tables: GridTables) -> None:
        self.ends: dict[str, tuple[str, str]] = {}
        for table in (tables.lines, tables.switches, tables.transformers):
            self.ends.update(zip(table["id"], zip(table["from_node"], table["to_node"], strict=True), strict=True))
        kinds = tables.switches.set_index("id")["kind"]
        normal = tables.switches.set_index("id")["normal_state"]
        self.protective = {device for device, kind in kinds.items() if kind in PROTECTIVE}
        self.closed = set(self.ends) - {device for device, state in normal.items() if state == "open"}
        self.sources = set(tables.sources["node"])
        self.node_of = dict(zip(tables.customers["id"], tables.customers["node"], strict=True))

    def off(self, done: Iterable[Done]) -> set[str]:
        """Return the customers without power after all that was ``done``, in this order; breakers trip by themselves."""
        return set(self._off(tuple(done)))

    @cache  # noqa: B019  (a handful of questions, asked again and again)
    def _off(self, done: tuple[Done, ...]) -> frozenset[str]:
        closed, faults = set(self.closed), set()
        for action, device in done:
            if action == "fault":
                faults.add(device)
            elif action == "repaired":
                faults.remove(device)
            elif action == "open":
                closed.discard(device)
            else:
                closed.add(device)
            if faults:
                closed -= self._tripped(closed, faults)
        live = self._live(closed)
        return frozenset(customer for customer, node in self.node_of.items() if node not in live)

    def _tripped(self, closed: set[str], faults: set[str]) -> set[str]:
        """Return what opens by itself: the closed breakers around what hangs together with a fault, where power comes from."""
        zone = self._together(closed - self.protective, {node for fault in faults for node in self.ends[fault]})
        around = {device for device in closed & self.protective if zone & set(self.ends[device])}
        live = self._live(closed - around)
        return {device for device in around if live & set(self.ends[device])}

    def _live(self, closed: set[str]) -> set[str]:
        return self._together(closed, self.sources)

    def _together(self, closed: set[str], nodes: set[str]) -> set[str]:
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(nodes)
        graph.add_edges_from(self.ends[device] for device in closed)
        found: set[str] = set()
        for node in nodes:
            if node not in found:
                found |= nx.node_connected_component(graph, node)
        return found
