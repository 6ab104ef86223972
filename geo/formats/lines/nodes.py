"""Halves of joints → nodes with ids and places; which end of a device is nearer to a source; who stands at which node.

A node bears the id of a line that ends there, of several the first in the order of the alphabet, with the end of it: the node
``L7:from`` is where L7 begins. So the same lines have the same nodes, in whatever order they are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from geo.files.columns import Floats, Mask
from geo.formats.lines.cut import Pieces
from geo.formats.lines.devices import CUSTOMERS, NOTHING, SOURCES, Placed
from geo.formats.lines.parts import Ints


@dataclass(frozen=True)
class Nodes:
    """The node of each half (−1 where nothing is there), its id, and its place in metres (n, 2)."""

    of_half: Ints
    ids: NDArray[np.object_]
    xy: Floats


def make_nodes(pieces: Pieces, placed: Placed, device_ids: NDArray[np.object_], device_xy: Floats) -> Nodes:
    """Return the nodes: in the middle of the ends that meet there or, where none does, where their device stands."""
    halves = placed.of_ends.ravel()
    joined = placed.halves[placed.halves >= 0]
    used = np.unique(np.append(halves, joined))
    of_half = np.full(2 * len(placed.splitter), -1, dtype=np.int64)
    of_half[used] = np.arange(len(used))
    node = of_half[halves]
    count = np.bincount(node, minlength=len(used))
    total = np.column_stack([np.bincount(node, axis, len(used)) for axis in pieces.ends_m.reshape(-1, 2).T])
    xy: Floats = total / np.maximum(count, 1)[:, None]
    ids = np.full(len(used), None, dtype=object)
    ids[count > 0] = _names(pieces, node, len(used))[count > 0]
    bare = np.flatnonzero(count == 0)
    device = placed.splitter[used[bare] // 2]
    xy[bare] = device_xy[device]
    ids[bare] = [f"{name}:end" for name in device_ids[device]]
    return Nodes(of_half, ids, xy)


def _names(pieces: Pieces, node: Ints, count: int) -> NDArray[np.object_]:
    """Return for each node the first in the alphabet of the ends that meet there."""
    rank, words = pd.factorize(pieces.ids, sort=True)
    end = (2 * rank[:, None] + np.array([0, 1])).ravel()
    first = np.full(count, 0, dtype=np.int64)
    order = np.argsort(-end, kind="stable")
    first[node[order]] = end[order]  # the last one written is the smallest
    side = np.where(first % 2 == 0, ":from", ":to").astype(object)
    named: NDArray[np.object_] = np.asarray(words, dtype=object)[first // 2] + side
    return named


def count_steps(nodes: Nodes, pieces_at: Ints, closed: Ints, sources: Ints) -> Floats:
    """Return how many devices are between each node and the nearest source; inf where no source reaches it.

    Parameters
    ----------
    pieces_at, closed
        Nodes at both ends of pieces, and of devices that are not open, shape (n, 2).
    sources
        Nodes of sources.
    """
    count = len(nodes.ids)
    if not len(sources):
        return np.full(count, np.inf)
    edges = np.concatenate([pieces_at, closed])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
    steps = dijkstra(graph, directed=False, indices=np.unique(sources), unweighted=True, min_only=True)
    return np.asarray(steps, dtype=np.float64)


def turn(ends: Ints, steps: Floats, nodes: Nodes) -> tuple[Ints, Mask]:
    """Return the nodes (n, 2) of devices with the one nearer to a source first, and where neither is."""
    near = steps[ends]
    even = (near[:, 0] == near[:, 1]) | np.isinf(near).all(axis=1)
    ids = nodes.ids[ends]
    behind = np.where(even, ids[:, 0] > ids[:, 1], near[:, 0] > near[:, 1]).astype(np.bool_)
    return np.where(behind[:, None], ends[:, ::-1], ends), even


def turn_by_voltage(ends: Ints, node_kv: Floats) -> tuple[Ints, Mask]:
    """Return the nodes (n, 2) of transformers with the higher voltage first, and where it is known to be higher."""
    kv = node_kv[ends]
    return np.where((kv[:, 0] < kv[:, 1])[:, None], ends[:, ::-1], ends), (kv[:, 0] != kv[:, 1]) & ~np.isnan(kv).any(axis=1)


def highest_voltage(node: Ints, voltage_kv: Floats, count: int) -> Floats:
    """Return the highest known voltage of the ends at each node; NaN where none is known."""
    highest = np.full(count, -np.inf)
    known = ~np.isnan(voltage_kv)
    np.maximum.at(highest, node[known], voltage_kv[known])
    return np.where(np.isinf(highest), np.nan, highest)


def halves_of_sources(joint: Ints, placed: Placed) -> tuple[Ints, Mask]:
    """Return the half of each source at ``joint``, and which stand at a device between two lines, on either side of it."""
    beyond = placed.beyond[joint]
    return 2 * joint + (beyond == SOURCES), (placed.splitter[joint] >= 0) & (beyond == NOTHING)


def nodes_of_customers(joint: Ints, placed: Placed, nodes: Nodes, device_nodes: Ints) -> Ints:
    """Return the node of each customer at ``joint``: where a device splits it, behind the device as seen from the source."""
    node: Ints = nodes.of_half[2 * joint + (placed.beyond[joint] == CUSTOMERS)]
    device = placed.splitter[joint]
    between = np.flatnonzero((device >= 0) & (placed.beyond[joint] == NOTHING))
    node[between] = device_nodes[device[between], 1]
    return node
