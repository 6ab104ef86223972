"""Timing two things in turn, and saying what came of it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROUNDS = 7


@dataclass(frozen=True)
class Result:
    """One goal: what was measured against what, and whether it was reached.

    ``ratio`` is ours / theirs where ``at_most`` is given, and theirs / ours (how many times faster) where ``at_least`` is.
    """

    goal: int
    what: str
    peer: str
    size: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None
    seconds: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= self.at_most if self.at_most is not None else self.ratio >= (self.at_least or 0)

    def row(self) -> str:
        """Return the result as a row of a Markdown table."""
        bound = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        took = "" if self.seconds is None else _shown(self.seconds)
        verdict = "reached" if self.reached else "**not reached**"
        return f"| {self.goal} | {self.what} | {self.peer} | {self.size} | {took} | {self.ratio:.3g} | {bound} | {verdict} |"


def compare(ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the median seconds of both, timed in turn: A, B, A, B, …"""
    mine, other = [], []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            mine.append(_once(ours))
            other.append(_once(theirs))
    finally:
        gc.enable()
    return statistics.median(mine), statistics.median(other)


def _once(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _shown(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
