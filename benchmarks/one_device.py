"""Goal 1: one device opens, who is out? Against a copy of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.measure import Result, compare
from benchmarks.town import Say, Town
from topology.supply import lost, normal_state, supplied

TRACED = 20


def measure_one_device(town: Town, say: Say) -> Iterator[Result]:
    """Yield the results of goal 1."""
    say(f"{town.size} customers: one device")
    _check_by_tracing(town)
    yield from _against_a_copy(town)


def _check_by_tracing(town: Town) -> None:
    """See that the index says what a trace of the whole grid says."""
    network = town.network
    for device in town.devices[:TRACED]:
        state = normal_state(network)
        closed = state.closed.copy()
        closed[device] = 0
        out, _ = lost(network, network.healthy.alive, supplied(network, state._replace(closed=closed)))
        assert np.array_equal(np.sort(town.index.customers(device)), out)


def _against_a_copy(town: Town) -> Iterator[Result]:
    index, devices = town.index, town.devices
    answers = [index.customers(device) for device in devices]
    flat = np.concatenate(answers)
    stops = np.cumsum([len(answer) for answer in answers]).tolist()
    slices = list(zip([0, *stops[:-1]], stops, strict=True))
    assert all(np.array_equal(flat[start:stop], answer) for (start, stop), answer in zip(slices, answers, strict=True))
    assert [index.count(device) for device in devices] == [stop - start for start, stop in slices]

    def copy() -> None:
        for start, stop in slices:
            flat[start:stop].copy()

    def count() -> None:
        for device in devices:
            index.count(device)

    def list_and_copy() -> None:
        for device in devices:
            index.customers(device).copy()

    size = f"{town.size}; {len(flat) / len(devices):.0f} customers a device"
    result = partial(Result, 1, peer="numpy slice copy of the answer", size=size)
    for what, ours, bound in (
        ("list of customers out", partial(list_customers, town, devices), town.goal(1.2)),
        ("count of customers out", count, town.goal(0.5)),
        ("list of customers out, and a copy of it", list_and_copy, None),
    ):
        mine, theirs = compare(ours, copy)
        yield result(what=what, ours=mine / len(devices), theirs=theirs / len(devices), bound=bound)


def list_customers(town: Town, devices: list[int]) -> None:
    """Ask for the customers of each device."""
    customers = town.index.customers
    for device in devices:
        customers(device)
