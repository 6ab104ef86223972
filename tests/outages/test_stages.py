"""Timed operations, and from when until when each customer is out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.facts import Timed
from outages.stages import StageError, work_out
from tests.grids import grids
from topology.isolate import clear
from topology.network import UnknownIdError, build_network
from topology.sketch import tables_from_text
from topology.supply import State, UnknownPhaseError, lost, normal_state, operate, supplied
from topology.transfer import letters_of

DAY = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)

TOWN = """
*s -B1:breaker- a -L1- b -S1:load_break- c -L2- d -S2:load_break- e -L3- f
*r -B2:breaker- h -L9- g /X1/ f
a : a1
d : d1
f : f1, f2
h : h1
"""


def _at(minutes: int, action: str, device: str, phases: str = "") -> Timed:
    return Timed(DAY + timedelta(minutes=minutes), action, device, phases)


def _minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - DAY).total_seconds() / 60


def _work(*operations: Timed, before: State | None = None, text: str = TOWN):
    network = build_network(tables_from_text(text))
    stages = work_out(network, operations, before=before)
    intervals = [(one.customer, one.state, _minutes(one.off), _minutes(one.on)) for one in stages.intervals]
    return network, stages, intervals


def test_a_fault_is_isolated_and_customers_come_back_in_stages() -> None:
    _, stages, intervals = _work(
        _at(0, "fault", "L2"),
        _at(20, "open", "S1"),
        _at(20, "open", "S2"),
        _at(25, "close", "B1"),
        _at(40, "close", "X1"),
        _at(180, "repaired", "L2"),
        _at(180, "close", "S1"),
    )
    assert intervals == [("a1", "out", 0, 25), ("d1", "out", 0, 180), ("f1", "out", 0, 40), ("f2", "out", 0, 40)]
    assert [(count.out, count.partial, count.tripped) for count in stages.counts] == [
        (4, 0, ("B1",)),
        (4, 0, ()),
        (3, 0, ()),
        (1, 0, ()),
        (0, 0, ()),
    ]


def test_closing_onto_a_fault_trips_again() -> None:
    _, stages, intervals = _work(_at(0, "fault", "L2"), _at(10, "close", "B1"), _at(20, "close", "X1"))
    assert [count.tripped for count in stages.counts] == [("B1",), ("B1",), ("B2",)]
    assert ("h1", "out", 20, None) in intervals


def test_a_load_transfer_without_a_break_only_transfers() -> None:
    network, stages, intervals = _work(_at(0, "close", "X1"), _at(5, "open", "S2"))
    assert intervals == []
    assert network.tables.customers["id"].to_numpy()[stages.transferred].tolist() == ["f1", "f2"]


def test_a_load_transfer_with_a_short_break_shows_the_break() -> None:
    _, stages, intervals = _work(_at(0, "open", "S2"), _at(5, "close", "X1"))
    assert intervals == [("f1", "out", 0, 5), ("f2", "out", 0, 5)]
    assert len(stages.transferred) == 0


def test_one_phase_after_the_other_is_partial_then_out_then_partial() -> None:
    _, _, intervals = _work(
        _at(0, "open", "L9", "A"),
        _at(10, "open", "L9", "BC"),
        _at(20, "close", "L9", "C"),
        _at(30, "close", "L9"),
        text="*r -B2:breaker- h -L9- g : g1",
    )
    assert intervals == [("g1", "partial", 0, 10), ("g1", "out", 10, 20), ("g1", "partial", 20, 30)]


def test_operations_at_one_time_count_together() -> None:
    _, stages, intervals = _work(_at(0, "open", "S2"), _at(0, "close", "X1"))
    assert intervals == []
    assert len(stages.counts) == 1


def test_who_is_off_already_is_not_affected() -> None:
    network = build_network(tables_from_text(TOWN))
    before = operate(network, normal_state(network), open=[("S2", "")])
    _, _, intervals = _work(_at(0, "open", "S1"), before=before)
    assert intervals == [("d1", "out", 0, None)]


@pytest.mark.parametrize(
    ("operations", "error", "says"),
    [
        ([_at(5, "open", "S1"), _at(0, "open", "S2")], StageError, "open S2 at 2026-05-01T08:00:00.* comes before open S1"),
        ([_at(0, "open", "X1")], StageError, "X1 is already open at"),
        ([_at(0, "close", "S1")], StageError, "S1 is already closed at"),
        ([_at(0, "open", "S1", "A"), _at(1, "open", "S1", "A")], StageError, "S1 is already open on A"),
        ([_at(0, "repaired", "L1")], StageError, "L1 is repaired without a fault there. Faults at that time: none"),
        ([_at(0, "open", "S7")], UnknownIdError, "nearest are S"),
        ([_at(0, "open", "S1", "2")], UnknownPhaseError, "S1 has no phase '2'"),
        ([Timed(datetime(2026, 5, 1), "open", "S1")], StageError, "has no zone"),  # noqa: DTZ001
    ],
)
def test_what_cannot_happen_is_refused_by_name(operations: list[Timed], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        work_out(build_network(tables_from_text(TOWN)), operations)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_at_every_moment_the_intervals_say_what_a_trace_from_scratch_says(data: st.DataObject) -> None:
    network = build_network(data.draw(grids()))
    closed, faults, operations = network.normal.copy(), set[str](), []
    expected = []
    for minute in range(data.draw(st.integers(1, 6))):
        choices = []
        for number, id_ in enumerate(network.device_ids):
            has, now = int(network.wiring.phases[number]), int(closed[number])
            choices += [("open", id_, letters_of(now))] if now else []
            choices += [("close", id_, letters_of(has & ~now))] if has & ~now else []
            choices += [("repaired" if id_ in faults else "fault", id_, "")]
        if not choices:
            break
        action, id_, phases = data.draw(st.sampled_from(choices))
        operations.append(_at(minute, action, id_, phases))
        if action in ("open", "close"):
            closed = operate(network, State(closed, network.sources), **{action: [(id_, phases)]}).closed
        faults = faults | {id_} if action == "fault" else faults - {id_} if action == "repaired" else faults
        cleared = clear(network, State(closed, network.sources), faults).state
        closed = cleared.closed.copy()
        expected.append([set(rows.tolist()) for rows in lost(network, network.healthy.alive, supplied(network, cleared))])
    stages = work_out(network, operations)
    row_of = {id_: row for row, id_ in enumerate(network.tables.customers["id"])}
    for minute, (out, partial) in enumerate(expected):
        now = DAY + timedelta(minutes=minute)
        at_work = [one for one in stages.intervals if one.off <= now and (one.on is None or now < one.on)]
        assert {row_of[one.customer] for one in at_work if one.state == "out"} == out
        assert {row_of[one.customer] for one in at_work if one.state == "partial"} == partial
        assert (stages.counts[minute].out, stages.counts[minute].partial) == (len(out), len(partial))
    ever = {row_of[one.customer] for one in stages.intervals}
    assert not ever & set(np.asarray(stages.transferred).tolist())
