"""The walk behind the index: nodes numbered depth first, and what is behind each device.

Whatever hangs behind a device in the tree of the walk has neighbouring numbers. ``low`` tells whether it also reaches further up
by another way (Tarjan's low-points)::

    root ──B1── a ──L1── b ──L2── c            number  0 1 2 3          a b c d
                │        └──L3── d             size    4 3 1 1
                └─────────L4─────┘             low     0 0 2 0          L3 and L4 are in a loop, L2 is a bridge

All of it is compiled, so it works on arrays only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.customers import IMPORTANT, LIFE_SUPPORT, Customers
from topology.flood import Rows, Wiring, across, compiled, other_end
from topology.transfer import Masks

NOTHING = -1
"""In place of the node behind a device: opening it costs nothing."""
SEARCH = -2
"""In place of the node behind a device: what opening it costs must be searched."""

UNSEEN = -1
"""In place of the zone of a node: no walk has come there."""
ROOT = -2
"""In place of the zone of a node: it has a source."""


class Walk(NamedTuple):
    """Nodes numbered depth first, several zones one after the other; k nodes."""

    nodes: Rows
    sizes: Rows
    """How many nodes hang behind each, itself included."""
    low: Rows
    """Lowest number that it or what hangs behind it reaches, but for the device it was entered through; −1 is the root."""
    enter: Rows
    """Link through which it was entered."""
    starts: Rows
    """Number of the first node of each zone."""


class Behind(NamedTuple):
    """What is behind each device; shapes (m,)."""

    node: Rows
    """The node behind it, or `NOTHING`, or `SEARCH`."""
    start: Rows
    stop: Rows
    """Where the customers behind it are in the array of their zone; the same where there are none."""

    @classmethod
    def nothing(cls, devices: int) -> Behind:
        """Return that there is nothing behind any of ``devices``."""
        return cls(
            np.full(devices, NOTHING, dtype=np.int32), np.zeros(devices, dtype=np.int32), np.zeros(devices, dtype=np.int32)
        )


@compiled
def forget(wiring: Wiring, nodes: Rows, behind: Behind) -> None:
    """Say of every device at ``nodes`` that nothing is behind it, until a walk says otherwise."""
    for node in nodes:
        for link in wiring.links[wiring.first[node] : wiring.first[node + 1]]:
            behind.node[link >> 1] = NOTHING
            behind.start[link >> 1] = 0
            behind.stop[link >> 1] = 0


@compiled
def number_zones(
    wiring: Wiring, closed: Masks, roots: NDArray[np.intp], zone_of: Rows, place: Rows, next_zone: int
) -> tuple[Rows, Rows, Rows, Rows, Rows]:
    """Walk every unseen zone depth first; fill ``zone_of`` and ``place`` (its number) and return the parts of a `Walk`."""
    total = len(zone_of)
    nodes, sizes = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    low, enter = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    starts = np.empty(total, dtype=np.int32)
    stack, cursor = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    seen, zones = 0, 0
    for root in roots:
        for first_link in wiring.links[wiring.first[root] : wiring.first[root + 1]]:
            entry = other_end(wiring, first_link)
            if not closed[first_link >> 1] or zone_of[entry] != UNSEEN:
                continue
            starts[zones] = seen
            zone = next_zone + zones
            zones += 1
            link, node, depth = first_link, entry, -1
            while True:
                if node >= 0:  # enter it
                    zone_of[node] = zone
                    place[node] = seen
                    nodes[seen], enter[seen], low[seen], sizes[seen] = node, link, seen, 1
                    depth += 1
                    stack[depth], cursor[depth] = seen, wiring.first[node]
                    seen += 1
                here = stack[depth]
                node = -1
                if cursor[depth] < wiring.first[nodes[here] + 1]:
                    link = wiring.links[cursor[depth]]
                    cursor[depth] += 1
                    if closed[link >> 1] and link >> 1 != enter[here] >> 1:
                        other = other_end(wiring, link)
                        if zone_of[other] == ROOT:
                            low[here] = -1
                        elif zone_of[other] == UNSEEN:
                            node = other
                        else:
                            low[here] = min(low[here], place[other])
                    continue
                depth -= 1
                if depth < 0:
                    break
                sizes[stack[depth]] += sizes[here]
                low[stack[depth]] = min(low[stack[depth]], low[here])
    return nodes[:seen].copy(), sizes[:seen].copy(), low[:seen].copy(), enter[:seen].copy(), starts[:zones].copy()


@compiled
def classify(
    wiring: Wiring,
    closed: Masks,
    walk: Walk,
    zone_of: Rows,
    place: Rows,
    alive: Masks,
    first: Rows,
    behind: Behind,
) -> None:
    """Say of each device at walked nodes what is behind it: a node, `NOTHING`, or `SEARCH`.

    A block is what hangs together by devices that are no bridges. In a whole block every device joins all phases that live at
    its ends, and all of them come in from outside: then any device of it can be spared.
    """
    count = len(walk.nodes)
    block = np.empty(count, dtype=np.int32)
    mixed = np.zeros(count, dtype=np.bool_)
    starts = np.zeros(count, dtype=np.bool_)
    starts[walk.starts] = True
    for here in range(count):
        node, above = walk.nodes[here], other_end(wiring, walk.enter[here] ^ 1)
        if starts[here] or walk.low[here] == here:
            block[here] = here
            mixed[here] = across(wiring, closed, walk.enter[here], alive[above]) != alive[node]
        else:
            block[here] = block[place[above]]
    for final in (False, True):
        for here in range(count):
            node = walk.nodes[here]
            for link in wiring.links[wiring.first[node] : wiring.first[node + 1]]:
                device = link >> 1
                other = other_end(wiring, link)
                rooted = zone_of[other] == ROOT
                if not closed[device]:
                    continue
                if device == walk.enter[here] >> 1 and walk.low[here] == here:
                    behind.node[device] = node
                    behind.start[device] = first[here]
                    behind.stop[device] = first[here + walk.sizes[here]]
                elif rooted or block[place[other]] == block[here]:
                    if final:
                        behind.node[device] = SEARCH if mixed[block[here]] else NOTHING
                    elif not _is_whole(wiring, closed, alive, device):
                        mixed[block[here]] = True


@compiled
def _is_whole(wiring: Wiring, closed: Masks, alive: Masks, device: int) -> bool:
    """Return whether all phases that live at both ends of ``device`` pass it."""
    here, there = alive[wiring.from_node[device]], alive[wiring.to_node[device]]
    return bool(closed[device] == here and wiring.phases[device] == here and wiring.to_phases[device] == there)


@compiled
def gather(nodes: Rows, alive: Masks, customers: Customers) -> tuple[Rows, Rows, NDArray[np.float64], Rows, Rows]:
    """Return the supplied customers of ``nodes`` in their order, and the sums over the nodes before each."""
    count = len(nodes)
    most = 0
    for node in nodes:
        most += customers.first[node + 1] - customers.first[node]
    rows = np.empty(most, dtype=np.int32)
    offsets, kw = np.zeros(count + 1, dtype=np.int32), np.zeros(count + 1, dtype=np.float64)
    important, life_support = np.zeros(count + 1, dtype=np.int32), np.zeros(count + 1, dtype=np.int32)
    found = 0
    for here in range(count):
        node = nodes[here]
        if customers.common[node] & alive[node]:  # all of them are supplied, as nearly everywhere
            for position in range(customers.first[node], customers.first[node + 1]):
                rows[found] = customers.rows[position]
                found += 1
            power = customers.node_load_kw[node]
            grave, gravest = customers.node_important[node], customers.node_life_support[node]
        else:
            power, grave, gravest = 0.0, 0, 0
            for row in customers.rows[customers.first[node] : customers.first[node + 1]]:
                if customers.wants[row] & alive[node]:
                    rows[found] = row
                    found += 1
                    power += customers.load_kw[row]
                    grave += customers.priority[row] == IMPORTANT
                    gravest += customers.priority[row] == LIFE_SUPPORT
        offsets[here + 1] = found
        kw[here + 1] = kw[here] + power
        important[here + 1] = important[here] + grave
        life_support[here + 1] = life_support[here] + gravest
    return offsets, rows[:found].copy(), kw, important, life_support
