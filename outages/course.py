"""The course of one outage: for each customer, from when until when it is out or partly out, over all windows and operations.

::

    windows       ├─ day 1 ──────────┤         ├─ day 2 ──────────┤
    operations              close X1
    a, b          ├ out ─────────────┤         ├ out ─────────────┤
    c             ├ out ────┤                  ├ out ─────────────┤

What has been confirmed stands in the place of what was planned; an end to come is the planned or the estimated one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from outages.board import Board, Move, World, play
from outages.events import Outage
from outages.held import as_planned, moves_in
from outages.lifecycle import active_spans
from outages.stages import Count, Interval
from outages.together import world_before
from topology.flood import Rows, Supply, trace
from topology.isolate import Clearing
from topology.network import Network
from topology.supply import lost, supplied
from topology.why import Loss

_FED, _PARTIAL, _OUT = 0, 1, 2
_NAMES: dict[int, Literal["out", "partial"]] = {_PARTIAL: "partial", _OUT: "out"}


@dataclass(frozen=True, eq=False)
class Step:
    """Customers that are out, or partly out, in the same ``[off, on)`` and by the same device.

    ``rows`` are ascending. ``on`` is None where nobody knows; one to come is planned or estimated. ``cut_by`` is the id of the
    device that cut them at ``off``; "" where their source went dead.
    """

    rows: Rows
    state: Literal["out", "partial"]
    off: datetime
    on: datetime | None
    cut_by: str


@dataclass(frozen=True, eq=False)
class Course:
    """What one outage costs, and when.

    Attributes
    ----------
    steps
        By ``off``, then by ``on``. Steps of one customer do not overlap; those that touch differ in their state.
    counts
        How many are out and partly out from each moment on at which something is done or ends.
    transferred
        Rows of customers that are never affected, but would be had no tie been closed; ascending.
    """

    network: Network
    outage: Outage
    steps: tuple[Step, ...]
    counts: tuple[Count, ...]
    transferred: Rows

    @cached_property
    def affected(self) -> Rows:
        """Rows of the customers that are out or partial at some time, ascending."""
        return _union(step.rows for step in self.steps)

    @cached_property
    def out(self) -> Rows:
        """Rows of the customers that have no phase at some time, ascending."""
        return _union(step.rows for step in self.steps if step.state == "out")

    def at(self, moment: datetime) -> tuple[Rows, Rows]:
        """Return the rows of the customers that are out, and of those that are partial, at ``moment``."""
        now = [step for step in self.steps if step.off <= moment and (step.on is None or moment < step.on)]
        return _union(one.rows for one in now if one.state == "out"), _union(one.rows for one in now if one.state == "partial")

    def intervals(self) -> Iterator[Interval]:
        """Yield the intervals of each customer, in the order of the customers table and of time."""
        order = np.repeat(np.arange(len(self.steps)), [len(step.rows) for step in self.steps])
        rows = np.concatenate([np.empty(0, dtype=np.int32), *(step.rows for step in self.steps)])
        sequence = np.lexsort((order, rows))
        ids = self.network.tables.customers["id"].iloc[rows[sequence]]
        for id_, number in zip(ids, order[sequence].tolist(), strict=True):
            step = self.steps[number]
            yield Interval(id_, step.state, step.off, step.on)


def course(network: Network, outage: Outage, *, others: Iterable[Outage] = (), now: datetime) -> Course:
    """Return the course of ``outage``, a draft as it is planned.

    In each window it is compared with the state in force just before the window began: of normal operation, and of those of
    ``others`` that were active then and began before it. A device that another holds open stays open, whatever this one closes.
    ``now`` tells what end is still to come: one that has passed without a word that power is back is not known.

    Raises UnknownIdError and UnknownPhaseError where the outage names what the network has not.
    """
    planned, known = as_planned(outage), list(others)
    log = _Log(network)
    previous: tuple[World, Supply] | None = None
    without: list[Rows] = []
    for start, end in active_spans(planned):
        before = world_before(network, planned, known, start)
        healthy = previous[1] if previous is not None and _same(previous[0], before) else _trace(network, before)
        previous = (before, healthy)
        moves = moves_in(network, planned, (start, end))
        for at, clearing in play(Board.on(network, before), moves):
            log.write(at, healthy, clearing)
        log.end(end or _expected(planned, log, now))
        without.append(_without_ties(network, before, healthy, moves))
    steps = tuple(log.steps())
    affected = _union(step.rows for step in steps)
    return Course(network, outage, steps, tuple(log.counts), np.setdiff1d(_union(without), affected).astype(np.int32))


class _Log:
    """What each customer goes through, written down moment by moment."""

    def __init__(self, network: Network) -> None:
        size = len(network.customer_node)
        self._network = network
        self._states = np.zeros(size, dtype=np.uint8)
        self._since = np.zeros(size, dtype=np.int32)
        self._cut_by = np.full(size, -1, dtype=np.int32)
        self._times: list[datetime] = []
        self._spells: list[NDArray[np.int32]] = []
        self.counts: list[Count] = []

    @property
    def last(self) -> datetime:
        """The last moment that was written down."""
        return self._times[-1]

    def write(self, at: datetime, healthy: Supply, clearing: Clearing) -> None:
        """Write down how the grid settles at ``at``, compared with what was supplied before."""
        network = self._network
        alive = supplied(network, clearing.state)
        out, partial = lost(network, healthy.alive, alive)
        states = np.zeros(len(self._states), dtype=np.uint8)
        states[out], states[partial] = _OUT, _PARTIAL
        begun = self._turn(at, states)
        loss = Loss(network, healthy, clearing.state, alive)
        nodes, places = np.unique(network.customer_node[begun], return_inverse=True)
        self._cut_by[begun] = np.array([loss.cutter(node) for node in nodes.tolist()], dtype=np.int32)[places]
        self._count(Count(at, len(out), len(partial), tuple(network.device_ids[clearing.devices])))

    def end(self, at: datetime | None) -> None:
        """Write down that everybody is back at ``at``, None where nobody knows when."""
        self._turn(at, np.zeros(len(self._states), dtype=np.uint8))
        if at is not None:
            self._count(Count(at, 0, 0, ()))

    def steps(self) -> Iterator[Step]:
        """Yield what was written down: customers together that have the same times, state and device."""
        row, state, off, on, cut_by = self._joined()
        order = np.lexsort((row, cut_by, state, np.where(on < 0, len(self._times), on), off))
        table = np.stack([off, on, state, cut_by])[:, order]
        starts = _starts((table[:, 1:] == table[:, :-1]).all(axis=0), len(order))
        for first, rows in zip(starts.tolist(), np.split(row[order], starts[1:]), strict=False):
            begin, end, kind, device = table[:, first].tolist()
            device_id = self._network.device_ids[device] if device >= 0 else ""
            yield Step(rows, _NAMES[kind], self._times[begin], self._times[end] if end >= 0 else None, device_id)

    def _turn(self, at: datetime | None, states: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Take over the new states; return the rows of the customers that are in another one from now on, and not fed."""
        if at is not None and (not self._times or self._times[-1] != at):
            self._times.append(at)
        now = len(self._times) - 1 if at is not None else -1
        changed = np.flatnonzero(states != self._states)
        ended = changed[self._states[changed] != _FED].astype(np.int32)
        spell = (ended, self._states[ended], self._since[ended], np.full(len(ended), now), self._cut_by[ended])
        self._spells.append(np.stack([column.astype(np.int32) for column in spell]))
        self._states = states
        self._since[changed] = now
        begun: NDArray[np.intp] = changed[states[changed] != _FED]
        return begun

    def _count(self, count: Count) -> None:
        if self.counts and self.counts[-1].at == count.at:
            self.counts.pop()  # one window ends when the next begins
        self.counts.append(count)

    def _joined(self) -> NDArray[Any]:
        """Return the spells, five columns; one that goes on in the next window is one with it."""
        spells = np.concatenate([np.empty((5, 0), dtype=np.int32), *self._spells], axis=1)
        row, state, off, on, cut_by = spells[:, np.lexsort((spells[2], spells[0]))]
        goes_on = (row[1:] == row[:-1]) & (state[1:] == state[:-1]) & (off[1:] == on[:-1])
        starts = _starts(goes_on, len(row))
        last = np.append(starts[1:], len(row))[: len(starts)] - 1
        joined: NDArray[Any] = np.stack([row[starts], state[starts], off[starts], on[last], cut_by[starts]])
        return joined


