"""Who is out now, under all outages together, kept up as they change.

::

    outage 1 opens L1        a  b  c  d          out: b c d     attributed: b c d → 1
    outage 2 opens L2 then         c  d          out: b c d     attributed: as before; c, d are held off by 1 and 2
    outage 1 is restored                         out:   c d     attributed: c d → 2; b is back, c and d are not

One event changes the group of outages that it touches and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from outages.board import World
from outages.events import Outage
from outages.held import find_active
from outages.lifecycle import active_spans
from outages.together import Crowd, Group, combine, roots_in
from topology.flood import Rows
from topology.network import Network, UnknownIdError
from topology.supply import UnknownPhaseError, lost, supplied

_FED, _PARTIAL, _OUT = 0, 1, 2
_NO_ROWS = np.empty(0, dtype=np.int32)

States = NDArray[np.uint8]
"""For each customer 0 if it is fed, 1 if it is partly out, 2 if it is out."""


class Toll(NamedTuple):
    """What is off at one moment; ``customers`` are ``out`` and ``partial`` together."""

    customers: int
    out: int
    partial: int
    load_kw: float
    important: int
    life_support: int


class Standing:
    """Who is out now, and under which outage each counts.

    A customer counts once: under the outage that would cut it first, were the active ones to begin one after the other as they
    did. It is compared with normal operation. Several threads may read at once, as long as none calls `update` meanwhile.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.problems: dict[str, str] = {}
        """By id, the outages that name what the network has not, and what that is; they count for nothing here."""
        self._crowd = Crowd(network)
        self._seen: dict[str, _Seen] = {}
        self._of_part: dict[int, _Settled] = {}
        self._rows: dict[str, Rows] = {}
        self._states: States = np.zeros(len(network.customer_node), dtype=np.uint8)

    @property
    def out(self) -> Rows:
        """Rows of the customers that have no phase, ascending."""
        return np.flatnonzero(self._states == _OUT).astype(np.int32)

    @property
    def partial(self) -> Rows:
        """Rows of the customers that have some of their phases only, ascending."""
        return np.flatnonzero(self._states == _PARTIAL).astype(np.int32)

    @property
    def affected(self) -> Rows:
        """Rows of the customers that are out or partial, ascending."""
        return np.flatnonzero(self._states).astype(np.int32)

    @property
    def attributed(self) -> tuple[str, ...]:
        """For each of `affected`, the id of the outage that it counts under."""
        by = {row: outage_id for outage_id, rows in self._rows.items() for row in rows.tolist()}
        return tuple(by[row] for row in self.affected.tolist())

    def rows(self, outage_id: str) -> Rows:
        """Return the rows of the customers that count under one outage, ascending."""
        return self._rows.get(outage_id, _NO_ROWS)

    def counts(self, outage_id: str) -> Toll:
        """Return what counts under one outage."""
        return self._toll(self.rows(outage_id))

    def total(self) -> Toll:
        """Return what is off under all outages."""
        return self._toll(self.affected)

    def is_back(self, row: int) -> bool:
        """Return whether a customer has all phases that it has in normal operation, so that no outage holds it off."""
        return not self._states[row]

    def of(self, row: int) -> tuple[str, ...]:
        """Return the outages that hold a customer off: the one that it counts under, then the others as they began.

        Those are the ones that would cut it by themselves, and those without which it would be supplied.
        """
        if self.is_back(row):
            return ()
        part = int(self.network.parts.of_node[self.network.customer_node[row]])
        return self._of_part[part].holders_of(row)

    def world(self, *, without: str = "") -> World:
        """Return the state that all outages leave the grid in now, or all but one."""
        groups = [settled.group for settled in _distinct(self._of_part.values())]
        if without in self._crowd.active:
            left = next(group for group in groups if any(one.outage_id == without for one in group.active))
            rest = Crowd(self.network)
            for one in left.active:
                rest.put(one.outage_id, one if one.outage_id != without else None)
            groups = [*(group for group in groups if group is not left), *rest.groups()]
        return combine(self.network, groups, left_out=tuple(sorted(self.problems.items())))

    def update(self, outages: Mapping[str, Outage], now: datetime) -> set[str]:
        """Take over ``outages``, by id, as they are at ``now``; return the ids of those whose customers changed.

        Those that are over may be left out. Only what changed, began or ended is worked out anew, with what it touches.
        """
        stale: set[int] = set()
        for outage_id in [known for known in self._seen if known not in outages]:
            stale |= self._drop(outage_id)
        for outage_id, outage in outages.items():
            seen = self._seen.get(outage_id)
            if seen is None or not seen.holds(outage, now):
                stale |= self._take_in(outage, now)
        return self._work_out(stale)

    def next_change(self, outages: Mapping[str, Outage], now: datetime) -> datetime | None:
        """Return when next a window of one of ``outages`` begins or ends by itself; None where none does."""
        turns = (self._next_turn(outage, now) for outage in outages.values())
        return min((turn for turn in turns if turn is not None), default=None)

    def _next_turn(self, outage: Outage, now: datetime) -> datetime | None:
        seen = self._seen.get(outage.id)
        return seen.until if seen is not None and seen.holds(outage, now) else _Seen.of(outage, now).until

    def _drop(self, outage_id: str) -> frozenset[int]:
        del self._seen[outage_id]
        self.problems.pop(outage_id, None)
        return self._crowd.put(outage_id, None)

    def _take_in(self, outage: Outage, now: datetime) -> frozenset[int]:
        """Take over one outage; return the parts of the network where that may change things."""
        self._seen[outage.id] = _Seen.of(outage, now)
        self.problems.pop(outage.id, None)
        try:
            active = find_active(self.network, outage, now)
        except (UnknownIdError, UnknownPhaseError) as error:
            self.problems[outage.id] = str(error)
            active = None
        return self._crowd.put(outage.id, active)

    def _work_out(self, stale: set[int]) -> set[str]:
        """Work out the groups at the parts ``stale`` anew; return the outages whose customers changed."""
        former, fresh = list[_Settled](), list[_Settled]()
        while stale:
            part = stale.pop()
            if (old := self._of_part.get(part)) is not None:
                if old in fresh:
                    continue
                former.append(old)
                stale |= old.group.parts
                self._forget(old)
            if (new := self._settle(part)) is None:
                continue
            for old in _distinct(self._of_part[other] for other in new.group.parts if other in self._of_part):
                # It was apart, and a source that died, or a tie, has joined it.
                stale |= old.group.parts
                (fresh.remove(old) if old in fresh else former.append(old))
                self._forget(old)
            self._keep(new)
            fresh.append(new)
        return _changed(former, fresh)

    def _settle(self, part: int) -> _Settled | None:
        dead: frozenset[int] = frozenset()
        while (group := self._crowd.settle(part, dead)) is not None:
            settled, also = _settle(self.network, group)
            met = (self._of_part[other].group.dead_roots for other in group.parts if other in self._of_part)
            more = dead.union(group.dead_roots, also, *met)
            if more == dead | group.dead_roots:
                return settled
            dead = more
        return None

    def _forget(self, settled: _Settled) -> None:
        self._states[settled.group.piece.customer_rows] = _FED
        for outage_id in settled.rows:
            del self._rows[outage_id]
        for part in settled.group.parts:
            del self._of_part[part]

    def _keep(self, settled: _Settled) -> None:
        self._states[settled.group.piece.customer_rows] = settled.states
        self._rows.update(settled.rows)
        self._of_part.update(dict.fromkeys(settled.group.parts, settled))

    def _toll(self, rows: Rows) -> Toll:
        cost = self.network.customers.cost(rows)
        out = int((self._states[rows] == _OUT).sum())
        return Toll(len(rows), out, len(rows) - out, round(cost.load_kw, 3), cost.important, cost.life_support)


