"""Compact, balanced groups of points by recursive bisection, all groups at once; what the synthetic places are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Cut = Callable[[Ints], tuple[Flags, Floats]]
"""From the groups so far: whether each group is to be cut, and the coordinate of each point along which it would be."""


def bisect(group: Ints, weight: Floats, cut: Cut, *, slack: float) -> Ints:
    """Cut groups in two again and again, until ``cut`` wants no more, or only single points are left of a group.

    A group is cut at its widest gap among the cuts that leave between ``0.5 - slack`` and ``0.5 + slack`` of the weight on
    one side, or at the cut next to the half where there is none.

    Parameters
    ----------
    group
        Group of each point, from 0.

    Returns
    -------
    Group of each point, numbered from 0 without gaps in an order that keeps the pieces of one group together.
    """
    while True:
        group = compact(group)
        wanted, value = cut(group)
        wanted = wanted & (np.bincount(group) > 1)
        if not wanted.any():
            return group
        points = np.flatnonzero(wanted[group])
        upper = _upper_halves(compact(group[points]), weight[points], value[points], slack)
        group = group * 2
        group[points] += upper


def _upper_halves(group: Ints, weight: Floats, value: Floats, slack: float) -> Flags:
    """Which points lie behind the cut of their group; groups number from 0 and have two points or more."""
    order = np.lexsort((value, group))
    group, weight, value = group[order], weight[order], value[order]
    total = np.bincount(group, weight)
    starts = np.searchsorted(group, np.arange(len(total)))
    running = np.cumsum(weight)
    share = (running - (running[starts] - weight[starts])[group]) / total[group]
    last = np.append(group[1:] != group[:-1], True)
    gap = np.where(np.abs(share - 0.5) <= slack, np.append(np.diff(value), 0.0), -1.0)
    # The best cut of each group comes last of it; behind its last point there is none.
    best = np.lexsort((-np.abs(share - 0.5), gap, ~last, group))
    cut = best[np.append(starts[1:], len(group)) - 1]
    upper = np.empty(len(group), dtype=np.bool_)
    upper[order] = np.arange(len(group)) > cut[group]
    return upper


def compact(group: Ints) -> Ints:
    """Number groups from 0 without gaps, in the same order."""
    present = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    present[group] = 1
    numbers: Ints = (np.cumsum(present) - 1)[group]
    return numbers


def rank_within(group: NDArray[Any], *keys: NDArray[Any]) -> Ints:
    """Rank of each entry in its group, from 0, in the order of ``keys`` (first key first), then of appearance.

    >>> rank_within(np.array([7, 5, 7, 7]), np.array([3, 1, 1, 2]))
    array([2, 0, 0, 1])
    """
    order = np.lexsort((*keys[::-1], group))
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(group)])
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return rank


def means(group: Ints, values: Floats, weight: Floats) -> Floats:
    """Weighted mean of each group 0 … n-1."""
    mean: Floats = np.bincount(group, values * weight) / np.bincount(group, weight)
    return mean


def spreads(group: Ints, values: Floats, weight: Floats) -> Floats:
    """Weighted variance of each group 0 … n-1."""
    return means(group, (values - means(group, values, weight)[group]) ** 2, weight)
