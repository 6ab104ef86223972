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
from topology.flood import SOME, Rows, Wiring, across, compiled, compiled_step, is_against, longer, other_end, spread
from topology.supply import State
from topology.transfer import Masks

NOTHING = -1
"""In place of the zone behind a device: opening it costs nothing."""
SEARCH = -2
"""In place of the zone behind a device: what opening it costs must be searched."""

UNSEEN = -1
"""In place of the zone of a node: no walk has come there."""
ROOT = -2
"""In place of the zone of a node: it has a source."""


class Marks(NamedTuple):
    """Where each node is; shapes (n,)."""

    zone: Rows
    """Its zone, or `UNSEEN`, or `ROOT`."""
    number: Rows
    """Its number in the walk that came there."""


class Behind(NamedTuple):
    """What is behind each device, away from the root; shapes (m,)."""

    zone: Rows
    """Its zone, or `NOTHING`, or `SEARCH`."""
    start: Rows
    stop: Rows
    """Where its customers are in the array of the walk. The same where there are none; ``stop`` is less for `SEARCH`."""


class Found(NamedTuple):
    """What one walk found: zones one after the other; k nodes."""

    is_odd: bool
    """Whether a source also gets phases from elsewhere: it is no root then."""
    starts: Rows
    """Number of the first node of each zone."""
    nodes: Rows
    """The nodes by number, shape (k,)."""
    first: Rows
    """``customers[first[i]:first[j]]`` are at the nodes i to j, j not included; shape (k + 1,)."""
    customers: Rows
    """Rows of the supplied customers, by the number of their node."""
    load_kw: NDArray[np.float64]
    important: Rows
    life_support: Rows
    """Sums over the nodes before each, shape (k + 1,)."""


class _Tree(NamedTuple):
    """The tree that a walk went along; k nodes."""

    nodes: Rows
    enter: Rows
    """Link through which each node was entered, shape (k,)."""
    starts: Rows
    loops: Rows
    """Links from a node to one that had been entered before, or to a root, by another device."""


@compiled
def write_zones(
    wiring: Wiring, state: State, alive: Masks, customers: Customers, ways: Rows, marks: Marks, behind: Behind, next_zone: int
) -> Found:
    """Walk every unseen zone that one of ``ways``, links at roots, leads into; fill ``alive``, ``marks`` and ``behind``."""
    closed = state.closed
    tree = _walk(wiring, closed, alive, ways, marks, next_zone)
    _feed_loops(wiring, closed, alive, ways, tree)
    first, load_kw, important, life_support = _add_up(tree.nodes, alive, customers)
    looped = _find_bridges(wiring, tree, first, marks, behind)
    _judge_loops(wiring, closed, alive, tree, looped, marks, behind)
    listed = _list(tree.nodes, alive, customers, first)
    is_odd = False
    for way in ways:
        root = other_end(wiring, way ^ 1)
        is_odd |= alive[root] != state.sources[root]
    return Found(is_odd, tree.starts, tree.nodes.copy(), first, listed, load_kw, important, life_support)


@compiled
def rewrite_zones(
    wiring: Wiring,
    state: State,
    alive: Masks,
    customers: Customers,
    nodes: Rows,
    device: int,
    marks: Marks,
    behind: Behind,
    next_zone: int,
) -> Found:
    """Write the zones of ``nodes`` anew after ``device`` at them was operated."""
    ways = _forget(wiring, nodes, device, marks, behind)
    alive[nodes] = 0
    return write_zones(wiring, state, alive, customers, ways, marks, behind, next_zone)


@compiled
def _forget(wiring: Wiring, nodes: Rows, device: int, marks: Marks, behind: Behind) -> Rows:
    """Unsee ``nodes`` and what is behind the devices there; return the links from roots to them, and those of ``device``."""
    ways, count = np.empty(SOME, dtype=np.int32), 0
    for link in (2 * device, 2 * device + 1):  # it may lead to nodes that were dead
        if marks.zone[other_end(wiring, link ^ 1)] == ROOT:
            ways[count] = link
            count += 1
    for node in nodes:
        marks.zone[node] = UNSEEN
        for at in range(wiring.first[node], wiring.first[node + 1]):
            link = wiring.links[at]
            behind.zone[link >> 1], behind.start[link >> 1], behind.stop[link >> 1] = NOTHING, 0, 0
            if marks.zone[other_end(wiring, link)] == ROOT:
                if count == len(ways):
                    ways = longer(ways)
                ways[count] = link ^ 1
                count += 1
    return ways[:count]


