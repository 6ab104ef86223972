"""Power spreads from the sources: the one loop that every answer about supply comes from.

Each node holds the mask of phases that have reached it. A node that gains a phase passes it on through its closed devices
until nothing changes. Masks only grow, and what a device passes never shrinks with more phases in, so the end is the same in
whichever order nodes are taken::

    s ──B1── a ──L1── b ──F1(open)── c          alive: s=ABC a=ABC b=ABC c=0
                      │
                      └──L2 "B"── d             alive: d=B

Compiled with numba where it is installed; the same code runs uncompiled, some hundred times slower, where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from topology.transfer import Masks

try:
    from numba import njit

    COMPILED = True
except ImportError:
    COMPILED = False

Rows = NDArray[np.int32]
"""Rows of a table, or nodes, devices or links by number."""

SOME = 16
"""How long an array is at the start that grows as needed (`longer`)."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Return ``function`` compiled, its machine code cached beside the source."""
    return cast(_Function, njit(cache=True, nogil=True)(function)) if COMPILED else function


def compiled_step(function: _Function) -> _Function:
    """Return ``function`` compiled for use within loops; it must make no array.

    Left to itself numba counts the references to all arrays of a `Wiring` at each call, which takes ten times as long as what
    the call does.
    """
    return cast(_Function, njit(cache=True, nogil=True, _nrt=False)(function)) if COMPILED else function  # type: ignore[call-overload]


class Wiring(NamedTuple):
    """What is joined to what; n nodes, m devices.

    A link is one end of a device: ``2 * device`` at its from end, ``2 * device + 1`` at its to end. The links at node v are
    ``links[first[v]:first[v + 1]]``.
    """

    first: Rows
    links: Rows
    from_node: Rows
    to_node: Rows
    phases: Masks
    """Phases of each device at its from end, shape (m,)."""
    to_phases: Masks
    """Phases of each device at its to end, shape (m,)."""
    forward: Rows
    """Row of ``transfer`` from the from end to the to end, shape (m,)."""
    backward: Rows
    """Row of ``transfer`` from the to end to the from end, shape (m,)."""
    transfer: Masks
    """Phases out for phases in (see `topology.transfer`), shape (k, 32). Row 0 passes nothing."""
    one_way: Rows
    """Transformers that pass from their feeding side only: all but wye–wye."""
    feeds_forward: NDArray[np.bool_]
    """For each of ``one_way``: whether it is fed at its from end."""


@dataclass(frozen=True, eq=False)
class Supply:
    """Who is supplied in one state of the switches.

    Attributes
    ----------
    alive
        Mask of the phases that reach each node, shape (n,).
    order
        The nodes that are reached, from the sources outwards; int32.
    entry
        The link through which each node was first reached, −1 at sources and where it was not; int32, shape (n,). The node at
        its other end comes earlier in ``order``.
    parent
        The same for each phase of each node; int32, shape (n, 5).
    since
        When each phase reached each node, counted from 1; 0 at sources and where it did not. What brought a phase had come
        before it. int32, shape (n, 5).
    """

    alive: Masks
    order: Rows
    entry: Rows
    parent: Rows
    since: Rows


def trace(wiring: Wiring, closed: Masks, sources: Masks) -> Supply:
    """Return what is supplied when ``sources`` (masks of nodes, shape (n,)) feed a grid whose devices are ``closed``.

    ``closed`` is the mask of closed phases of each device, counted at its from end, shape (m,).
    """
    nodes = len(sources)
    alive, order = sources.copy(), np.empty(nodes, dtype=np.int32)
    entry, parent = np.full(nodes, -1, dtype=np.int32), np.full((nodes, 5), -1, dtype=np.int32)
    since = np.zeros((nodes, 5), dtype=np.int32)
    reached = _flood(wiring, closed, np.flatnonzero(sources), alive, order, entry, parent, since)
    return Supply(alive, order[:reached], entry, parent, since)


def trace_alive(wiring: Wiring, closed: Masks, sources: Masks) -> Masks:
    """Return only ``alive`` of `trace`, in two thirds of its time."""
    alive = sources.copy()
    spread(wiring, closed, np.flatnonzero(sources), alive)
    return alive


