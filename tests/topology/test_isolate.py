"""Which devices clear a fault: cases drawn by hand, and what must hold on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.grids import grids
from topology.isolate import clear
from topology.network import UnknownIdError, build_network
from topology.sketch import tables_from_text
from topology.supply import normal_state, operate, supplied

TOWN = """
*s -B1:breaker- a -L1- b -R1:recloser- c -L2- d
b -F1:fuse- e -L3- f =T1:delta_wye= g -L4- h : home
*r -B2:breaker- k -L5- m
d /X1/ m
"""


@pytest.mark.parametrize(
    ("fault", "clears", "dead"),
    [
        ("L1", {"B1"}, "abcdefgh"),
        ("L2", {"R1"}, "cd"),
        ("L3", {"F1"}, "efgh"),
        ("L4", {"F1"}, "efgh"),  # nothing at low voltage clears it: the fuse before the transformer does
        ("T1", {"F1"}, "efgh"),
        ("g", {"F1"}, "efgh"),
        ("R1", {"B1"}, "abcdefgh"),  # a fault in the recloser itself
        ("X1", {"R1", "B2"}, "cdkm"),  # a fault in an open switch reaches both sides
        ("L5", {"B2"}, "km"),
    ],
)
def test_the_nearest_protective_device_upstream_clears_a_fault(fault: str, clears: set[str], dead: str) -> None:
    network = build_network(tables_from_text(TOWN))
    clearing = clear(network, normal_state(network), [fault])
    alive = supplied(network, clearing.state)
    assert set(network.device_ids[clearing.devices]) == clears
    assert {node for node, mask in zip(network.node_ids, alive, strict=True) if not mask} == set(dead)


def test_in_a_closed_ring_both_ends_clear() -> None:
    network = build_network(tables_from_text("*s -B1:breaker- a -L1- b -L2- c\ns -B2:breaker- c"))
    clearing = clear(network, normal_state(network), ["L1"])
    assert set(network.device_ids[clearing.devices]) == {"B1", "B2"}


def test_a_fault_that_nothing_parts_from_the_source_takes_the_source() -> None:
    network = build_network(tables_from_text("*s -L1- a -B1:breaker- b"))
    clearing = clear(network, normal_state(network), ["L1"])
    assert network.node_ids[clearing.dead_sources].tolist() == ["s"]
    assert not supplied(network, clearing.state).any()


def test_an_isolated_section_trips_nothing_and_a_tie_closed_onto_a_fault_trips_its_feeder() -> None:
    network = build_network(tables_from_text(TOWN))
    normal = normal_state(network)
    isolated = operate(network, normal, open=[("R1", "")])
    assert len(clear(network, isolated, ["L2"]).devices) == 0
    tied = operate(network, isolated, close=[("X1", "")])
    assert set(network.device_ids[clear(network, tied, ["L2"]).devices]) == {"B2"}


def test_an_id_that_is_nowhere_is_refused() -> None:
    network = build_network(tables_from_text(TOWN))
    with pytest.raises(UnknownIdError, match="'L9'"):
        clear(network, normal_state(network), ["L9"])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_cleared_fault_is_dead_and_only_protective_devices_opened(data: st.DataObject) -> None:
    network = build_network(data.draw(grids()))
    if not len(network.device_ids):
        return
    device = data.draw(st.integers(0, len(network.device_ids) - 1))
    clearing = clear(network, normal_state(network), [network.device_ids[device]])
    alive = supplied(network, clearing.state)
    assert not alive[network.wiring.from_node[device]]
    assert not alive[network.wiring.to_node[device]]
    assert network.protective[clearing.devices].all()
    changed = np.flatnonzero(clearing.state.closed != network.normal)
    assert set(changed.tolist()) <= set(clearing.devices.tolist())
