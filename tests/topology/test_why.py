"""The device that cut a customer, and warnings about the supply in the normal state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from tests.grids import device_choices, grids
from topology.network import build_network
from topology.sketch import tables_from_text
from topology.supply import normal_state, operate, supplied
from topology.why import Loss, find_path


def _cutters(text: str, opened: list[tuple[str, str]]) -> dict[str, str]:
    network = build_network(tables_from_text(text))
    state = operate(network, normal_state(network), open=opened)
    alive = supplied(network, state)
    loss = Loss(network, network.healthy, state, alive)
    dead = [node for node in range(len(alive)) if network.healthy.alive[node] & ~alive[node]]
    return {network.node_ids[node]: network.device_ids[loss.cutter(node)] for node in dead}


CHAIN = "*s -B1:breaker- a -L1- b -L2- c =T1:delta_wye= d"


@pytest.mark.parametrize(
    ("opened", "cut"),
    [
        ([("L2", "")], {"c": "L2", "d": "L2"}),
        ([("L1", "B")], {"b": "L1", "c": "L1"}),  # the delta keeps d alive
        ([("L1", ""), ("L2", "")], {"b": "L1", "c": "L2", "d": "L2"}),
        ([("L1", "A"), ("L2", "B")], {"b": "L1", "c": "L1", "d": "L1"}),
        ([("T1", "")], {"d": "T1"}),
    ],
)
def test_the_open_device_on_the_former_path_is_named(opened: list[tuple[str, str]], cut: dict[str, str]) -> None:
    assert _cutters(CHAIN, opened) == cut


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whoever_lost_a_phase_was_cut_by_a_device_that_was_opened(data: st.DataObject) -> None:
    grid = data.draw(grids())
    opened = data.draw(device_choices(grid))
    network = build_network(grid)
    state = operate(network, normal_state(network), open=opened)
    alive = supplied(network, state)
    loss = Loss(network, network.healthy, state, alive)
    for node in range(len(alive)):
        if network.healthy.alive[node] & ~alive[node]:
            cutter = loss.cutter(node)
            transformer = cutter in network.wiring.one_way  # one that lost too many phases cuts without being opened
            assert transformer or network.device_ids[cutter] in {id_ for id_, _ in opened}
        else:
            with pytest.raises(ValueError, match="lost no phase"):
                loss.cutter(node)


@pytest.mark.parametrize(
    ("node", "path"),
    [("s", []), ("b", ["B1", "L1"]), ("d", ["B1", "L1", "L2", "T1"]), ("lonely", [])],
)
def test_the_path_leads_from_the_source_to_the_node(node: str, path: list[str]) -> None:
    network = build_network(tables_from_text(CHAIN + "\nlonely -L9- x"))
    assert network.device_ids[find_path(network, network.healthy, network.node(node))].tolist() == path


@settings(max_examples=100, deadline=None)
@given(grids())
def test_every_path_is_a_chain_of_closed_devices_from_a_source(grid: GridTables) -> None:
    network = build_network(grid)
    for node in np.flatnonzero(network.healthy.alive).tolist():
        here = node
        for device in reversed(find_path(network, network.healthy, node)):
            assert network.normal[device]
            ends = (int(network.wiring.from_node[device]), int(network.wiring.to_node[device]))
            assert here in ends
            here = ends[1] if ends[0] == here else ends[0]
        assert network.sources[here]
