"""Who holds which switch: several outages over one grid, and the state that comes of it.

Every outage has a holding of its own: what it holds open, what it holds closed, where its faults sit. They are laid over a
start, in any order with the same result::

    start          L1 closed   L2 closed   X1 open
    outage 1       open                    closed          L1 is open while outage 1 or 2 holds it
    outage 2       open        fault                       X1 is closed while one holds it closed and none holds it open
    state          open        closed      closed    ──clear──▶ the breaker that feeds L2 trips, and stays open until closed
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np

from outages.facts import Action, Timed
from topology.flood import Rows
from topology.isolate import Clearing, clear_at, nodes_of_fault
from topology.network import Network
from topology.parts import Piece, label
from topology.supply import State, asked_phases, normal_state
from topology.transfer import Masks

_NO_ROWS = np.empty(0, dtype=np.int32)


class Move(NamedTuple):
    """One operation of one outage, by numbers of the network."""

    at: datetime
    holder: str
    action: Action
    device: int
    """−1 where it is about a fault."""
    mask: int
    fault: str
    nodes: tuple[int, ...]
    """What the fault touches."""


def move_of(network: Network, holder: str, operation: Timed) -> Move:
    """Return ``operation`` of the outage ``holder`` by numbers; raises UnknownIdError and UnknownPhaseError."""
    at, action, name = operation.at, operation.action, operation.device
    if action in ("fault", "repaired"):
        return Move(at, holder, action, -1, 0, name, nodes_of_fault(network, name))
    device = network.device(name)
    return Move(at, holder, action, device, int(asked_phases(network, device, operation.phases)), "", ())


@dataclass
class Holding:
    """What one outage holds: phases of devices, by number, and where its faults sit."""

    opened: dict[int, int] = field(default_factory=dict)
    closed: dict[int, int] = field(default_factory=dict)
    faults: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def move(self, move: Move, start: int) -> None:
        """Take over one operation; ``start`` are the phases of its device that are closed when nobody holds any.

        Who opens what it had closed lets go of it, and the other way round; on other phases it takes hold.
        """
        device, mask = move.device, move.mask
        match move.action:
            case "open":
                had = self.closed.get(device, 0) & mask
                self.closed[device] = self.closed.get(device, 0) & ~mask
                self.opened[device] = self.opened.get(device, 0) | mask & ~had
            case "close":
                self.opened[device] = self.opened.get(device, 0) & ~mask
                self.closed[device] = self.closed.get(device, 0) | mask & ~start
            case "fault":
                self.faults[move.fault] = move.nodes
            case "repaired":
                self.faults.pop(move.fault, None)


@dataclass(frozen=True, eq=False)
class World:
    """The state that some outages leave the grid in.

    Attributes
    ----------
    state
        What is closed and fed, with their faults cleared.
    opened
        Phases that they hold open on purpose: nobody else can close them; masks, shape (m,).
    faults
        Ids of where their faults sit: whatever is closed onto one trips.
    left_out
        By id, the outages that name what the network does not have, and what that is; nothing of them is in the state.
    """

    state: State
    opened: Masks
    faults: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, network: Network, state: State | None = None) -> World:
        """Return the world in which nobody holds anything and the switches are as in ``state`` (default: normal operation)."""
        return cls(state or normal_state(network), np.zeros(len(network.device_ids), dtype=np.uint8))


class Board:
    """Outages that operate the switches of ``grid`` one move after the other, from the state ``start`` on.

    ``barred`` are phases that cannot be closed, shape (m,); ``faults`` nodes of faults that are there already.
    """

    def __init__(self, grid: Network | Piece, start: State, *, barred: Masks | None = None, faults: Iterable[int] = ()) -> None:
        self.grid, self.start = grid, start
        self.holdings: dict[str, Holding] = {}
        self.tripped: dict[int, tuple[int, str]] = {}
        """Phases that protection opened, and whose fault did it."""
        self._faults = tuple(faults)
        self._barred = barred

    @classmethod
    def on(cls, network: Network, world: World) -> Board:
        """Return the board on which others have left ``world``."""
        faults = [node for fault in world.faults for node in nodes_of_fault(network, fault)]
        sources = network.sources if world.faults else world.state.sources
        return cls(network, State(world.state.closed, sources), barred=world.opened, faults=faults)

    def move(self, move: Move) -> None:
        """Take over one operation. What protection opened, anybody may close."""
        holding = self.holdings.setdefault(move.holder, Holding())
        if move.action == "close":
            self._close_tripped(move)
            if self._barred is not None:
                move = move._replace(mask=move.mask & ~int(self._barred[move.device]))
        holding.move(move, int(self.start.closed[move.device]) if move.device >= 0 else 0)

    def closed_at(self, device: int) -> int:
        """Return the closed phases of one device."""
        mask = int(self.start.closed[device])
        for holding in self.holdings.values():
            mask |= holding.closed.get(device, 0)
        for holding in self.holdings.values():
            mask &= ~holding.opened.get(device, 0)
        return mask & ~self.tripped.get(device, (0, ""))[0]

    def closed(self, among: Collection[str] | None = None) -> Masks:
        """Return the closed phases of each device, shape (m,); were only the outages ``among`` there, if that is given."""
        holdings = [one for name, one in self.holdings.items() if among is None or name in among]
        closed = self.start.closed.copy()
        for holding in holdings:
            for device, mask in holding.closed.items():
                closed[device] |= mask
        for holding in holdings:
            for device, mask in holding.opened.items():
                closed[device] &= ~mask & 0xFF
        for device, (mask, owner) in self.tripped.items():
            if among is None or owner in among:
                closed[device] &= ~mask & 0xFF
        return closed

    def look(self, among: Collection[str] | None = None) -> Clearing:
        """Return how the grid settles with what is held now; were only the outages ``among`` there, if that is given."""
        state = State(self.closed(among), self.start.sources)
        holdings = (one for name, one in self.holdings.items() if among is None or name in among)
        nodes = [*self._faults, *(node for one in holdings for touched in one.faults.values() for node in touched)]
        return clear_at(self.grid, state, nodes) if nodes else Clearing(_NO_ROWS, _NO_ROWS, state)

    def settle(self) -> Clearing:
        """Let protection clear the faults; what it opens stays open until it is closed."""
        clearing = self.look()
        for device, owner in zip(clearing.devices.tolist(), self._owners(clearing.devices), strict=True):
            self.tripped[device] = (int(self.grid.wiring.phases[device]), owner)
        return clearing

    def _close_tripped(self, move: Move) -> None:
        mask, owner = self.tripped.pop(move.device, (0, ""))
        if mask & ~move.mask:
            self.tripped[move.device] = (mask & ~move.mask, owner)

    def _owners(self, devices: Rows) -> list[str]:
        """Return for each device that tripped whose fault did it: of several, that of the one that holds longest."""
        holders = [name for name, holding in self.holdings.items() if holding.faults]
        if len(holders) <= 1 or not len(devices):
            return [holders[0] if holders else ""] * len(devices)
        wiring = self.grid.wiring
        labels = label(wiring, np.flatnonzero(~self.grid.protective & (self.closed() != 0)), len(self.start.sources))
        owner: dict[int, str] = {}
        for name in reversed(holders):
            owner.update((int(labels[node]), name) for nodes in self.holdings[name].faults.values() for node in nodes)
        ends = zip(labels[wiring.from_node[devices]].tolist(), labels[wiring.to_node[devices]].tolist(), strict=True)
        return [min((owner[end] for end in pair if end in owner), key=holders.index, default="") for pair in ends]


def play(board: Board, moves: Sequence[Move]) -> Iterable[tuple[datetime, Clearing]]:
    """Carry out ``moves``, which come in the order of time; yield each time and how the grid settles then."""
    for at, together in groupby(moves, key=lambda move: move.at):
        for move in together:
            board.move(move)
        yield at, board.settle()
