"""How the customers' nodes hang on the network: in which low-voltage network, on which cable, and where along it.

A cable is everything behind one line that leaves the station (a transformer's secondary side, or a source). Along a cable the
nodes stand in the order in which somebody comes by who walks every line out and back, so that what lies behind any one line
is a run without gaps::

                  ┌─ a ── b ─┬─ c            first cable: a b c d e         behind the line a ── b:  b c d e
        station ──┤          └─ d ── e                                      behind the line b ── d:  d e
                  └─ f ── g                  second cable: f g

Lines and closed switches join nodes, whatever their phases; transformers part them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from geo.gazetteer.clusters import Flags, Floats, Ints, compact
from geo.gazetteer.ground import Ground
from geo.schema import GridTables


@dataclass(frozen=True, eq=False)
class Cables:
    """The stops of a `Ground` on their cables; one entry a stop.

    Attributes
    ----------
    supply
        Number of the low-voltage network. On a network that feeds transformers each stop is a supply of its own: what hangs
        there is scattered over the whole town.
    cable
        Number of the cable, over all supplies.
    way
        Where the stop is when all cables are laid end to end. Rises outwards along a cable, by one or more from joint to joint;
        between two cables is a gap wider than any on a cable.
    reach
        Where the cable comes from and where the stop is, in metres, shape (stops, 2, 2): from the stop before it, or from the
        station. NaN where that is not known.
    """

    supply: Ints
    cable: Ints
    way: Floats
    reach: Floats


@dataclass(frozen=True, eq=False)
class _Joints:
    """The network as points and lines; a joint is all nodes that closed switches join.

    ``of_node`` gives the joint of each node, ``nodes`` the number of each node by id, ``lines`` pairs of joints; ``stations``
    are joints that are fed from above, ``feeding`` those that feed a transformer to another network.
    """

    nodes: pd.Index[str]
    of_node: Ints
    network: Ints
    lines: Ints
    stations: Ints
    feeding: Ints


@dataclass(frozen=True, eq=False)
class _Forest:
    """Trees of lines from the stations outwards below one root that they share, level by level.

    An entry is a joint (or, at 0, the root) in breadth-first order; ``entry`` finds that of a joint. Parents come before their
    children and those of one level rise. ``levels`` are the bounds of the levels; stations are the second one.
    """

    entry: Ints
    parent: Ints
    levels: list[slice]


def trace_cables(tables: GridTables, ground: Ground) -> Cables:
    """Follow the lines from the stations to the stops of ``ground``."""
    joints = _joints(tables, ground)
    forest = _grow(joints)
    joint = joints.of_node[joints.nodes.get_indexer(pd.Index(ground.stop_node))]
    at, alone = forest.entry[joint], np.isin(joints.network, joints.network[joints.feeding])[joint]
    number = np.arange(len(at))
    order, depth = _preorder(forest)
    is_start = depth <= 2
    start = order[_nearest(forest, is_start)[at]]
    own = ground.node_xy.reindex(ground.stop_node).to_numpy()
    cable = compact(np.where(alone, len(order) + number, start))
    # Whoever has come by n joints in all, and stands d lines off the root, has walked 2n - d lines.
    walked = 2 * order[at] - depth[at]
    return Cables(
        supply=compact(np.where(alone, len(order) + number, joints.network[joint])),
        cable=cable,
        way=(2.0 * len(order)) * cable + walked,
        reach=np.stack([np.where(alone[:, None], np.nan, _before(forest, joints, ground)[at]), own], axis=1),
    )


def _joints(tables: GridTables, ground: Ground) -> _Joints:
    closed = tables.switches[tables.switches["normal_state"] == "closed"]
    columns = [frame[end] for frame in (tables.lines, closed, tables.transformers) for end in ("from_node", "to_node")]
    columns += [tables.sources["node"], pd.Series(ground.stop_node)]
    codes, nodes = pd.factorize(np.concatenate([column.to_numpy(dtype=object) for column in columns]))
    bounds = np.cumsum([len(column) for column in columns])
    line_from, line_to, from_, to, high, low, sources, _ = np.split(codes, bounds[:-1])
    of_node = _parts(np.column_stack([from_, to]), len(nodes))
    lines = of_node[np.column_stack([line_from, line_to])]
    network = _parts(lines, int(of_node.max()) + 1)
    high, low = of_node[high], of_node[low]
    fed = np.append(low, of_node[sources])
    unfed = np.setdiff1d(np.arange(network.max() + 1), network[fed])
    first = np.unique(network, return_index=True)[1]
    stations = np.unique(np.append(fed, first[unfed]))
    return _Joints(pd.Index(nodes), of_node, network, lines, stations, high[network[high] != network[low]])


def _parts(pairs: Ints, count: int) -> Ints:
    """Number of the part of the graph in which each of ``count`` points is."""
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _grow(joints: _Joints) -> _Forest:
    root = len(joints.network)
    from_ = np.concatenate([joints.lines[:, 0], joints.lines[:, 1], np.full(len(joints.stations), root)])
    to = np.concatenate([joints.lines[:, 1], joints.lines[:, 0], joints.stations])
    graph = csr_array((np.ones(len(from_)), (from_, to)), shape=(root + 1, root + 1))
    order, before = breadth_first_order(graph, root)
    entry = np.empty(root + 1, dtype=np.int64)
    entry[order] = np.arange(root + 1)
    parent = entry[before[order[1:]]]
    levels = [slice(0, 1)]
    while levels[-1].stop <= root:
        below = int(np.searchsorted(parent, levels[-1].stop)) + 1
        levels.append(slice(levels[-1].stop, below))
    return _Forest(entry[:root], np.append(0, parent), levels)


def _preorder(forest: _Forest) -> tuple[Ints, Ints]:
    """How many joints come before each entry for somebody who walks every line out and back; and how many lines lead to it."""
    parent, count = forest.parent, len(forest.parent)
    size, order, depth = (np.full(count, start, dtype=np.int64) for start in (1, 0, 0))
    for level in forest.levels[:0:-1]:
        np.add.at(size, parent[level], size[level])
    for number, level in enumerate(forest.levels[1:], start=1):
        above = parent[level]
        passed = np.cumsum(size[level]) - size[level]
        order[level] = order[above] + 1 + passed - passed[np.searchsorted(above, above)]
        depth[level] = number
    return order, depth


def _nearest(forest: _Forest, marked: Flags) -> Ints:
    """The entry itself where it is marked, else the nearest marked one on the way to the root; the root counts as marked."""
    nearest = np.where(marked, np.arange(len(marked)), 0)
    for level in forest.levels[1:]:
        nearest[level] = np.where(marked[level], nearest[level], nearest[forest.parent[level]])
    return nearest


def _before(forest: _Forest, joints: _Joints, ground: Ground) -> Floats:
    """Position of the stop or station that comes before each entry; NaN where there is none, or it is not known."""
    node = joints.nodes.get_indexer(ground.node_xy.index)
    is_stop = ground.node_xy.index.isin(ground.stop_node)
    stops_last = np.argsort(is_stop, kind="stable")  # a joint is where its customers are
    placed = stops_last[node[stops_last] >= 0]
    entry = forest.entry[joints.of_node[node[placed]]]
    xy = np.full((len(forest.parent), 2), np.nan)
    xy[entry] = ground.node_xy.to_numpy()[placed]
    counts = np.zeros(len(xy), dtype=np.bool_)
    counts[entry[is_stop[placed]]] = True
    counts[forest.levels[1]] = True
    return np.asarray(xy[_nearest(forest, counts)[forest.parent]])
