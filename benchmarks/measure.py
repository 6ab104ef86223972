"""Timing two things in turn, and saying what came of it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROUNDS = 7
LONG_ROUNDS = 3
"""For rounds of seconds."""

_SCALES = {"s": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)), "B": (("B", 1.0),)}


@dataclass(frozen=True)
class Result:
    """What was measured against what.

    Attributes
    ----------
    goal
        Number of the goal that it belongs to.
    what, peer
        Ours and theirs, in words.
    size
        What it was measured on.
    ours, theirs
        In ``unit``: seconds ("s"), or bytes a customer ("B"), for which there is no peer and theirs is 1.
    bound
        The goal: ``ratio`` is to be at most that, or at least that where it says how many times faster we are; None for a
        comparison without a goal.
    is_faster
        Whether ``ratio`` says how many times faster we are; or else how many times what theirs takes ours takes.
    """

    goal: int
    what: str
    peer: str
    size: str
    ours: float
    theirs: float
    bound: float | None = None
    is_faster: bool = False
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Theirs / ours where it says how many times faster we are, ours / theirs otherwise."""
        return self.theirs / self.ours if self.is_faster else self.ours / self.theirs

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in words; "" where there is none."""
        if self.bound is None:
            return ""
        reached = self.ratio >= self.bound if self.is_faster else self.ratio <= self.bound
        return "reached" if reached else "**not reached**"

    def cells(self) -> tuple[str, ...]:
        """Return the result as the cells of a row."""
        bound = "" if self.bound is None else f"{'≥' if self.is_faster else '≤'} {self.bound:,g}"
        amounts = shown(self.ours, self.unit), shown(self.theirs) if self.unit == "s" else ""
        return str(self.goal), self.what, self.peer, self.size, *amounts, _rounded(self.ratio), bound, self.verdict


def compare(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.thread_time,
) -> tuple[float, float]:
    """Return the median seconds of both, timed in turn: A, B, A, B, …

    The clock is the processor time of this thread: on a shared machine, waiting for one's turn says nothing. Give
    `time.perf_counter` where other threads or devices work too.
    """
    mine, other = [], []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            mine.append(once(ours, clock=clock))
            other.append(once(theirs, clock=clock))
    finally:
        gc.enable()
    return statistics.median(mine), statistics.median(other)


def once(run: Callable[[], Any], *, clock: Callable[[], float] = time.thread_time) -> float:
    """Return the seconds that ``run`` takes."""
    started = clock()
    run()
    return clock() - started


def shown(amount: float, unit: str = "s") -> str:
    """Return an amount with three digits and a unit of fitting size.

    >>> shown(0.0000123), shown(12.25, "B")
    ('12.3 µs', '12.2 B')
    """
    name, scale = next((step for step in _SCALES[unit] if amount >= step[1]), _SCALES[unit][-1])
    return f"{_rounded(amount / scale)} {name}"


def _rounded(number: float) -> str:
    """Return a number with three significant digits and no exponent."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
