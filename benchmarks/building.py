"""Goals 3 to 5: the index is built, the memory it takes, one switch operates.

The peer is scipy's `connected_components` on the graph of the nodes, from the numbered ends of the closed devices; making its
matrix is part of its time. Ours starts from the same numbers in the `Wiring` of the network, where the links are sorted by node
already; so there is also a row in which the matrix is ready, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from benchmarks.measure import Result, compare
from benchmarks.town import Ints, Say, Town, held_arrays
from topology.index import SliceIndex
from topology.supply import State
from topology.transfer import Masks

_MOST_AT = {1_000_000: 2.5, 10_000_000: 4.0}
"""How many times the peer's time the build may take; sizes between have no goal of their own."""
_GROWTH = 15.0
_CONSTANT = 1.5
"""What counts as taking the same time at ten times the size: not all of it is in the processor's caches any more."""


def measure_building(town: Town, say: Say) -> Iterator[Result]:
    """Yield the results of goals 3, 4 and 5 that need one size."""
    say(f"{town.size} customers: building")
    yield from _build(town)
    yield from _memory(town)
    say(f"{town.size} customers: operating switches")
    yield _operate(town)


def measure_growth(small: Town, large: Town, say: Say) -> Iterator[Result]:
    """Yield the results of goals 3 and 5 that compare a size with ten times that."""
    say(f"{small.size} and {large.size} customers: growth")
    size, peer = f"{small.size} → {large.size}", f"the same at {small.size}"
    theirs, ours = compare(partial(SliceIndex, small.network), partial(SliceIndex, large.network))
    yield Result(3, "building the index", peer, size, ours, theirs, _GROWTH)
    theirs, ours = compare(partial(open_and_close, small), partial(open_and_close, large))
    each = 2 * len(large.switches), 2 * len(small.switches)
    yield Result(5, "one switch operates", peer, size, ours / each[0], theirs / each[1], _CONSTANT)


def matrix_of(town: Town, closed: Masks) -> csr_array:
    """Return the graph of the nodes from the ends of the devices that are closed."""
    joined, wiring, nodes = np.flatnonzero(closed), town.network.wiring, len(town.network.node_ids)
    pairs = wiring.from_node[joined], wiring.to_node[joined]
    return csr_array((np.ones(len(joined)), pairs), shape=(nodes, nodes))


def components(town: Town, closed: Masks) -> Ints:
    """Return which part each node belongs to, from the ends of the devices on; shape (n,)."""
    labels: Ints = connected_components(matrix_of(town, closed), directed=False)[1]
    return labels


def _build(town: Town) -> Iterator[Result]:
    _check_zones(town)
    network, normal = town.network, town.network.normal
    result = partial(Result, 3, "building the index", size=town.size)
    build = partial(SliceIndex, network)
    ours, theirs = compare(build, partial(components, town, normal))
    yield result("scipy connected_components of the nodes", ours=ours, theirs=theirs, bound=_MOST_AT.get(town.customers))
    ready = matrix_of(town, normal)
    ours, theirs = compare(build, partial(connected_components, ready, directed=False))
    yield result("the same, its matrix made before", ours=ours, theirs=theirs)
    ours, theirs = compare(build, partial(_components_with_customers, town))
    yield result("connected_components with customers as nodes", ours=ours, theirs=theirs)


def _components_with_customers(town: Town) -> Any:
    """What a model does in which each customer is a node of the graph."""
    wiring, joined = town.network.wiring, np.flatnonzero(town.network.normal)
    nodes, customers = len(town.network.node_ids), town.customers
    start = np.concatenate([wiring.from_node[joined], town.network.customer_node])
    end = np.concatenate([wiring.to_node[joined], np.arange(nodes, nodes + customers, dtype=np.int32)])
    graph = csr_array((np.ones(len(start)), (start, end)), shape=(nodes + customers,) * 2)
    return connected_components(graph, directed=False)


def _check_zones(town: Town) -> None:
    """See that who is supplied hangs together with a source, and that zones are the parts without the sources."""
    network, index = town.network, town.index
    labels, roots = components(town, network.normal), np.flatnonzero(network.sources)
    assert np.array_equal(np.isin(labels, labels[roots]), index.alive != 0)
    at_root = (network.sources[network.wiring.from_node] | network.sources[network.wiring.to_node]) != 0
    labels = components(town, np.where(at_root, np.uint8(0), network.normal))
    own = [np.unique(labels[zone.nodes]) for zone in index.zones]
    assert all(len(part) == 1 for part in own)
    assert len(np.unique(np.concatenate(own))) == len(own)
    assert sum(len(zone.nodes) for zone in index.zones) == int((index.alive != 0).sum()) - len(roots)


def _memory(town: Town) -> Iterator[Result]:
    """Arrays beyond the tables; ids count as pointers to their text."""
    shared = {id(array) for array in held_arrays(town.network)}
    index = sum(array.nbytes for array in held_arrays(town.index) if id(array) not in shared) / town.customers
    whole = index + town.network_bytes / town.customers
    result = partial(Result, 4, peer="", size=town.size, theirs=1.0, unit="B")
    yield result("memory a customer: network and index, beyond the tables", ours=whole, bound=town.goal(13))
    yield result("memory a customer: the index alone", ours=index)


def _operate(town: Town) -> Result:
    _check_operation(town)
    rebuild = partial(SliceIndex, town.network, town.index.state)
    ours, theirs = compare(partial(open_and_close, town), rebuild)
    each = ours / (2 * len(town.switches))
    return Result(5, "one switch operates", "building the index anew", town.size, each, theirs, town.goal(200), is_faster=True)


def open_and_close(town: Town) -> None:
    """Open the switches of ``town`` one by one, and close each again at once."""
    index, normal = town.index, town.network.normal
    for switch in town.switches:
        index.operate(switch, 0)
        index.operate(switch, int(normal[switch]))


def _check_operation(town: Town) -> None:
    for switch in town.switches[:3]:
        town.index.operate(switch, 0)
        check_against_fresh(town, town.index)
        town.index.operate(switch, int(town.network.normal[switch]))
    check_against_fresh(town, town.index)


def check_against_fresh(town: Town, index: SliceIndex, *, devices: int = 50) -> None:
    """See that an index that was kept up says what one says that is built from scratch in its state."""
    fresh = SliceIndex(town.network, State(index.state.closed.copy(), index.state.sources))
    assert np.array_equal(index.alive, fresh.alive)
    assert len(index.zones) == len(fresh.zones)
    for device in town.devices[:devices]:
        assert index.count(device) == fresh.count(device)
        assert set(index.customers(device).tolist()) == set(fresh.customers(device).tolist())
