"""Several outages at once: the state that all of them leave the grid in.

Outages that touch no common part of the grid have nothing to do with each other. So they are taken in groups, and a group is
worked out on its part of the grid alone::

    outage 1   opens L1 on feeder A ──────┐ group
    outage 2   fault on feeder A ─────────┤             world: A as 1, 2 and 3 leave it,
    outage 3   closes a tie from A to B ──┘                    B as 3 leaves it, C as 4 leaves it, the rest in normal operation
    outage 4   opens L7 on feeder C ─────── group
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from outages.board import Board, Move, World, play
from outages.events import Outage
from outages.held import Active, began_before, find_active
from topology.isolate import Clearing
from topology.network import Network, UnknownIdError
from topology.parts import Piece, cut_out
from topology.supply import State, UnknownPhaseError


def world(network: Network, outages: Iterable[Outage], at: datetime) -> World:
    """Return the state that all of ``outages`` that are active at ``at`` leave the grid in.

    A device is open if any of them holds it open; a tie is closed if any holds it closed and none holds it open. Protection
    clears each fault in the state in which it begins, and whenever something is closed onto it; what it opened stays open until
    an operation, of whichever outage, closes it. What was over before ``at`` is left out of account, and the order in which
    outages are given does not matter. One that names what the network has not is in `World.left_out`.
    """
    crowd, left_out = Crowd(network), []
    for outage in outages:
        try:
            active = find_active(network, outage, at)
        except (UnknownIdError, UnknownPhaseError) as error:
            left_out.append((outage.id, str(error)))
        else:
            crowd.put(outage.id, active)
    return combine(network, crowd.groups(), left_out=tuple(sorted(left_out)))


def state_before(network: Network, others: Iterable[Outage], at: datetime) -> State:
    """Return the state in force at ``at`` under all of ``others``; see `world`."""
    return world(network, others, at).state


def world_before(network: Network, outage: Outage, others: Iterable[Outage], start: datetime) -> World:
    """Return the world just before the window of the outage that begins at ``start``: of those that began before it."""
    earlier = [other for other in others if began_before(other, outage, start)]
    return world(network, earlier, start) if earlier else World.of(network)


@dataclass(frozen=True, eq=False)
class Group:
    """Outages worked out together, and apart from all others.

    Attributes
    ----------
    active
        The outages, in the order in which they began.
    parts
        The parts of the network that they have in common.
    piece
        Those parts, cut out.
    board
        The switches of the piece, as the outages hold them.
    state
        What is closed and fed in the piece, with the faults cleared.
    dead_roots
        Sources, by node of the network, that a fault killed meanwhile: the parts at them are no longer apart.
    """

    active: tuple[Active, ...]
    parts: frozenset[int]
    piece: Piece
    board: Board
    state: State
    dead_roots: frozenset[int]


class Crowd:
    """Active outages, found by the parts of the network that they touch."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.active: dict[str, Active] = {}
        self._parts: dict[str, frozenset[int]] = {}
        self._at_part: dict[int, set[str]] = {}
        self._at_root: dict[int, set[str]] = {}

    def put(self, outage_id: str, active: Active | None) -> frozenset[int]:
        """Take in an outage as it is now, None where it is no longer active; return the parts where that may change things."""
        touched = self._parts.pop(outage_id, frozenset())
        if (former := self.active.pop(outage_id, None)) is not None:
            for part in touched:
                self._at_part[part].discard(outage_id)
            for root in self._roots_of(former):
                self._at_root[root].discard(outage_id)
        if active is None:
            return touched
        self.active[outage_id] = active
        parts = self._parts[outage_id] = parts_of(self._network, active)
        for part in parts:
            self._at_part.setdefault(part, set()).add(outage_id)
        for root in self._roots_of(active):
            self._at_root.setdefault(root, set()).add(outage_id)
        return touched | parts

    def settle(self, part: int, dead_roots: frozenset[int] = frozenset()) -> Group | None:
        """Return the group of outages that bears on ``part``; None where there is none.

        ``dead_roots`` are known to be dead at some time; the group may turn out to kill more.
        """
        while True:
            active, parts = self._gather(part, dead_roots)
            if not active:
                return None
            group = _carry_out(self._network, active, parts)
            if group.dead_roots <= dead_roots:
                return group
            dead_roots |= group.dead_roots

    def groups(self) -> list[Group]:
        """Return all groups."""
        return list({id(group): group for group in self.by_part().values()}.values())

    def by_part(self) -> dict[int, Group]:
        """Return the group of each part that any outage bears on."""
        of_part: dict[int, Group] = {}
        for part in {part for parts in self._parts.values() for part in parts}:
            dead: frozenset[int] = frozenset()
            while part not in of_part and (group := self.settle(part, dead)) is not None:
                # A dead source may join to it what was found to stand alone before.
                met = {id(of_part[other]): of_part[other] for other in group.parts if other in of_part}
                more = dead.union(group.dead_roots, *(other.dead_roots for other in met.values()))
                if more == dead | group.dead_roots:
                    of_part.update(dict.fromkeys(group.parts, group))
                dead = more
        return of_part

    def _gather(self, part: int, dead_roots: frozenset[int]) -> tuple[list[Active], set[int]]:
        """Return the outages that bear on ``part`` in the order in which they began, and all parts that they touch."""
        parts, found, ahead = set[int](), set[str](), [part]
        beyond = {root: self._beyond(root) for root in dead_roots}
        while ahead:
            here = ahead.pop()
            if here in parts:
                continue
            parts.add(here)
            met = self._at_part.get(here, set()) - found
            found |= met
            ahead += [other for outage_id in met for other in self._parts[outage_id]]
            ahead += [other for reached in beyond.values() if here in reached for other in reached]
        return sorted((self.active[outage_id] for outage_id in found), key=lambda active: active.rank), parts

    def _beyond(self, root: int) -> set[int]:
        """Return the parts at a dead source, also those that somebody's tie leads to."""
        tied = (self._parts[outage_id] for outage_id in self._at_root.get(root, ()))
        return self._network.parts.beside(root).union(*tied)

    def _roots_of(self, active: Active) -> set[int]:
        wiring, is_root = self._network.wiring, self._network.parts.is_root
        devices = [move.device for move in active.moves if move.device >= 0]
        ends = (int(node) for device in devices for node in (wiring.from_node[device], wiring.to_node[device]))
        return {node for node in ends if is_root[node]}


