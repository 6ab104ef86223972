"""The index answers what the zone search and a fresh trace of the whole grid answer, whatever is operated in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.grids import device_choices, grids
from topology.customers import Cost
from topology.index import SliceIndex
from topology.network import Network, build_network
from topology.sketch import tables_from_text
from topology.supply import State, lost, normal_state, operate, supplied
from topology.walk import NOTHING, SEARCH

TOWN = """
*s -B1:breaker- a -L1- b -L2- c : one, two!important
b -L3.B- d : three!life_support
a -L4- e -L5- b
e : four
*r -B2:breaker- f : five
c /X1/ f
x -L9- y : nobody
"""


def _index(text: str) -> SliceIndex:
    return SliceIndex(build_network(tables_from_text(text)))


def _ids(network: Network, rows: np.ndarray) -> list[str]:
    return sorted(network.tables.customers["id"].to_numpy()[rows])


@pytest.mark.parametrize(
    ("device", "out"),
    [
        ("B1", ["four", "one", "three", "two"]),
        ("L1", []),  # in a whole loop
        ("L2", ["one", "two"]),
        ("L3", ["three"]),
        ("B2", ["five"]),
        ("X1", []),
        ("L9", []),
    ],
)
def test_a_device_costs_what_hangs_behind_it(device: str, out: list[str]) -> None:
    index = _index(TOWN)
    number = index.network.device(device)
    assert _ids(index.network, index.customers(number)) == out
    assert index.count(number) == len(out)


def test_the_cost_adds_up_load_and_priorities() -> None:
    index = _index(TOWN)
    assert index.cost(index.network.device("B1")) == Cost(4, 4.0, 1, 1)
    assert index.cost(index.network.device("L1")) == Cost(0, 0.0, 0, 0)


def test_a_loop_of_mixed_phases_is_searched() -> None:
    index = _index("*s -B1- a -L1- b : one\na -L2.A- b")
    network = index.network
    assert index.behind(network.device("L1")) == SEARCH
    assert index.count(network.device("L1")) == 0  # A still comes through L2
    assert _ids(network, index.search([(network.device("L1"), 0)])[1]) == ["one"]


def test_a_closed_tie_joins_two_zones_and_opening_it_parts_them() -> None:
    index = _index(TOWN)
    network = index.network
    tie, whole = network.device("X1"), 7
    assert len(index.zones) == 2
    index.operate(tie, whole)
    assert len(index.zones) == 1
    assert index.behind(network.device("B1")) == NOTHING
    index.operate(tie, 0)
    assert len(index.zones) == 2
    assert index.count(network.device("B1")) == 4


def test_only_the_zones_at_a_switch_are_written_anew() -> None:
    index = _index(TOWN)
    index.operate(index.network.device("L2"), 0)
    assert sorted(zone.version for zone in index.zones) == [0, 1]


def _phase_masks(network: Network, choices: list[tuple[str, str]], *, close: bool) -> list[tuple[int, int]]:
    start = normal_state(network)
    after = operate(network, start, close=choices) if close else operate(network, start, open=choices)
    return [(network.device(id_), int(after.closed[network.device(id_)])) for id_, _ in choices]


@settings(max_examples=120, deadline=None)
@given(grids())
def test_every_device_costs_what_a_trace_of_the_whole_grid_says(grid) -> None:
    network = build_network(grid)
    index = SliceIndex(network)
    for device, id_ in enumerate(network.device_ids):
        alive = supplied(network, operate(network, normal_state(network), open=[(id_, "")]))
        out, _ = lost(network, network.healthy.alive, alive)
        assert sorted(index.customers(device).tolist()) == out.tolist()
        assert index.count(device) == len(out)
        cost = index.cost(device)
        customers = grid.customers.iloc[out]
        assert cost == Cost(
            len(out),
            customers["load_kw"].sum(),
            (customers["priority"] == "important").sum(),
            (customers["priority"] == "life_support").sum(),
        )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_search_says_what_a_trace_of_the_whole_grid_says(data: st.DataObject) -> None:
    grid = data.draw(grids())
    network = build_network(grid)
    choices, close = data.draw(device_choices(grid)), data.draw(st.booleans())
    state = operate(network, normal_state(network), **{"close" if close else "open": choices})
    out, partial = lost(network, network.healthy.alive, supplied(network, state))
    found = SliceIndex(network).search(_phase_masks(network, choices, close=close))
    assert [rows.tolist() for rows in found] == [out.tolist(), partial.tolist()]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_after_any_row_of_operations_the_index_is_the_one_built_from_scratch(data: st.DataObject) -> None:
    grid = data.draw(grids())
    network = build_network(grid)
    if not len(network.device_ids):
        return
    index = SliceIndex(network)
    state = State(network.normal.copy(), network.sources)
    for _ in range(data.draw(st.integers(1, 8))):
        device = data.draw(st.integers(0, len(network.device_ids) - 1))
        mask = int(network.wiring.phases[device]) & data.draw(st.sampled_from([0, 0, 31, 31, 1, 2, 6]))
        state.closed[device] = mask
        index.operate(device, mask)
        fresh = SliceIndex(network, state)
        assert index.alive.tolist() == fresh.alive.tolist() == supplied(network, state).tolist()
        assert len(index.zones) == len(fresh.zones)
        for other in range(len(network.device_ids)):
            assert sorted(index.customers(other)) == sorted(fresh.customers(other))
            assert index.cost(other) == fresh.cost(other)
