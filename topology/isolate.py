"""A fault: which devices clear it, and what is dead once they have.

A fault burns until the protective devices around it open. Those that matter lie between it and a source::

    *s -B1:breaker- a -L1- b -F1:fuse- c -L2- d        fault on L2: F1 clears it; c and d are out
    b -L3- e                                           fault on L3: B1 clears it; a to e are out
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topology.flood import Rows, Wiring, trace_alive
from topology.network import Network
from topology.parts import Piece
from topology.supply import State, supplied
from topology.transfer import Masks

_ALL = np.uint8(31)


@dataclass(frozen=True, eq=False)
class Clearing:
    """How faults are cleared.

    Attributes
    ----------
    devices
        The protective devices that open, ascending.
    dead_sources
        Nodes of sources that no protective device parts from a fault: they are switched off from above.
    state
        What is closed and fed once all of that has happened.
    """

    devices: Rows
    dead_sources: Rows
    state: State


def clear(network: Network, state: State, faults: Iterable[str]) -> Clearing:
    """Return how ``faults``, ids of devices or nodes, are cleared in ``state``.

    A fault on a device is a fault at both its ends: on a line as well as in a switch or a transformer. It reaches as far as
    the nearest breaker, recloser or fuse that is closed, through transformers too. All phases are cleared together.

    Raises UnknownIdError for an id that is neither a device nor a node.
    """
    return clear_at(network, state, [node for fault in faults for node in nodes_of_fault(network, fault)])


def clear_at(network: Network | Piece, state: State, nodes: Iterable[int]) -> Clearing:
    """Return how faults at ``nodes`` are cleared in ``state``."""
    wiring = network.wiring
    zone = _zone(network, state, nodes, stop=network.protective)
    border = np.flatnonzero(network.protective & (state.closed != 0) & (zone[wiring.from_node] | zone[wiring.to_node]))
    sources = np.where(zone, np.uint8(0), state.sources)
    # What is still live when the zone is cut off on every side is what its border devices must be kept from: those that have
    # a live end then clear the fault, and the others, further from the sources, need not open.
    alive = supplied(network, State(_opened(state.closed, border), sources))
    clearing = border[(alive[wiring.from_node[border]] | alive[wiring.to_node[border]]) != 0].astype(np.int32)
    dead_sources = np.flatnonzero(zone & (state.sources != 0)).astype(np.int32)
    return Clearing(clearing, dead_sources, State(_opened(state.closed, clearing), sources))


def _opened(closed: Masks, devices: NDArray[np.integer[Any]]) -> Masks:
    after = closed.copy()
    after[devices] = 0
    return after


def nodes_of_fault(network: Network, fault: str) -> tuple[int, ...]:
    """Return the nodes that a fault touches: the node, or both ends of the device, with that id. Raises UnknownIdError."""
    if network.has_node(fault) and not network.has_device(fault):
        return (network.node(fault),)
    device = network.device(fault)
    return (int(network.wiring.from_node[device]), int(network.wiring.to_node[device]))


def conducting_zone(network: Network, state: State, faults: Iterable[str], *, stop: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which nodes hang together with ``faults`` in ``state`` with no device of ``stop`` in between; shape (n,).

    ``stop`` says of each device whether it holds the fault off; shape (m,). Raises UnknownIdError.
    """
    return _zone(network, state, [node for fault in faults for node in nodes_of_fault(network, fault)], stop=stop)


def _zone(network: Network | Piece, state: State, nodes: Iterable[int], *, stop: NDArray[np.bool_]) -> NDArray[np.bool_]:
    faulted = np.zeros(len(state.sources), dtype=np.uint8)
    faulted[list(nodes)] = _ALL
    conducting = np.where(stop | (state.closed == 0), np.uint8(0), _ALL)
    reached: NDArray[np.bool_] = trace_alive(_conducting(network.wiring), conducting, faulted) != 0
    return reached


def _conducting(wiring: Wiring) -> Wiring:
    """Return the wiring for fault current: any phase in, every phase out, both ways."""
    nothing = np.zeros(32, dtype=np.uint8)
    everything = np.where(np.arange(32) > 0, _ALL, nothing)
    through = np.ones_like(wiring.forward)
    return wiring._replace(
        forward=through,
        backward=through,
        transfer=np.stack([nothing, everything]),
        one_way=wiring.one_way[:0],
        feeds_forward=wiring.feeds_forward[:0],
    )
