"""Goal 6: a storm. Thousands of devices open, then close again in another order; the index is kept up all the while."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.building import check_against_fresh, components
from benchmarks.measure import Result, once
from benchmarks.town import SEED, Say, Town
from topology.index import SliceIndex

FAULTS = 5000
CHUNKS = 20
CHECKED_EVERY = 2

Event = tuple[int, int]
"""A device and its closed phases from then on."""


def measure_storm(town: Town, say: Say) -> Iterator[Result]:
    """Yield the result: chunks of events in turn with one search of everything, in the state that they left."""
    say(f"{town.size} customers: storm")
    index = SliceIndex(town.network)
    ours, theirs = [], []
    for number, events in enumerate(_chunks(town)):
        ours.append(once(partial(_operate, index, events)) / len(events))
        theirs.append(once(partial(components, town, index.state.closed)))
        if number % CHECKED_EVERY == CHECKED_EVERY - 1:
            check_against_fresh(town, index)
    assert np.array_equal(index.state.closed, town.network.normal)
    peer, size = "connected_components from scratch", f"{town.size}; {2 * _faults(town):,} events"
    mean, median = statistics.mean(ours), statistics.median(theirs)
    yield Result(6, "one event of a storm", peer, size, mean, median, town.goal(1000), is_faster=True)


def _operate(index: SliceIndex, events: list[Event]) -> None:
    for device, mask in events:
        index.operate(device, mask)


def _faults(town: Town) -> int:
    return min(FAULTS, len(town.network.device_ids))


def _chunks(town: Town) -> list[list[Event]]:
    """Devices drawn at random open one after the other, and close in another random order."""
    rng, normal = np.random.default_rng(SEED), town.network.normal
    opened = rng.choice(len(normal), size=_faults(town), replace=False)
    closed = rng.permutation(opened)
    events = [*((device, 0) for device in opened.tolist()), *((device, int(normal[device])) for device in closed.tolist())]
    edges = np.linspace(0, len(events), CHUNKS + 1).astype(int).tolist()
    return [events[start:stop] for start, stop in pairwise(edges)]