class _Seen(NamedTuple):
    """An outage as it was last looked at; it stays as it is in ``[since, until)``, None for no bound."""

    seq: int
    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, outage: Outage, now: datetime) -> _Seen:
        spans = active_spans(outage)
        turns = [turn for span in spans for turn in span if turn is not None]
        turns += [one.at for one in outage.operations] if spans else []
        since, until = [turn for turn in turns if turn <= now], [turn for turn in turns if turn > now]
        return cls(outage.seq, max(since, default=None), min(until, default=None))

    def holds(self, outage: Outage, now: datetime) -> bool:
        """Return whether nothing has changed."""
        after_start = self.since is None or self.since <= now
        return self.seq == outage.seq and after_start and (self.until is None or now < self.until)


@dataclass(frozen=True, eq=False)
class _Settled:
    """A group, and whom it cuts off.

    ``rows`` are the customers that count under each outage, ascending; ``states`` those of the customers of the piece.
    """

    group: Group
    rows: dict[str, Rows]
    states: States
    _holders: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def holders_of(self, row: int) -> tuple[str, ...]:
        """Return the outages that hold a customer off, the one that it counts under first."""
        place = int(self.group.piece.customer_rows.searchsorted(row))
        names = [one.outage_id for one in self.group.active]
        first = [name for name in names if row in self.rows[name]]
        return (*first, *(name for name in names if name not in first and self._holds(name)[place]))

    def _holds(self, name: str) -> NDArray[np.bool_]:
        """Return for each customer of the piece whether one outage alone cuts it, or it would be back without that one."""
        if name not in self._holders:
            rest = {one.outage_id for one in self.group.active} - {name}
            self._holders[name] = (_states(self.group, {name})[0] != _FED) | (_states(self.group, rest)[0] == _FED)
        return self._holders[name]


