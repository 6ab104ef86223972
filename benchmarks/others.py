"""Goal 2: one device opens, who is out? Against what others would write with scipy and networkx.

Their graphs are made beforehand. Where a row says "alone", only their search is timed, and not how they come from the nodes to
the customers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order

from benchmarks.measure import LONG_ROUNDS, Result, compare
from benchmarks.one_device import list_customers
from benchmarks.town import Ints, Say, Town
from topology.flood import other_end
from topology.walk import ROOT

SEARCHED = 200
REPEATS = 1000


def measure_others(town: Town, say: Say) -> Iterator[Result]:
    """Yield the results of goal 2."""
    say(f"{town.size} customers: one device, against scipy and networkx")
    yield from _against_zone_search(town)
    yield from _against_descendants(town)
    yield _against_whole_graph(town)


@dataclass(frozen=True, eq=False)
class ZoneGraph:
    """A zone as others would keep it, for one device that opens: 0 is the root, i + 1 is ``nodes[i]``."""

    town: Town
    nodes: Ints
    device: int

    @cached_property
    def matrix(self) -> csr_array:
        """The closed devices as a symmetric matrix."""
        start, end = self._ends(self._joined)
        pairs = np.concatenate([start, end]), np.concatenate([end, start])
        return coo_array((np.ones(len(pairs[0])), pairs), shape=(len(self.nodes) + 1,) * 2).tocsr()

    @cached_property
    def entries(self) -> list[int]:
        """Where the two entries of the device are in the data of the matrix."""
        start, end = (int(side[0]) for side in self._ends(np.array([self.device])))
        row_of = np.repeat(np.arange(len(self.nodes) + 1), np.diff(self.matrix.indptr))
        is_it = [(row_of == a) & (self.matrix.indices == b) for a, b in ((start, end), (end, start))]
        found: list[int] = np.flatnonzero(is_it[0] | is_it[1]).tolist()
        return found

    @cached_property
    def customers(self) -> tuple[Ints, Ints]:
        """Rows of the customers in the zone, and the place of the node of each in the matrix."""
        customers = self.town.network.customers
        rows = [customers.rows[customers.first[node] : customers.first[node + 1]] for node in self.nodes]
        return np.concatenate(rows), np.repeat(np.arange(len(rows)) + 1, [len(part) for part in rows])

    @cached_property
    def without_device(self) -> csr_array:
        """The matrix with the device taken out."""
        matrix = self.matrix.copy()
        matrix.data[self.entries] = 0
        matrix.eliminate_zeros()
        return matrix

    def search(self) -> Ints:
        """Return the customers that are out, from the whole matrix on."""
        matrix = self.matrix.copy()
        matrix.data[self.entries] = 0
        matrix.eliminate_zeros()
        is_out = np.ones(len(self.nodes) + 1, dtype=np.bool_)
        is_out[breadth_first_order(matrix, 0, return_predecessors=False)] = False
        rows, places = self.customers
        out: Ints = rows[is_out[places]]
        return out

    def search_alone(self) -> None:
        """Find the nodes that are left, with the device taken out beforehand."""
        breadth_first_order(self.without_device, 0, return_predecessors=False)

    @property
    def _joined(self) -> Ints:
        wiring = self.town.network.wiring
        links = [wiring.links[wiring.first[node] : wiring.first[node + 1]] for node in self.nodes]
        devices = np.unique(np.concatenate(links) >> 1)
        joined: Ints = devices[self.town.network.normal[devices] != 0]
        return joined

    def _ends(self, devices: Ints) -> list[Ints]:
        place = {int(node): row + 1 for row, node in enumerate(self.nodes)}
        wiring = self.town.network.wiring
        return [np.array([place.get(int(node), 0) for node in side[devices]]) for side in (wiring.from_node, wiring.to_node)]


def _against_zone_search(town: Town) -> Iterator[Result]:
    zones, zone_of = town.index.zones, np.full(len(town.network.node_ids), -1)
    for number, zone in enumerate(zones):
        zone_of[zone.nodes] = number
    devices = town.devices[:SEARCHED]
    graphs = [ZoneGraph(town, zones[zone_of[_end_behind(town, device)]].nodes, device) for device in devices]
    for graph in graphs:
        _check(town, graph.device, graph.search())
        graph.search_alone()
    yield _timed(town, "scipy breadth_first_order of the zone", [graph.search for graph in graphs], bound=100)
    yield _timed(town, "the same, its search alone", [graph.search_alone for graph in graphs])


def _against_descendants(town: Town) -> Iterator[Result]:
    """A tree as others would keep it, each node below the one that it is fed from, and lists of the customers at each."""
    tree, customers = _tree(town), town.network.customers
    tops = [_end_behind(town, device) for device in town.devices[:SEARCHED]]
    nodes = {node for top in tops for node in (top, *nx.descendants(tree, top))}
    at: dict[int, list[int]] = {
        node: customers.rows[customers.first[node] : customers.first[node + 1]].tolist() for node in nodes
    }

    def search(top: int) -> list[int]:
        return at[top] + [row for node in nx.descendants(tree, top) for row in at[node]]

    for device, top in zip(town.devices, tops, strict=False):
        _check(town, device, np.array(search(top)))
    yield _timed(town, "networkx descendants in a tree", [partial(search, top) for top in tops], bound=50)
    yield _timed(town, "the same, its search alone", [partial(nx.descendants, tree, top) for top in tops])


def _tree(town: Town) -> nx.DiGraph[int]:
    wiring, healthy = town.network.wiring, town.network.healthy
    fed = healthy.order[healthy.entry[healthy.order] >= 0]
    above = [other_end(wiring, int(link) ^ 1) for link in healthy.entry[fed]]
    tree: nx.DiGraph[int] = nx.DiGraph()
    tree.add_edges_from(zip(above, fed.tolist(), strict=True))
    return tree


def _against_whole_graph(town: Town) -> Result:
    """Everything that still hangs on a source once the edge is taken out; all sources are one node."""
    wiring, device = town.network.wiring, town.devices[0]
    is_root = town.network.sources != 0
    merged = np.where(is_root, ROOT, np.arange(len(is_root)))
    joined = np.flatnonzero(town.network.normal)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_edges_from(zip(merged[wiring.from_node[joined]].tolist(), merged[wiring.to_node[joined]].tolist(), strict=True))
    edge = int(merged[wiring.from_node[device]]), int(merged[wiring.to_node[device]])

    def search() -> set[int]:
        graph.remove_edge(*edge)
        reached = nx.node_connected_component(graph, ROOT)
        graph.add_edge(*edge)
        return reached

    reached = np.array(sorted(search() - {ROOT}))
    total = town.supplied_at[~is_root].sum()
    assert total - town.supplied_at[reached].sum() == town.index.count(device)
    ours, theirs = compare(partial(list_customers, town, [device] * REPEATS), search, rounds=LONG_ROUNDS)
    return _faster("networkx over the whole graph, its search alone", town, ours / REPEATS, theirs, bound=100_000)


def _timed(town: Town, peer: str, searches: list[Callable[[], Any]], *, bound: float | None = None) -> Result:
    """Time ours on the first devices against one search for each of them."""

    def search() -> None:
        for run in searches:
            run()

    count = len(searches)
    ours, theirs = compare(partial(list_customers, town, town.devices[:count]), search)
    return _faster(peer, town, ours / count, theirs / count, bound=bound)


def _check(town: Town, device: int, answer: Ints) -> None:
    assert np.array_equal(np.sort(answer), np.sort(town.index.customers(device)))


def _end_behind(town: Town, device: int) -> int:
    """Return the end of ``device`` that it feeds in the normal state."""
    wiring, entry = town.network.wiring, town.network.healthy.entry
    ends = int(wiring.from_node[device]), int(wiring.to_node[device])
    return next(end for end in ends if entry[end] >> 1 == device)


def _faster(peer: str, town: Town, ours: float, theirs: float, *, bound: float | None) -> Result:
    goal = None if bound is None else town.goal(bound)
    return Result(2, "list of customers out", peer, town.size, ours, theirs, goal, is_faster=True)
