"""An outage in stages: timed operations → for each customer, from when until when it is out or partly out.

::

    08:00 fault L2        08:20 open S1, S2        08:25 close B1        08:40 close X1        11:00 repaired L2, close S1, S2
    ├─ all out ───────────────────────────────────┤ a, b back
    ├─────────────────────────────────────────────────────────────────┤ e, f back
    ├───────────────────────────────────────────────────────────────────────────────────────┤ c, d back
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from outages.board import Board, World, move_of
from outages.facts import Timed
from topology.flood import Rows
from topology.network import Network
from topology.supply import State, lost, supplied
from topology.transfer import Masks, letters_of, mask_of

_IN, _PARTIAL, _OUT = 0, 1, 2
_ALL = ""
"""The one who carries out all operations."""


class StageError(ValueError):
    """An operation cannot happen as it is said."""


@dataclass(frozen=True)
class Interval:
    """One customer without all of its phases in ``[off, on)``; ``on`` is None where the operations do not bring them back."""

    customer: str
    state: Literal["out", "partial"]
    off: datetime
    on: datetime | None


@dataclass(frozen=True)
class Count:
    """How many customers are out and partly out from ``at`` on."""

    at: datetime
    out: int
    partial: int
    tripped: tuple[str, ...]
    """Protective devices that opened by themselves at this time."""


@dataclass(frozen=True, eq=False)
class Stages:
    """What comes of timed operations.

    Attributes
    ----------
    intervals
        In the order of the customers table; those of one customer by time. Intervals that touch differ in their state.
    counts
        One for each time.
    transferred
        Rows of customers that nothing cut off, but that would have been affected had no tie been closed; ascending.
    """

    intervals: tuple[Interval, ...]
    counts: tuple[Count, ...]
    transferred: Rows


def work_out(network: Network, operations: Sequence[Timed], *, before: State | None = None) -> Stages:
    """Return what ``operations`` cost, compared with the state ``before`` the first of them (default: normal operation).

    Operations at the same time count together; they come in the order of time. A fault trips what clears it, and stays where it
    is until it is repaired: whatever is closed onto it trips again. What has tripped stays open until it is closed.

    Raises
    ------
    StageError
        A time is not aware or goes back, a device is already in the state that it is to get, or a repair has no fault.
    UnknownIdError, UnknownPhaseError
        A device or phase is not there. Nothing is worked out then.
    """
    _check_times(operations)
    world = World.of(network, before)
    moments, states, counts = _run(network, operations, world, supplied(network, world.state))
    return Stages(
        intervals=tuple(_intervals(network, moments, states)),
        counts=tuple(counts),
        transferred=_transferred(network, operations, world, np.flatnonzero((states != _IN).any(axis=0))),
    )


def _check_times(operations: Sequence[Timed]) -> None:
    naive = next((operation for operation in operations if operation.at.utcoffset() is None), None)
    if naive is not None:
        raise StageError(f"{naive.action} {naive.device}: {naive.at.isoformat()} has no zone. Add one: +08:00")
    for earlier, later in pairwise(operations):
        if later.at < earlier.at:
            raise StageError(
                f"{later.action} {later.device} at {later.at.isoformat()} comes before {earlier.action} {earlier.device} at "
                f"{earlier.at.isoformat()}. Put the operations in the order of time"
            )


def _run(
    network: Network, operations: Sequence[Timed], world: World, healthy: Masks
) -> tuple[list[datetime], NDArray[np.uint8], list[Count]]:
    """Return the times, the state of every customer from each time on (times × customers), and the counts."""
    board = Board.on(network, world)
    moments, states, counts = [], [], []
    for at, together in groupby(operations, key=lambda operation: operation.at):
        for operation in together:
            _apply(network, board, operation)
        clearing = board.settle()
        out, partial = lost(network, healthy, supplied(network, clearing.state))
        state = np.zeros(len(network.customer_node), dtype=np.uint8)
        state[out], state[partial] = _OUT, _PARTIAL
        moments.append(at)
        states.append(state)
        counts.append(Count(at, len(out), len(partial), tuple(network.device_ids[clearing.devices])))
    return moments, np.array(states, dtype=np.uint8).reshape(len(states), len(network.customer_node)), counts


def _apply(network: Network, board: Board, operation: Timed) -> None:
    """Carry out ``operation``; raises StageError where it changes nothing."""
    move = move_of(network, _ALL, operation)
    faults = board.holdings[_ALL].faults if _ALL in board.holdings else {}
    if operation.action == "repaired" and operation.device not in faults:
        known = ", ".join(sorted(faults)) or "none"
        raise StageError(f"{operation.device} is repaired without a fault there. Faults at that time: {known}")
    was = board.closed_at(move.device) if move.device >= 0 else 0
    board.move(move)
    if move.device >= 0 and board.closed_at(move.device) == was:
        phases = f" on {letters_of(mask_of(operation.phases))}" if operation.phases else ""
        is_now = "open" if operation.action == "open" else "closed"
        raise StageError(f"{operation.device} is already {is_now}{phases} at {operation.at.isoformat()}. Leave the operation out")


def _intervals(network: Network, moments: list[datetime], states: NDArray[np.uint8]) -> list[Interval]:
    found = []
    ids = network.tables.customers["id"].to_numpy(dtype=object)
    for row in np.flatnonzero((states != _IN).any(axis=0)).tolist():
        for state, group in groupby(enumerate(states[:, row].tolist()), key=lambda step: step[1]):
            steps = [step for step, _ in group]
            if state != _IN:
                on = moments[steps[-1] + 1] if steps[-1] + 1 < len(moments) else None
                found.append(Interval(ids[row], "out" if state == _OUT else "partial", moments[steps[0]], on))
    return found


def _transferred(network: Network, operations: Sequence[Timed], world: World, affected: NDArray[np.intp]) -> Rows:
    """Return the customers that the same operations without any closing would affect, and these did not."""
    if not any(operation.action == "close" for operation in operations):
        return np.empty(0, dtype=np.int32)
    board = Board.on(network, world)
    for operation in operations:
        if operation.action in ("open", "fault"):
            board.move(move_of(network, _ALL, operation))
    alive = supplied(network, board.settle().state)
    without = np.concatenate(lost(network, supplied(network, world.state), alive))
    return np.setdiff1d(without, affected).astype(np.int32)