def _settle(network: Network, group: Group) -> tuple[_Settled, set[int]]:
    """Return whom ``group`` cuts off, and the sources that would die with only the first of its outages."""
    names = [one.outage_id for one in group.active]
    by = np.full(len(group.piece.customer_rows), -1, dtype=np.int32)
    states, roots = np.zeros(len(by), dtype=np.uint8), set[int]()
    for number in range(len(names)):
        states, clearing_roots = _states(group, set(names[: number + 1]), network)
        roots |= clearing_roots
        by[(states != _FED) & (by < 0)] = number
        by[states == _FED] = -1
    rows = {name: group.piece.customer_rows[by == number] for number, name in enumerate(names)}
    return _Settled(group, rows, states), roots


def _states(group: Group, among: set[str], network: Network | None = None) -> tuple[States, set[int]]:
    """Return the state of each customer of the piece were only the outages ``among`` there, and the sources that died."""
    piece, clearing = group.piece, group.board.look(among)
    states = np.zeros(len(piece.customer_rows), dtype=np.uint8)
    states_of = lost(piece, piece.alive, supplied(piece, clearing.state))
    states[states_of[0]], states[states_of[1]] = _OUT, _PARTIAL
    return states, roots_in(network, piece, clearing) if network is not None else set()


def _distinct(settled: Iterable[_Settled]) -> list[_Settled]:
    return list({id(one): one for one in settled}.values())


def _changed(former: list[_Settled], fresh: list[_Settled]) -> set[str]:
    """Return the outages that have other customers, or theirs in another state, than before."""
    before, after = _told(former), _told(fresh)
    return {name for name in before | after if before.get(name, b"") != after.get(name, b"")}


def _told(settled: list[_Settled]) -> dict[str, bytes]:
    told = {}
    for one in settled:
        for name, rows in one.rows.items():
            states = one.states[one.group.piece.customer_rows.searchsorted(rows)]
            told[name] = rows.tobytes() + states.tobytes()
    return told