def transformers_away(wiring: Wiring, closed: Masks, sources: Masks) -> Rows:
    """Return how many one-way transformers lie between each node and its nearest source; n + 1 where there is no way.

    Phases are left out of account: it says which side of a transformer is the feeding one in a healthy grid.
    """
    return _levels(wiring, closed, sources)


@compiled_step
def other_end(wiring: Wiring, link: int) -> int:
    """Return the node at the far end of ``link``."""
    return int(wiring.from_node[link >> 1] if link & 1 else wiring.to_node[link >> 1])


@compiled_step
def across(wiring: Wiring, closed: Masks, link: int, mask: int) -> int:
    """Return the mask that arrives at the far end of ``link`` when ``mask`` is live at its near end.

    A device that is whole is told of all phases there, also of those that only the units beside it join.
    """
    device = link >> 1
    if link & 1:
        return int(wiring.transfer[wiring.backward[device], mask] & closed[device])
    seen = mask if closed[device] == wiring.phases[device] else mask & closed[device]
    return int(wiring.transfer[wiring.forward[device], seen])


@compiled
def longer(items: Rows) -> Rows:
    """Return a copy of ``items`` with as much room again."""
    copy = np.empty(2 * len(items), dtype=np.int32)
    copy[: len(items)] = items
    return copy


@compiled_step
def is_against(wiring: Wiring, link: int) -> bool:
    """Return whether ``link`` leads to the feeding side of a one-way transformer."""
    return bool((wiring.backward[link >> 1] if link & 1 else wiring.forward[link >> 1]) == 0)


@compiled_step
def _gain(node: int, gained: int, link: int, now: int, alive: Masks, entry: Rows, parent: Rows, since: Rows) -> None:
    """Make the phases ``gained`` live at ``node``; say through which link, and when, if that is wanted."""
    if len(entry):
        if not alive[node]:
            entry[node] = link
        for phase in range(5):
            if gained >> phase & 1:
                parent[node, phase] = link
                since[node, phase] = now
    alive[node] |= gained


@compiled
def _flood(
    wiring: Wiring,
    closed: Masks,
    start: NDArray[np.integer[Any]],
    alive: Masks,
    order: Rows,
    entry: Rows,
    parent: Rows,
    since: Rows,
) -> int:
    """Grow ``alive`` in place and fill the rows (see `Supply`), nearest nodes first; return how many nodes were reached."""
    nodes = len(alive)
    queue = np.empty(nodes, dtype=np.int32)  # a ring: a node waits in it at most once
    waiting = np.zeros(nodes, dtype=np.bool_)
    waiting[start] = True
    seen = np.zeros(nodes, dtype=np.bool_)
    against = np.empty(6 * len(wiring.one_way) + 1, dtype=np.int32)  # a node waits once for each phase, and at the start
    head, reached, now = 0, 0, 0
    size = len(start)
    queue[:size] = start
    while size:
        met = 0
        while size:
            node = queue[head]
            head = (head + 1) % nodes
            size -= 1
            waiting[node] = False
            if not seen[node]:
                seen[node] = True
                order[reached] = node
                reached += 1
            for at in range(wiring.first[node], wiring.first[node + 1]):
                link = wiring.links[at]
                if is_against(wiring, link):
                    against[met] = link
                    met += 1
                    continue
                other = other_end(wiring, link)
                gained = across(wiring, closed, link, alive[node]) & ~alive[other]
                if gained:
                    now += 1
                    _gain(other, gained, link, now, alive, entry, parent, since)
                    if not waiting[other]:
                        waiting[other] = True
                        queue[(head + size) % nodes] = other
                        size += 1
        head, now = 0, now + 1
        for node in _feed_back(wiring, closed, against[:met], now, alive, entry, parent, since):
            if not waiting[node]:
                waiting[node] = True
                queue[size] = node
                size += 1
    return reached


