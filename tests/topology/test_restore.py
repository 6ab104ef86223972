"""How a fault is isolated and who comes back when: drawn by hand, and what must hold on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.grids import grids
from topology.isolate import conducting_zone
from topology.network import Network, build_network
from topology.restore import Restoration, plan_restoration, plan_transfer, switching_plan
from topology.sketch import tables_from_text
from topology.supply import State, lost, normal_state, operate, supplied

TOWN = """
*s -B1:breaker- a -L1- b -S1:load_break- c -L2- d -S2:load_break- e -L3- f : f1, f2, f3
*r -B2:breaker- h -L9- g /X1/ f
a : a1
b : b1, b2
d : d1
h : h1
"""


def _plan(text: str, fault: str, capacities: dict[str, float] | None = None) -> tuple[Network, Restoration]:
    tables = tables_from_text(text)
    tables.switches["capacity_kw"] = tables.switches["id"].map(capacities or {}).astype(float)
    network = build_network(tables)
    return network, plan_restoration(network, normal_state(network), [fault])


def _names(network: Network, rows: np.ndarray) -> set[str]:
    return set(network.tables.customers["id"].to_numpy()[rows])


def test_a_section_is_isolated_refed_from_its_source_and_then_over_the_tie() -> None:
    network, plan = _plan(TOWN, "L2")
    assert _names(network, plan.out) == {"a1", "b1", "b2", "d1", "f1", "f2", "f3"}
    assert _names(network, plan.refed) == {"a1", "b1", "b2"}
    assert [(_names(network, step.restored), step.load_kw) for step in plan.steps] == [({"f1", "f2", "f3"}, 3.0)]
    assert _names(network, plan.waiting) == {"d1"}
    assert list(switching_plan(network, plan)) == [
        ("trips", ("B1",), 7),
        ("open", ("S1", "S2"), 7),
        ("close", ("B1",), 4),
        ("close", ("X1",), 1),
    ]


@pytest.mark.parametrize(
    ("fault", "isolate", "reclose", "waiting"),
    [
        ("L1", {"B1", "S1"}, set(), {"a1", "b1", "b2"}),  # the breaker itself isolates: it stays open
        ("L3", {"S2"}, {"B1"}, {"f1", "f2", "f3"}),
        ("L9", {"B2"}, set(), {"h1"}),
        ("S2", {"S1"}, {"B1"}, {"d1", "f1", "f2", "f3"}),  # a fault in a switch: nothing is left to part its two sides
    ],
)
def test_the_smallest_section_is_cut_out(fault: str, isolate: set[str], reclose: set[str], waiting: set[str]) -> None:
    network, plan = _plan(TOWN, fault)
    assert set(network.device_ids[plan.isolate]) == isolate
    assert set(network.device_ids[plan.reclose]) == reclose
    assert _names(network, plan.waiting) == waiting


def test_the_tie_that_brings_back_most_comes_first() -> None:
    text = TOWN + "e -S3:load_break- k : k1\n*q -B3:breaker- m /X2/ k\nf -S4:load_break- f9 : f9\n"
    network, plan = _plan(text, "L3")
    assert [set(network.device_ids[step.ties]) for step in plan.steps] == [{"X2"}]
    assert _names(network, plan.steps[0].restored) == {"k1"}


def test_a_tie_takes_over_no_more_than_it_can_carry() -> None:
    for capacity, brought in ((2.9, set()), (3.0, {"f1", "f2", "f3"})):
        network, plan = _plan(TOWN, "L2", {"X1": capacity})
        assert set().union(*(_names(network, step.restored) for step in plan.steps)) == brought


def test_load_taken_on_through_a_tie_counts_for_the_ties_before_it() -> None:
    text = """
    *s -B1:breaker- a -L1- b -S1:load_break- c : c1, c2
    c /X2/ d
    b -S2:load_break- d : d1
    *r -B2:breaker- e /X1/ c
    """
    network, plan = _plan(text, "L1", {"X1": 2.5})
    assert [_names(network, step.restored) for step in plan.steps] == [{"c1", "c2"}]
    network, plan = _plan(text, "L1", {"X1": 3.0})
    assert [_names(network, step.restored) for step in plan.steps] == [{"c1", "c2"}, {"d1"}]


def test_open_switches_that_follow_each_other_are_closed_together() -> None:
    network, plan = _plan(TOWN.replace("g /X1/ f", "g /X1/ z /X3/ f"), "L2")
    assert [network.device_ids[step.ties].tolist() for step in plan.steps] == [["X1", "X3"]]


def test_a_planned_outage_is_made_small_by_ties_before_it_is_announced() -> None:
    network = build_network(tables_from_text(TOWN))
    normal = normal_state(network)
    steps = plan_transfer(network, normal, operate(network, normal, open=[("L1", "")]))
    assert [network.device_ids[step.ties].tolist() for step in steps] == [["X1"]]
    assert _names(network, steps[0].restored) == {"b1", "b2", "d1", "f1", "f2", "f3"}
    assert plan_transfer(network, normal, operate(network, normal, open=[("L9", "")])) == ()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_step_livens_the_fault_or_takes_supply_and_nobody_is_counted_twice(data: st.DataObject) -> None:
    network = build_network(data.draw(grids(transformers=False)))
    if not len(network.device_ids):
        return
    fault = data.draw(st.sampled_from(network.device_ids.tolist()))
    normal = normal_state(network)
    plan = plan_restoration(network, normal, [fault])
    parts = [plan.refed, *(step.restored for step in plan.steps), plan.waiting]
    assert np.sort(np.concatenate(parts)).tolist() == plan.out.tolist()
    closed = network.normal.copy()
    closed[plan.isolate] = 0
    dead_ends = [network.wiring.from_node[network.device(fault)], network.wiring.to_node[network.device(fault)]]
    sources = network.sources.copy()
    sources[dead_ends] = 0
    for step in plan.steps:
        closed[step.ties] = network.wiring.phases[step.ties]
        alive = supplied(network, State(closed, np.where(_section_of(network, closed, dead_ends), 0, sources).astype(np.uint8)))
        assert not alive[dead_ends].any()
        out, partial = lost(network, network.healthy.alive, alive)
        assert not set(step.restored.tolist()) & {*out.tolist(), *partial.tolist()}


def _section_of(network: Network, closed: np.ndarray, nodes: list[int]) -> np.ndarray:
    """Nodes that hang together with ``nodes``: the section, whose sources are switched off from above."""
    stop = np.zeros(len(network.device_ids), bool)
    ids = [network.node_ids[node] for node in nodes]
    return conducting_zone(network, State(closed, network.sources), ids, stop=stop)