def _starts(is_like_last: NDArray[np.bool_], size: int) -> NDArray[np.intp]:
    """Return where a run begins of ``size`` things, of which all but the first are told whether they are like the last."""
    begins = np.ones(size, dtype=np.bool_)
    begins[1:] = ~is_like_last
    starts: NDArray[np.intp] = np.flatnonzero(begins)
    return starts


def _expected(outage: Outage, log: _Log, now: datetime) -> datetime | None:
    """Return when the last window is to end; None where that has passed, or nobody has said."""
    end = outage.in_force.end if outage.in_force is not None else None
    return end if end is not None and end > max(now, log.last) else None


def _trace(network: Network, before: World) -> Supply:
    if np.array_equal(before.state.closed, network.normal) and np.array_equal(before.state.sources, network.sources):
        return network.healthy
    return trace(network.wiring, before.state.closed, before.state.sources)


def _same(one: World, other: World) -> bool:
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one.state, other.state, strict=True))


def _without_ties(network: Network, before: World, healthy: Supply, moves: list[Move]) -> Rows:
    """Return the customers that the same moves would affect if nothing were closed; none where nothing is."""
    if not any(move.action == "close" for move in moves):
        return np.empty(0, dtype=np.int32)
    board = Board.on(network, before)
    for move in moves:
        if move.action in ("open", "fault"):
            board.move(move)
    return _union(lost(network, healthy.alive, supplied(network, board.look().state)))


def _union(parts: Iterable[Rows]) -> Rows:
    return np.unique(np.concatenate([np.empty(0, dtype=np.int32), *parts]))