@compiled
def _walk(wiring: Wiring, closed: Masks, alive: Masks, ways: Rows, marks: Marks, next_zone: int) -> _Tree:
    """Number the nodes depth first: what was met last is entered first. What is live goes along."""
    nodes, enter = np.empty(SOME, dtype=np.int32), np.empty(SOME, dtype=np.int32)
    starts, loops = np.empty(SOME, dtype=np.int32), np.empty(SOME, dtype=np.int32)
    ahead = np.empty(SOME, dtype=np.int32)
    seen, zones, looping = 0, 0, 0
    for way in ways:
        if not closed[way >> 1] or marks.zone[other_end(wiring, way)] != UNSEEN:
            continue
        if zones == len(starts):
            starts = longer(starts)
        starts[zones] = seen
        ahead[0] = way
        waiting = 1
        while waiting:
            waiting -= 1
            link = ahead[waiting]
            node = other_end(wiring, link)
            if marks.zone[node] != UNSEEN:  # entered meanwhile, from the far side of a loop
                continue
            marks.zone[node] = next_zone + zones
            marks.number[node] = seen
            if seen == len(nodes):
                nodes, enter = longer(nodes), longer(enter)
            nodes[seen], enter[seen] = node, link
            alive[node] |= across(wiring, closed, link, alive[other_end(wiring, link ^ 1)])
            seen += 1
            for at in range(wiring.first[node], wiring.first[node + 1]):
                out = wiring.links[at]
                if not closed[out >> 1] or out >> 1 == link >> 1:
                    continue
                if marks.zone[other_end(wiring, out)] == UNSEEN:
                    if waiting == len(ahead):
                        ahead = longer(ahead)
                    ahead[waiting] = out
                    waiting += 1
                else:
                    if looping == len(loops):
                        loops = longer(loops)
                    loops[looping] = out
                    looping += 1
        zones += 1
    return _Tree(nodes[:seen], enter[:seen], starts[:zones], loops[:looping])


@compiled
def _feed_loops(wiring: Wiring, closed: Masks, alive: Masks, ways: Rows, tree: _Tree) -> None:
    """Make live what is fed otherwise than along the tree: by a loop, or from the far side of a transformer.

    Along the tree nothing is left to gain: what a device has passed downwards gives nothing new when it is passed back.
    """
    start = np.empty(len(ways) + 2 * len(tree.loops) + len(tree.enter), dtype=np.int32)
    count = 0
    for way in ways:
        start[count] = other_end(wiring, way ^ 1)
        count += 1
    for link in tree.loops:
        start[count], start[count + 1] = other_end(wiring, link), other_end(wiring, link ^ 1)
        count += 2
    for link in tree.enter:
        if is_against(wiring, link):
            start[count] = other_end(wiring, link ^ 1)
            count += 1
    spread(wiring, closed, start[:count], alive)


@compiled
def _find_bridges(wiring: Wiring, tree: _Tree, first: Rows, marks: Marks, behind: Behind) -> Rows:
    """Say what is behind each bridge; return the nodes, by descending number, that were entered by no bridge."""
    count = len(tree.nodes)
    sizes, low = np.ones(count, dtype=np.int32), np.arange(count).astype(np.int32)
    for link in tree.loops:
        here, other = marks.number[other_end(wiring, link ^ 1)], other_end(wiring, link)
        low[here] = -1 if marks.zone[other] == ROOT else min(low[here], marks.number[other])
    looped, looping = np.empty(SOME, dtype=np.int32), 0
    for here in range(count - 1, -1, -1):
        device = tree.enter[here] >> 1
        if low[here] == here:
            behind.zone[device] = marks.zone[tree.nodes[here]]
            behind.start[device] = first[here]
            behind.stop[device] = first[here + sizes[here]]
        else:
            if looping == len(looped):
                looped = longer(looped)
            looped[looping] = here
            looping += 1
        above = other_end(wiring, tree.enter[here] ^ 1)
        if marks.zone[above] != ROOT:
            sizes[marks.number[above]] += sizes[here]
            low[marks.number[above]] = min(low[marks.number[above]], low[here])
    return looped[:looping]


