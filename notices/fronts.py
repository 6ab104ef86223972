"""Ways to say a thing, weighed by length and by whom they name wrongly: only those that no other way beats are kept.

::

    over-named
        │ •                     • the front: shorter ways name more people wrongly
        │    •    x             x beaten: longer than another way that is no worse
        │         •
        └───────────────▶ length

Ways to say two things are joined by adding both numbers, so the front of a whole text is worked out from those of its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Front:
    """Ways to say one thing, shortest first; none at all where it cannot be said.

    ``plans`` hold what each way says: nested pairs of whatever was given to `Budget.way`, read by `said`.
    """

    length: Numbers
    over: Numbers
    plans: Sequence[Any]

    def __bool__(self) -> bool:
        return len(self.plans) > 0


def _front(ways: Sequence[tuple[int, int, Any]]) -> Front:
    lengths, overs = ([way[at] for way in ways] for at in (0, 1))
    return Front(np.array(lengths, dtype=np.int64), np.array(overs, dtype=np.int64), [plan for _, _, plan in ways])


NO_WAY = _front([])
SILENCE = _front([(0, 0, ())])
"""The one way to say nothing."""


@dataclass(frozen=True)
class Budget:
    """Which ways are worth keeping.

    ``fit``: those within ``limit`` that no other one beats. ``true``: the one that names fewest wrongly, the shortest of such.
    ``short``: the shortest one, the truest of such.
    """

    goal: Literal["fit", "true", "short"]
    limit: int = 0

    def way(self, length: int, over: int = 0, plan: Any = ()) -> Front:
        """Return one way to say a thing."""
        return _front([(length, over, plan)])

    def join(self, *things: Front) -> Front:
        """Return the ways to say all of ``things``."""
        joined = SILENCE
        for thing in things:
            joined = self.pick([(joined, thing)])
        return joined

    def pick(self, choices: Sequence[tuple[Front, Front]]) -> Front:
        """Return the ways to say both things of any one of ``choices``; of equal ways the first."""
        length = np.concatenate([NO_WAY.length, *(np.add.outer(a.length, b.length).ravel() for a, b in choices)])
        over = np.concatenate([NO_WAY.over, *(np.add.outer(a.over, b.over).ravel() for a, b in choices)])
        kept = self._kept(length, over)
        ends = np.cumsum([len(a.plans) * len(b.plans) for a, b in choices])
        plans = []
        for way, choice in zip(kept.tolist(), np.searchsorted(ends, kept, side="right").tolist(), strict=True):
            a, b = choices[choice]
            at, to = divmod(way - (int(ends[choice - 1]) if choice else 0), len(b.plans))
            plans.append((a.plans[at], b.plans[to]))
        return Front(length[kept], over[kept], plans)

    def _kept(self, length: Numbers, over: Numbers) -> NDArray[np.intp]:
        if self.goal == "true":
            return np.lexsort((length, over))[:1]
        order = np.lexsort((over, length))
        if self.goal == "short":
            return order[:1]
        order = order[length[order] <= self.limit]
        best = np.minimum.accumulate(over[order])
        return order[np.flatnonzero(np.diff(best, prepend=best[:1] + 1))]


def said(plan: Any) -> Iterator[Any]:
    """Yield what a plan says, in order."""
    waiting = [plan]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting.extend(reversed(each))
        else:
            yield each
