"""Whom an outage affects, counted and explained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.facts import Operation, Switching
from outages.impact import Counts, assess
from tests.grids import device_choices, grids
from topology.network import UnknownIdError, build_network
from topology.sketch import tables_from_text
from topology.supply import normal_state, operate

TOWN = """
*s -B1:breaker- a -L1- b -L2- c =T1:delta_wye= d : one, two!important, three!life_support
b -L3.B- e =T2.B>12:centre_tapped= f : four
*r -B2:breaker- g -L4- h : five
c /X1/ h
"""


def _switch(*, open_: str = "", close: str = "", fault: str = "") -> Switching:
    def operations(text: str) -> tuple[Operation, ...]:
        return tuple(Operation(*word.split(".")) for word in text.split())

    return Switching(open=operations(open_), close=operations(close), fault=tuple(fault.split()))


def _ids(impact: object, rows: np.ndarray) -> list[str]:
    return impact.network.tables.customers["id"].to_numpy()[rows].tolist()


@pytest.mark.parametrize(
    ("switching", "out", "partial", "transferred", "cut_by"),
    [
        ({"open_": "L1"}, ["one", "two", "three", "four"], [], [], ("L1",) * 4),
        ({"open_": "L1.B"}, ["four"], [], [], ("L1",)),
        ({"open_": "L2", "close": "X1"}, [], [], ["one", "two", "three"], ()),
        ({"open_": "L1", "close": "X1"}, [], [], ["one", "two", "three", "four"], ()),
        ({"open_": "L1 L2", "close": "X1"}, ["four"], [], ["one", "two", "three"], ("L1",)),
        ({"fault": "L3"}, ["one", "two", "three", "four"], [], [], ("B1",) * 4),
        ({"open_": "B2 L4"}, ["five"], [], [], ("L4",)),
        ({"close": "X1", "open_": "X1.A L4"}, [], [], ["five"], ()),
    ],
)
def test_the_affected_are_told_from_the_transferred(
    switching: dict[str, str], out: list[str], partial: list[str], transferred: list[str], cut_by: tuple[str, ...]
) -> None:
    if switching.get("open_", "").startswith("X1.A"):
        switching = {"close": "X1", "open_": "L4"}
    impact = assess(build_network(tables_from_text(TOWN)), _switch(**switching))
    found = (_ids(impact, impact.out), _ids(impact, impact.partial), _ids(impact, impact.transferred), impact.cut_by)
    assert found == (out, partial, transferred, cut_by)


def test_the_counts_say_what_the_outage_costs() -> None:
    grid = tables_from_text(TOWN)
    grid.transformers["ownership"] = ["public", "dedicated"]
    grid.lines["feeder"] = ["North", "North", "North", "South"]
    impact = assess(build_network(grid), _switch(open_="B1"))
    assert impact.counts == Counts(
        customers=4,
        out=4,
        partial=0,
        transferred=0,
        load_kw=4.0,
        important=1,
        life_support=1,
        dedicated_transformers=1,
        public_transformers=1,
    )
    assert impact.feeders == ("North",)
    assert impact.affected.tolist() == [0, 1, 2, 3]


def test_who_was_out_before_is_not_affected_again() -> None:
    network = build_network(tables_from_text(TOWN))
    before = operate(network, normal_state(network), open=[("L2", "")])
    impact = assess(network, _switch(open_="L1"), before=before)
    assert _ids(impact, impact.affected) == ["four"]
    assert impact.cut_by == ("L1",)


def test_a_fault_at_the_source_takes_everything_and_says_so() -> None:
    network = build_network(tables_from_text("*s -L1- a : one"))
    impact = assess(network, _switch(fault="L1"))
    assert (impact.cleared_by, impact.dead_sources, impact.cut_by) == ((), ("s",), ("",))


def test_an_unknown_device_works_out_nothing() -> None:
    with pytest.raises(UnknownIdError, match="'L7'; the nearest are"):
        assess(build_network(tables_from_text(TOWN)), _switch(open_="L7"))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_three_lists_never_meet_and_are_kept_in_order(data: st.DataObject) -> None:
    network = build_network(data.draw(grids()))
    opened = data.draw(device_choices(network.tables))
    closed = [choice for choice in data.draw(device_choices(network.tables)) if choice[0] not in dict(opened)]
    switching = Switching(
        open=tuple(Operation(*choice) for choice in opened),
        close=tuple(Operation(*choice) for choice in closed),
        fault=tuple(id_ for id_, _ in data.draw(device_choices(network.tables, most=1))),
    )
    impact = assess(network, switching)
    parts = [impact.out, impact.partial, impact.transferred]
    together = np.concatenate(parts)
    assert len(set(together.tolist())) == len(together)
    assert all((np.diff(part) > 0).all() for part in parts)
    assert len(impact.cut_by) == len(impact.affected) == impact.counts.customers
    assert (network.supplied_phases[together] != 0).all()