@compiled
def _judge_loops(wiring: Wiring, closed: Masks, alive: Masks, tree: _Tree, looped: Rows, marks: Marks, behind: Behind) -> None:
    """Say of each device that is no bridge whether opening it costs nothing, or must be searched.

    A block is what hangs together by devices that are no bridges. In a whole block every device joins all phases that live at
    its ends, and all of them come in from outside: then any device of it can be spared.
    """
    block = np.arange(len(tree.nodes))
    mixed = np.zeros(len(tree.nodes), dtype=np.bool_)
    for here in looped[::-1]:
        above = other_end(wiring, tree.enter[here] ^ 1)
        if marks.zone[above] != ROOT:
            block[here] = block[marks.number[above]]
    links = np.concatenate((tree.enter[looped], tree.loops ^ 1))
    for link in links:
        top = block[marks.number[other_end(wiring, link)]]
        enter = tree.enter[top]
        comes_in = across(wiring, closed, enter, alive[other_end(wiring, enter ^ 1)]) == alive[tree.nodes[top]]
        if not comes_in or not _is_whole(wiring, closed, alive, link >> 1):
            mixed[top] = True
    for link in links:
        if mixed[block[marks.number[other_end(wiring, link)]]]:
            behind.zone[link >> 1], behind.stop[link >> 1] = SEARCH, -1


@compiled_step
def _is_whole(wiring: Wiring, closed: Masks, alive: Masks, device: int) -> bool:
    """Return whether all phases that live at both ends of ``device`` pass it."""
    here, there = alive[wiring.from_node[device]], alive[wiring.to_node[device]]
    return bool(closed[device] == here and wiring.phases[device] == here and wiring.to_phases[device] == there)


@compiled_step
def _all_supplied(node: int, alive: Masks, customers: Customers) -> bool:
    """Return whether all customers at ``node`` are known to be supplied, as nearly everywhere."""
    return bool(alive[node] and not customers.named[node] & ~alive[node])


@compiled
def _add_up(nodes: Rows, alive: Masks, customers: Customers) -> tuple[Rows, NDArray[np.float64], Rows, Rows]:
    """Return the sums over the supplied customers at the nodes before each: how many, kW, important, on life support."""
    first, load_kw = np.zeros(len(nodes) + 1, dtype=np.int32), np.zeros(len(nodes) + 1, dtype=np.float64)
    important, life_support = np.zeros(len(nodes) + 1, dtype=np.int32), np.zeros(len(nodes) + 1, dtype=np.int32)
    for here, node in enumerate(nodes):
        count, power, grave, gravest = 0, 0.0, 0, 0
        if _all_supplied(node, alive, customers):
            count = customers.first[node + 1] - customers.first[node]
            power = customers.node_load_kw[node]
            grave, gravest = customers.node_important[node], customers.node_life_support[node]
        else:
            for row in customers.rows[customers.first[node] : customers.first[node + 1]]:
                if customers.wants[row] & alive[node]:
                    count += 1
                    power += customers.load_kw[row]
                    grave += customers.priority[row] == IMPORTANT
                    gravest += customers.priority[row] == LIFE_SUPPORT
        first[here + 1] = first[here] + count
        load_kw[here + 1] = load_kw[here] + power
        important[here + 1] = important[here] + grave
        life_support[here + 1] = life_support[here] + gravest
    return first, load_kw, important, life_support


@compiled
def _list(nodes: Rows, alive: Masks, customers: Customers, first: Rows) -> Rows:
    """Return the rows of the supplied customers at ``nodes``, in their order; ``first`` counts them."""
    listed = np.empty(first[-1], dtype=np.int32)
    found = 0
    for node in nodes:
        everyone = _all_supplied(node, alive, customers)
        for at in range(customers.first[node], customers.first[node + 1]):
            row = customers.rows[at]
            if everyone or customers.wants[row] & alive[node]:
                listed[found] = row
                found += 1
    return listed