def parts_of(network: Network, active: Active) -> frozenset[int]:
    """Return the parts of the network where an outage may change something, as long as no source dies."""
    touched = [network.parts.touched(move.device) for move in active.moves if move.device >= 0]
    faulted = (int(network.parts.of_node[node]) for move in active.moves for node in move.nodes)
    return frozenset(faulted).union(*touched)


def combine(network: Network, groups: Iterable[Group], *, left_out: tuple[tuple[str, str], ...] = ()) -> World:
    """Return the world in which each of ``groups`` has its parts, and the rest is in normal operation."""
    closed, sources = network.normal.copy(), network.sources.copy()
    opened = np.zeros(len(closed), dtype=np.uint8)
    faults: set[str] = set()
    for group in groups:
        closed[group.piece.devices] = group.state.closed
        sources[group.piece.nodes] = group.state.sources
        for holding in group.board.holdings.values():
            faults.update(holding.faults)
            for device, mask in holding.opened.items():
                opened[group.piece.devices[device]] |= mask
    return World(State(closed, sources), opened, tuple(sorted(faults)), left_out)


def _carry_out(network: Network, active: list[Active], parts: set[int]) -> Group:
    """Return what comes of the moves of ``active`` in the order of time."""
    ties = {move.device for one in active for move in one.moves if move.device >= 0}
    piece = cut_out(network, parts, ties=ties)
    state = State(piece.normal, piece.sources)
    board, dead = Board(piece, state), set[int]()
    moves = [_in_piece(piece, move) for one in active for move in one.moves]
    for _, clearing in play(board, sorted(moves, key=lambda move: move.at)):
        state = clearing.state
        dead.update(roots_in(network, piece, clearing))
    return Group(tuple(active), frozenset(parts), piece, board, state, frozenset(dead))


def roots_in(network: Network, piece: Piece, clearing: Clearing) -> set[int]:
    """Return the sources, by node of the network, that a clearing in ``piece`` killed and that part others."""
    nodes = piece.nodes[clearing.dead_sources]
    return set(nodes[network.parts.is_root[nodes]].tolist())


def _in_piece(piece: Piece, move: Move) -> Move:
    device = piece.device(move.device) if move.device >= 0 else -1
    return move._replace(device=device, nodes=tuple(piece.node(node) for node in move.nodes))
