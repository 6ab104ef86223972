"""Parts of the grid that have nothing to do with each other, and a part cut out to be worked on alone.

A source that feeds every phase its node can have parts what hangs on it: whatever happens behind one of its devices changes
nothing behind another, as long as the source itself lives. So the answer for a part is the answer for the whole grid there::

    *s ──B1── a ──L1── b ──/X1/── h ──L9── g ──B2── r*        parts: s; a, b; h, g; r
     └───B3── k                                               and k

Whoever closes a tie (X1), or kills a source, takes the parts at it together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from topology.flood import Rows, Wiring
from topology.transfer import Masks

if TYPE_CHECKING:
    from topology.network import Network

_NO_ROWS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a grid in normal operation, numbered from 0; n nodes, m devices.

    Attributes
    ----------
    of_node
        Part of each node, shape (n,). A source that parts others is a part of its own.
    of_device
        Part of each device that is closed in normal operation, −1 for the others; shape (m,). A device at such a source is of
        the part at its other end.
    is_root
        Whether a node is such a source, shape (n,).
    """

    wiring: Wiring
    of_node: Rows
    of_device: Rows
    is_root: NDArray[np.bool_]

    @classmethod
    def divide(cls, wiring: Wiring, normal: Masks, sources: Masks) -> Parts:
        """Return the parts of a grid whose devices are closed as in ``normal`` (m,) and that ``sources`` (n,) feed."""
        reach = np.zeros(len(sources), dtype=np.uint8)
        np.bitwise_or.at(reach, wiring.from_node, wiring.phases)
        np.bitwise_or.at(reach, wiring.to_node, wiring.to_phases)
        is_root = (sources != 0) & (reach & ~sources == 0)
        closed = normal != 0
        inner = np.flatnonzero(closed & ~is_root[wiring.from_node] & ~is_root[wiring.to_node])
        of_node = label(wiring, inner, len(sources))
        outer = np.where(is_root[wiring.from_node] & ~is_root[wiring.to_node], wiring.to_node, wiring.from_node)
        of_device = np.where(closed, of_node[outer], -1).astype(np.int32)
        return cls(wiring, of_node, of_device, is_root)

    def touched(self, device: int) -> set[int]:
        """Return the parts where something may change when ``device`` opens or closes and no source dies."""
        ends = (int(self.wiring.from_node[device]), int(self.wiring.to_node[device]))
        outside = {int(self.of_node[end]) for end in ends if not self.is_root[end]}
        return outside or {int(self.of_node[ends[0]])}

    def beside(self, root: int) -> set[int]:
        """Return the parts that are no longer parted once the source at node ``root`` is dead."""
        links = self.wiring.links[self.wiring.first[root] : self.wiring.first[root + 1]]
        found = self.of_device[links >> 1]
        far = np.where(links & 1, self.wiring.from_node[links >> 1], self.wiring.to_node[links >> 1])
        return {int(self.of_node[root]), *found[found >= 0].tolist(), *self.of_node[far[found >= 0]].tolist()}

    def near(self, part: int) -> set[int]:
        """Return the parts that hang on the same sources as ``part``, itself included."""
        return {part}.union(*map(self.beside, self.sources_of(part)))

    def sources_of(self, part: int) -> frozenset[int]:
        """Return the sources, by node, that ``part`` hangs on and that part others."""
        return frozenset(self._sources.get(part, ()))

    def nodes(self, part: int) -> Rows:
        """Return the nodes of a part."""
        return _slice(self._nodes, part)

    def devices(self, part: int) -> Rows:
        """Return the devices of a part."""
        return _slice(self._devices, part)

    @cached_property
    def _sources(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for ends in (self.wiring.from_node, self.wiring.to_node):
            at_root = np.flatnonzero(self.is_root[ends] & (self.of_device >= 0))
            for part, root in zip(self.of_device[at_root].tolist(), ends[at_root].tolist(), strict=True):
                found.setdefault(part, set()).add(root)
        return found

    @cached_property
    def _nodes(self) -> tuple[Rows, Rows]:
        return _sorted_by(self.of_node, self._count)

    @cached_property
    def _devices(self) -> tuple[Rows, Rows]:
        # The devices of no part come first, and are left out.
        first, rows = _sorted_by(self.of_device + 1, self._count + 1)
        return first[1:], rows

    @cached_property
    def _count(self) -> int:
        return int(self.of_node.max(initial=-1)) + 1


@dataclass(frozen=True, eq=False)
class Piece:
    """Some parts of a network as arrays of their own; nodes and devices are numbered anew.

    Attributes
    ----------
    nodes, devices, customer_rows
        Which of the network's they are, ascending.
    wiring, normal, protective, sources, customer_node, customer_phases
        As in `topology.network.Network`, with the numbers of the piece.
    alive
        What is supplied in the normal state.
    """

    nodes: Rows
    devices: Rows
    wiring: Wiring
    normal: Masks
    protective: NDArray[np.bool_]
    sources: Masks
    alive: Masks
    customer_rows: Rows
    customer_node: Rows
    customer_phases: Masks

    def device(self, device: int) -> int:
        """Return the number in the piece of a device of the network."""
        return int(self.devices.searchsorted(device))

    def node(self, node: int) -> int:
        """Return the number in the piece of a node of the network."""
        return int(self.nodes.searchsorted(node))


def cut_out(network: Network, parts: Iterable[int], *, ties: Iterable[int] = ()) -> Piece:
    """Return some ``parts`` of the network as a piece, with the devices ``ties`` that lie between them.

    The sources that they hang on are in it, without the customers there. What is supplied in the piece is what is supplied in
    the network, as long as no source dies whose other parts (`Parts.beside`) are missing.
    """
    whole, divided = network.wiring, network.parts
    chosen = sorted(parts)
    inner = np.sort(np.concatenate([_NO_ROWS, *(divided.nodes(part) for part in chosen)]))
    own = [divided.devices(part) for part in chosen]
    devices = np.unique(np.concatenate([np.array(list(ties), dtype=np.int32), *own]))
    nodes = np.unique(np.concatenate([inner, whole.from_node[devices], whole.to_node[devices]]))
    customer_rows = np.sort(_customers_at(network, inner))
    return Piece(
        nodes=nodes,
        devices=devices,
        wiring=_wiring(whole, nodes, devices),
        normal=network.normal[devices],
        protective=network.protective[devices],
        sources=network.sources[nodes],
        alive=network.healthy.alive[nodes],
        customer_rows=customer_rows,
        customer_node=nodes.searchsorted(network.customer_node[customer_rows]).astype(np.int32),
        customer_phases=network.customer_phases[customer_rows],
    )


def label(wiring: Wiring, devices: NDArray[np.integer[Any]], nodes: int) -> Rows:
    """Return a number for each of ``nodes`` nodes, the same for those that hang together by ``devices``."""
    pairs = (wiring.from_node[devices], wiring.to_node[devices])
    _, found = connected_components(coo_array((np.ones(len(devices), np.int8), pairs), shape=(nodes, nodes)), directed=False)
    labels: Rows = found.astype(np.int32)
    return labels


def _wiring(whole: Wiring, nodes: Rows, devices: Rows) -> Wiring:
    from_node, to_node = (nodes.searchsorted(end[devices]).astype(np.int32) for end in (whole.from_node, whole.to_node))
    both = np.concatenate([from_node, to_node])
    links = np.concatenate([2 * np.arange(len(devices)), 2 * np.arange(len(devices)) + 1]).astype(np.int32)
    place = whole.one_way.searchsorted(devices)
    is_one_way = np.zeros(len(devices), dtype=np.bool_)
    inside = place < len(whole.one_way)
    is_one_way[inside] = whole.one_way[place[inside]] == devices[inside]
    return Wiring(
        first=np.concatenate([[0], np.cumsum(np.bincount(both, minlength=len(nodes)))]).astype(np.int32),
        links=links[np.argsort(both, kind="stable")],
        from_node=from_node,
        to_node=to_node,
        phases=whole.phases[devices],
        to_phases=whole.to_phases[devices],
        forward=whole.forward[devices],
        backward=whole.backward[devices],
        transfer=whole.transfer,
        one_way=np.flatnonzero(is_one_way).astype(np.int32),
        feeds_forward=whole.feeds_forward[place[is_one_way]],
    )


def _customers_at(network: Network, nodes: Rows) -> Rows:
    first = network.customers.first
    counts = first[nodes + 1] - first[nodes]
    starts = np.repeat(first[nodes] - np.cumsum(counts) + counts, counts)
    rows: Rows = network.customers.rows[starts + np.arange(len(starts), dtype=np.int32)]
    return rows


def _sorted_by(group: Rows, count: int) -> tuple[Rows, Rows]:
    first = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))]).astype(np.int32)
    return first, np.argsort(group, kind="stable").astype(np.int32)


def _slice(grouped: tuple[Rows, Rows], group: int) -> Rows:
    first, rows = grouped
    return rows[first[group] : first[group + 1]]
