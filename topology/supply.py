"""Who is supplied in a given state, phase by phase.

A state is laid over the state in force; nothing is changed in place. A customer is compared with what it had::

    *s -B1:breaker- a -L1- b -L2- c            open L1:       b and c are out
    a /X1/ c                                   close X1 too:  nobody is out; b and c are fed the other way round
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from topology.flood import Rows, trace_alive
from topology.network import Network
from topology.parts import Piece
from topology.transfer import Masks, letters_of, mask_of

Phased = tuple[str, str]
"""A device by id, and the phases of it that are meant, counted at its from end; "" for all that it has."""


class UnknownPhaseError(ValueError):
    """A device has not the phase that was given."""


class State(NamedTuple):
    """What is closed and what is fed at one moment; masks."""

    closed: Masks
    """Closed phases of each device, counted at its from end, shape (m,)."""
    sources: Masks
    """Phases that are fed at each node, shape (n,)."""


def normal_state(network: Network) -> State:
    """Return the state in normal operation."""
    return State(network.normal, network.sources)


def operate(
    network: Network,
    state: State,
    *,
    open: Iterable[Phased] = (),  # noqa: A002 - the word that switching uses
    close: Iterable[Phased] = (),
) -> State:
    """Return the state after devices were opened and others closed; ``state`` is not changed.

    Closing comes last: a phase that is named in both ends up closed. Raises UnknownIdError and UnknownPhaseError.
    """
    closed = state.closed.copy()
    for device_id, phases in open:
        device = network.device(device_id)
        closed[device] &= ~asked_phases(network, device, phases)
    for device_id, phases in close:
        device = network.device(device_id)
        closed[device] |= asked_phases(network, device, phases)
    return state._replace(closed=closed)


def supplied(network: Network | Piece, state: State) -> Masks:
    """Return the mask of live phases at each node; shape (n,)."""
    return trace_alive(network.wiring, state.closed, state.sources)


def lost(network: Network | Piece, before: Masks, after: Masks) -> tuple[Rows, Rows]:
    """Return the rows of the customers that are out, and of those that lost some of their phases; ascending.

    ``before`` and ``after`` are masks of live phases at the nodes. A customer counts by the phases it had: one that had none
    before is in neither.
    """
    had = before[network.customer_node] & network.customer_phases
    has = after[network.customer_node] & had
    fewer = np.flatnonzero(has != had)
    out = has[fewer] == 0
    return fewer[out].astype(np.int32), fewer[~out].astype(np.int32)


def asked_phases(network: Network, device: int, phases: str) -> np.uint8:
    """Return the mask of ``phases`` of a device; all that it has for "". Raises UnknownPhaseError."""
    has = network.wiring.phases[device]
    if set(phases) - set(letters_of(int(has))):
        device_id = network.device_ids[device]
        raise UnknownPhaseError(
            f"device {device_id} has no phase {phases!r}: it has {letters_of(int(has))}. Name phases that it has, or none for all"
        )
    return np.uint8(mask_of(phases)) if phases else has
