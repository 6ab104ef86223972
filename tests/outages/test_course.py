"""From when until when each customer is off under one outage."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.course import Course, course
from outages.events import Outage
from outages.impact import impact_of
from outages.lifecycle import active_spans
from tests.outages.several import DAY, Plain, at, networks, outage, outages, timed
from topology.network import build_network
from topology.sketch import tables_from_text
from topology.supply import lost, supplied

TOWN = """
*s -B1:breaker- a -L1- b -S1:load_break- c -L2- d -S2:load_break- e -L3- f
*r -B2:breaker- h -L9- g /X1/ f
a : a1
d : d1
f : f1, f2
h : h1
"""

FAULT = (timed(20, "open", "S1"), timed(20, "open", "S2"), timed(25, "close", "B1"), timed(40, "close", "X1"))
WHOLE_DAYS = ((0, 10), (20, 30))


def _course(one: Outage, *others: Outage, now: float = 500, text: str = TOWN) -> Course:
    return course(build_network(tables_from_text(text)), one, others=others, now=at(now))


def _told(found: Course) -> list[tuple[str, str, float, float | None]]:
    def minutes(moment):
        return None if moment is None else (moment - DAY).total_seconds() / 60

    return [(one.customer, one.state, minutes(one.off), minutes(one.on)) for one in found.intervals()]


def _all(off: float, on: float | None, *names: str) -> list[tuple[str, str, float, float | None]]:
    return [(name, "out", off, on) for name in names]


@pytest.mark.parametrize(
    ("one", "now", "told"),
    [
        # a plan ends as planned; once that has passed nobody knows
        (outage("1", open_="S2", start=5, end=20, is_planned=True), 0, _all(5, 20, "f1", "f2")),
        (outage("1", open_="S2", start=5, end=20), 10, _all(5, 20, "f1", "f2")),
        (outage("1", open_="S2", start=5, end=20), 20, _all(5, None, "f1", "f2")),
        (outage("1", open_="S2", start=5, end=20, back=33), 40, _all(5, 33, "f1", "f2")),
        (outage("1", open_="S2", start=5), 10, _all(5, None, "f1", "f2")),
        # day off, night on
        (
            outage("1", open_="S1", windows=WHOLE_DAYS, close="X1", is_planned=True),
            0,
            [],
        ),
        (
            outage("1", open_="L3", windows=WHOLE_DAYS, is_planned=True),
            0,
            [("f1", "out", 0, 10), ("f1", "out", 20, 30), ("f2", "out", 0, 10), ("f2", "out", 20, 30)],
        ),
        # windows that touch are one
        (outage("1", open_="L3", windows=((0, 10), (10, 30)), is_planned=True), 0, _all(0, 30, "f1", "f2")),
        # a fault in stages, and the rest when it is restored
        (
            outage("1", fault="L2", operations=FAULT, back=180),
            200,
            [*_all(0, 25, "a1"), *_all(0, 180, "d1"), *_all(0, 40, "f1", "f2")],
        ),
        (
            outage("1", fault="L2", operations=FAULT[:3]),
            200,
            [*_all(0, 25, "a1"), *_all(0, None, "d1", "f1", "f2")],
        ),
        # what comes in the first window is not done again in the next
        (
            outage("1", open_="S2", windows=WHOLE_DAYS, operations=(timed(5, "close", "S2"),)),
            12,
            [("f1", "out", 0, 5), ("f1", "out", 20, 30), ("f2", "out", 0, 5), ("f2", "out", 20, 30)],
        ),
    ],
)
def test_each_customer_is_off_from_when_until_when(one: Outage, now: float, told: list) -> None:
    assert _told(_course(one, now=now)) == told


def test_states_follow_each_other_and_each_step_names_what_cut_it() -> None:
    operations = (timed(10, "open", "L9", "BC"), timed(20, "close", "L9", "C"), timed(30, "close", "L9"))
    found = _course(outage("1", open_="L9.A", operations=operations), text="*r -B2:breaker- h -L9- g : g1")
    assert _told(found) == [("g1", "partial", 0, 10), ("g1", "out", 10, 20), ("g1", "partial", 20, 30)]
    assert [step.cut_by for step in found.steps] == ["L9"] * 3
    assert [(count.out, count.partial) for count in found.counts] == [(0, 1), (1, 0), (0, 1), (0, 0)]


def test_a_fault_says_what_tripped_and_how_many_are_off_at_every_step() -> None:
    found = _course(outage("1", fault="L2", operations=FAULT, back=180))
    assert [(count.at, count.out, count.tripped) for count in found.counts] == [
        (at(0), 4, ("B1",)),
        (at(20), 4, ()),
        (at(25), 3, ()),
        (at(40), 1, ()),
        (at(180), 0, ()),
    ]
    assert {step.cut_by for step in found.steps} == {"B1"}
    assert [rows.tolist() for rows in found.at(at(30))] == [[1, 2, 3], []]


def test_a_tie_transfers_whom_nothing_cuts() -> None:
    found = _course(outage("1", open_="S2", close="X1"))
    assert found.steps == ()
    assert found.transferred.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("one", "others", "told"),
    [
        # who is off already is the other's
        (outage("1", open_="S1", start=5), [outage("2", open_="S2")], _all(5, None, "d1")),
        (outage("1", open_="S2", start=5), [outage("2", open_="S2")], []),
        (outage("1", open_="S2", start=5), [outage("2", open_="S2", start=6)], _all(5, None, "f1", "f2")),
        # what another holds open stays open
        (outage("1", open_="S2", close="X1", start=5), [outage("2", open_="X1")], _all(5, None, "f1", "f2")),
        # its tie has no source any more
        (outage("1", open_="S2", close="X1", start=5), [outage("2", open_="L9")], _all(5, None, "f1", "f2")),
        # closed onto the other's fault: its breaker trips
        (outage("1", open_="S1", close="X1", start=5), [outage("2", fault="f")], _all(5, None, "h1")),
        # of two that begin together one comes first
        (outage("1", open_="S2"), [outage("2", open_="S2")], _all(0, None, "f1", "f2")),
        (outage("3", open_="S2"), [outage("2", open_="S2")], []),
        # itself is no other
        (outage("1", open_="S2"), [outage("1", open_="S2")], _all(0, None, "f1", "f2")),
    ],
)
def test_an_outage_is_compared_with_what_was_in_force_before_it(one: Outage, others: list[Outage], told: list) -> None:
    assert _told(_course(one, *others)) == told


def test_the_impact_holds_whoever_is_off_at_some_time() -> None:
    network = build_network(tables_from_text(TOWN))
    staged = outage("1", open_="S2", operations=(timed(5, "close", "S2"), timed(9, "open", "L1", "A")))
    impact = impact_of(network, staged)
    ids = network.tables.customers["id"].to_numpy()
    assert ids[impact.out].tolist() == ["f1", "f2"]
    assert ids[impact.partial].tolist() == ["d1"]
    assert impact.cut_by == ("L1", "S2", "S2")
    assert impact.counts.customers == 3


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_at_every_moment_the_course_says_what_the_plain_way_says(data: st.DataObject) -> None:
    network = data.draw(networks())
    one = data.draw(outages(network, "o1"))
    found = course(network, one, now=at(99))
    start, end = active_spans(one)[0]
    for minute in range(13):
        now = at(minute)
        plain = Plain.at(network, [one], now)
        out, partial = lost(network, network.healthy.alive, supplied(network, plain.state(plain.order)))
        is_active = start <= now and (end is None or now < end)
        expected = [out.tolist(), partial.tolist()] if is_active else [[], []]
        assert [rows.tolist() for rows in found.at(now)] == expected
    assert all(step.on is None or step.off < step.on for step in found.steps)
    assert not set(found.transferred.tolist()) & set(found.affected.tolist())