@compiled
def spread(wiring: Wiring, closed: Masks, start: NDArray[np.integer[Any]], alive: Masks) -> None:
    """Grow ``alive`` in place from the nodes ``start``; it holds what is known to be live already.

    Where only a part of the grid is asked for, the rest may be live already: the loop stops at its border. Whoever gained last
    is taken first, since neighbours one after the other are quicker.
    """
    ahead, size = start.astype(np.int32), len(start)
    against = np.empty(SOME, dtype=np.int32)
    none, none_each = np.empty(0, dtype=np.int32), np.empty((0, 5), dtype=np.int32)
    while size:
        met = 0
        while size:
            size -= 1
            node = ahead[size]
            for at in range(wiring.first[node], wiring.first[node + 1]):
                link = wiring.links[at]
                if is_against(wiring, link):
                    if met == len(against):
                        against = longer(against)
                    against[met] = link
                    met += 1
                    continue
                other = other_end(wiring, link)
                gained = across(wiring, closed, link, alive[node]) & ~alive[other]
                if gained:
                    alive[other] |= gained
                    if size == len(ahead):
                        ahead = longer(ahead)
                    ahead[size] = other
                    size += 1
        ahead = _feed_back(wiring, closed, against[:met], 0, alive, none, none_each, none_each)
        size = len(ahead)


@compiled
def _feed_back(
    wiring: Wiring, closed: Masks, against: Rows, now: int, alive: Masks, entry: Rows, parent: Rows, since: Rows
) -> Rows:
    """Make the dead feeding sides of transformers live whose other side is fully alive; return those nodes.

    ``against`` are the links that lead from such other sides. A low-voltage mesh that another transformer feeds makes the
    primary of this one alive. Only where nothing passes from the feeding side: with one phase lost, the other side may live on
    what is left, and tells nothing of the lost phase.
    """
    backwards = np.empty(len(against), dtype=np.int32)
    found = 0
    for link in against:
        device = link >> 1
        near, far = other_end(wiring, link ^ 1), other_end(wiring, link)
        near_mask = wiring.to_phases[device] if link & 1 else wiring.phases[device]
        far_mask = wiring.phases[device] if link & 1 else wiring.to_phases[device]
        whole = closed[device] == wiring.phases[device] and alive[near] & near_mask == near_mask
        if whole and far_mask & ~alive[far] and not across(wiring, closed, link ^ 1, alive[far]):
            backwards[found] = link
            found += 1
    # Found first and made live afterwards, so that the order of the transformers does not matter.
    nodes = np.empty(found, dtype=np.int32)
    for position, link in enumerate(backwards[:found]):
        nodes[position] = other_end(wiring, link)
        mask = wiring.phases[link >> 1] if link & 1 else wiring.to_phases[link >> 1]
        gained = mask & ~alive[nodes[position]]
        _gain(nodes[position], gained, link, now, alive, entry, parent, since)
    return nodes


@compiled
def _levels(wiring: Wiring, closed: Masks, sources: Masks) -> Rows:
    """Breadth first, where only a one-way transformer counts as a step."""
    nodes = len(sources)
    crossing = np.zeros(len(closed), dtype=np.bool_)
    crossing[wiring.one_way] = True
    level = np.full(nodes, nodes + 1, dtype=np.int32)
    near = np.empty(nodes, dtype=np.int32)
    far = np.empty(2 * len(wiring.one_way) + 1, dtype=np.int32)
    size = 0
    for node in range(nodes):
        if sources[node]:
            level[node] = 0
            near[size] = node
            size += 1
    now = 0
    while size:
        beyond = 0
        while size:
            size -= 1
            node = near[size]
            for link in wiring.links[wiring.first[node] : wiring.first[node + 1]]:
                other = other_end(wiring, link)
                if not closed[link >> 1] or level[other] <= nodes:
                    continue
                if crossing[link >> 1]:
                    far[beyond] = other
                    beyond += 1
                else:
                    level[other] = now
                    near[size] = other
                    size += 1
        now += 1
        for node in far[:beyond]:
            if level[node] > nodes:
                level[node] = now
                near[size] = node
                size += 1
    return level
