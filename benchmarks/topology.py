"""Goals 1 to 6: one device, the build, memory, one switch, and a storm, against numpy, scipy and networkx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from benchmarks.measure import Result, compare
from geo.synth import synthesize
from topology.index import SliceIndex
from topology.network import Network, build_network
from topology.walk import ROOT

SAMPLE = 2000
STORM = 5000

Say = Callable[[str], None]


def run(customers: int, say: Say) -> Iterator[Result]:
    """Yield the results on a synthetic utility of ``customers``."""
    size = f"{customers:,}"
    say(f"{size} customers: making the network")
    network = build_network(synthesize(customers, 1))
    say(f"{len(network.node_ids):,} nodes, {len(network.device_ids):,} devices: building")
    index = SliceIndex(network)
    yield from _one_device(network, index, size)
    yield from _against_others(network, index, size)
    yield _build(network, size, 2.5 if customers <= 1_000_000 else 4.0)
    yield _memory(network, index, size)
    yield _one_switch(network, index, size)
    say("storm")
    yield _storm(network, index, size)


def _sample(network: Network, index: SliceIndex) -> list[int]:
    """Return devices drawn at random, among those that somebody hangs on."""
    costly = [device for device in range(len(network.device_ids)) if index.count(device)]
    return np.random.default_rng(1).choice(costly, size=SAMPLE).tolist()


def _one_device(network: Network, index: SliceIndex, size: str) -> Iterator[Result]:
    devices = _sample(network, index)
    answers = [index.customers(device) for device in devices]
    flat = np.concatenate(answers)
    ends = np.cumsum([len(answer) for answer in answers]).tolist()
    slices = list(zip([0, *ends[:-1]], ends, strict=True))
    assert all((flat[start:stop] == index.customers(device)).all() for (start, stop), device in zip(slices, devices, strict=True))

    def copy() -> None:
        for start, stop in slices:
            flat[start:stop].copy()

    listed, copied = compare(lambda: [index.customers(device) for device in devices], copy)
    counted, _ = compare(lambda: [index.count(device) for device in devices], copy)
    yield Result(1, "list of customers out", "numpy slice copy", size, listed / copied, at_most=1.2, seconds=listed / SAMPLE)
    yield Result(1, "count of customers out", "numpy slice copy", size, counted / copied, at_most=0.5, seconds=counted / SAMPLE)


def _against_others(network: Network, index: SliceIndex, size: str) -> Iterator[Result]:
    """Compare with what others would write: descendants in a tree, a search of the zone, a search of everything."""
    wiring, bridges = network.wiring, [device for device in _sample(network, index) if index.behind(device) >= 0][:200]
    at_node = _customers_at(network)
    tree: nx.DiGraph[int] = nx.DiGraph()
    traced = network.healthy
    for node in traced.order.tolist():
        link = int(traced.entry[node])
        if link >= 0:
            tree.add_edge(int(wiring.to_node[link >> 1] if link & 1 else wiring.from_node[link >> 1]), node)

    def descendants() -> list[int]:
        return [sum(at_node[node] for node in {index.behind(d), *nx.descendants(tree, index.behind(d))}) for d in bridges]

    ours = [index.count(device) for device in bridges]
    simple = [here for here, (mine, theirs) in enumerate(zip(ours, descendants(), strict=True)) if mine == theirs]
    assert len(simple) > len(bridges) * 0.9, "a tree tells most bridges rightly"
    listed, other = compare(lambda: [index.customers(device) for device in bridges], descendants, rounds=3)
    yield Result(2, "list", "networkx descendants", size, other / listed, at_least=50, seconds=listed / len(bridges))
    zones = {device: zone for zone in index.zones for device in _devices_in(network, zone.nodes)}
    known = [device for device in bridges if device in zones]
    searches = [partial(_search_zone, network, zones[device].nodes, device) for device in known]
    for search, device in zip(searches[:20], known, strict=False):
        assert search() == index.count(device)
    listed, other = compare(lambda: [index.customers(device) for device in known], lambda: [search() for search in searches], rounds=3)
    yield Result(2, "list", "scipy BFS of the zone", size, other / listed, at_least=100, seconds=listed / len(known))
    graph: nx.Graph[int] = nx.Graph()
    live = np.flatnonzero(network.normal)
    graph.add_edges_from(zip(wiring.from_node[live].tolist(), wiring.to_node[live].tolist(), strict=True))
    sources = np.flatnonzero(network.sources).tolist()
    device = known[0]

    def everything() -> int:
        edge = (int(wiring.from_node[device]), int(wiring.to_node[device]))
        rest = nx.restricted_view(graph, [], [edge])
        reached = set().union(*(nx.node_connected_component(rest, source) for source in sources[:1]))
        for source in sources:
            if source not in reached:
                reached |= nx.node_connected_component(rest, source)
        return sum(at_node) - sum(at_node[node] for node in reached)

    assert everything() == index.count(device)
    listed, other = compare(lambda: [index.customers(device) for _ in range(1000)], everything, rounds=3)
    yield Result(2, "list", "networkx, whole graph", size, other / (listed / 1000), at_least=100_000, seconds=listed / 1000)


def _customers_at(network: Network) -> list[int]:
    supplied = network.supplied_phases != 0
    return np.bincount(network.customer_node[supplied], minlength=len(network.node_ids)).tolist()


def _devices_in(network: Network, nodes: NDArray[np.int32]) -> list[int]:
    first, links = network.wiring.first, network.wiring.links
    return np.unique(np.concatenate([links[first[node] : first[node + 1]] for node in nodes]) >> 1).tolist()


def _search_zone(network: Network, nodes: NDArray[np.int32], device: int) -> int:
    """Count by a breadth-first search of the zone's own small matrix; building it is not part of the time of others."""
    matrix, place, entries = _zone_matrix(network, nodes.tobytes(), device)
    reached = set()
    for entry in entries:
        if entry not in reached:
            reached |= set(breadth_first_order(matrix, entry, directed=False, return_predecessors=False).tolist())
    at_node = np.bincount(network.customer_node[network.supplied_phases != 0], minlength=len(network.node_ids)) if False else None
    del at_node, place
    return _zone_total(network, nodes.tobytes()) - sum(_zone_counts(network, nodes.tobytes())[node] for node in reached)
