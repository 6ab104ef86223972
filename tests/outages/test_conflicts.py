"""What speaks against a plan, by code, with the ids and values that a page needs to say it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from outages.conflicts import Conflict, find_conflicts
from outages.events import Outage
from outages.impact import impact_of
from tests.outages.several import at, outage
from topology.network import Network, build_network
from topology.sketch import tables_from_text

TOWN = """
*s -B1:breaker- a -L1- b =T1= c -S1:switch- d
*r -B2:breaker- h -L9- g /X1/ b
h =T2= k
*q -B3:breaker- m -L5- n : other
c : hospital1!important, home
k : hospital2!important
"""

DAY = 24 * 60


def _network(*, capacity_kw: float | None = None) -> Network:
    grid = tables_from_text(TOWN)
    grid.switches.loc[grid.switches["id"] == "X1", "capacity_kw"] = capacity_kw
    grid.customers["account"] = grid.customers["id"].map({"hospital1": "H", "hospital2": "H", "home": "N"}).astype("str")
    return build_network(grid)


def _conflicts(one: Outage, *others: Outage, now: float = -30 * DAY, **options: object) -> list[Conflict]:
    network = _network(capacity_kw=options.pop("capacity_kw", None))
    return find_conflicts(impact_of(network, one), one.facts, others, at(now), **options)


def _plan(id_: str, open_: str = "", *, close: str = "", fault: str = "", start: float = 0, end: float | None = None) -> Outage:
    last = start + 60 if end is None else end
    return outage(id_, open_=open_, close=close, fault=fault, start=start, end=last, is_planned=True)


def _codes(found: list[Conflict]) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(one.code, one.severity, one.outages, one.things) for one in found]


SHARED = ("shared_transformers", "warning", ("2",), ("T1",))
AGAIN = ("out_again", "info", ("2",), ("T1",))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (_plan("1", "L1"), _plan("2", "B1", start=30), [SHARED]),
        (_plan("1", "L1", start=5), _plan("2", "B1"), [SHARED, AGAIN]),
        (_plan("1", "L1"), _plan("2", "B1", start=60), []),  # one ends as the other begins
        (_plan("1", "L1"), _plan("2", "B1", start=-90, end=-60), [AGAIN]),
        (_plan("1", "L1"), outage("2", open_="B1", start=-70 * DAY, back=-69 * DAY), []),  # over two months ago
        (_plan("1", "L1"), _plan("2", "L5"), []),
        (_plan("1", "L1", close="X1"), _plan("2", "X1 L5", start=5), [("contrary_switching", "error", ("2",), ("X1",))]),
        (
            _plan("1", "L9 X1"),
            _plan("2", "L1", close="X1"),
            [("contrary_switching", "error", ("2",), ("X1",)), ("dead_tie", "error", ("2",), ("X1",))],
        ),
        (_plan("1", "L1", close="X1"), _plan("2", "L9", start=5), [("dead_tie", "error", ("2",), ("X1",))]),
        (_plan("1", "L9", start=5), _plan("2", "L1", close="X1"), [("dead_tie", "error", ("2",), ("X1",))]),
        (_plan("1", "L1", close="X1"), _plan("2", fault="h", start=5), [("dead_tie", "error", ("2",), ("X1",))]),
        (_plan("1", "L1", close="X1"), _plan("2", "L5", start=5), []),
        (_plan("1", "L1", close="X1"), _plan("2", "L77", start=5), []),  # it names what is not there
    ],
)
def test_two_plans_that_do_not_go_together(one: Outage, other: Outage, found: list) -> None:
    told = [row for row in _codes(_conflicts(one, other, transformers_of=_told_transformers)) if row[0] != "both_feeds_lost"]
    assert told == found


def _told_transformers(other: Outage) -> list[str]:
    opened = {one.device for one in other.facts.switching.open}
    return ["T1"] if opened & {"B1"} else []


def test_the_third_time_within_two_months_is_flagged_and_counted() -> None:
    earlier = [
        outage(str(days), open_="B1", start=-days * DAY, end=60 - days * DAY, back=60 - days * DAY) for days in (3, 50, 70)
    ]
    cancelled = outage("c", open_="B1", start=-DAY, back=-DAY + 5)
    cancelled = replace(cancelled, status="cancelled")
    found = _conflicts(_plan("1", "L1"), *earlier, cancelled)
    assert _codes(found) == [("out_often", "warning", ("3", "50"), ("T1",))]
    assert found[0].values == {"times": {"T1": 3}, "days": 60}
    assert found[0].says == "1 transformer is off 3 times or more within 60 days: T1."


@pytest.mark.parametrize(
    ("one", "others", "told"),
    [
        (_plan("1", "L1"), [], []),
        (_plan("1", "L1"), [_plan("2", "T2", start=30)], [("2",)]),
        (_plan("1", "L1"), [_plan("2", "T2", start=60)], []),
        (_plan("1", "L1"), [_plan("2", "T2", start=30), _plan("3", "L5", start=20)], [("2",)]),
        (_plan("1", "L1 T2"), [], [()]),
        (_plan("1", "L1 T2"), [_plan("2", "T2")], [()]),  # said once
        (_plan("1", "L1"), [_plan("2", fault="k")], [("2",)]),
        (_plan("1", "L5"), [_plan("2", "T2"), _plan("3", "T1")], []),  # theirs to say
        (_plan("1", "S1"), [_plan("2", "T2")], []),
    ],
)
def test_an_important_customer_may_not_lose_both_feeds_at_the_same_time(one: Outage, others: list[Outage], told: list) -> None:
    found = [one for one in _conflicts(one, *others) if one.code == "both_feeds_lost"]
    assert [conflict.outages for conflict in found] == told
    assert all(conflict.things == ("hospital1", "hospital2") and conflict.severity == "error" for conflict in found)


@pytest.mark.parametrize(("lead_hours", "flagged"), [(24, False), (48, False), (49, True), (None, False)])
def test_a_plan_that_comes_too_late_is_flagged(lead_hours: float | None, flagged: bool) -> None:
    plan = _plan("1", "L5")
    planned = replace(plan.facts, outage_class="planned")
    lead = None if lead_hours is None else timedelta(hours=lead_hours)
    found = find_conflicts(impact_of(_network(), plan), planned, [], at(-48 * 60), lead=lead)
    assert [one.code for one in found] == (["short_notice"] if flagged else [])
    assert not flagged or found[0].values == {"given_hours": 48.0, "needed_hours": 49.0}
    assert find_conflicts(impact_of(_network(), plan), plan.facts, [], at(-48 * 60), lead=lead) == []  # a fault has no lead


@pytest.mark.parametrize(("capacity_kw", "flagged"), [(None, False), (2.0, False), (1.9, True)])
def test_a_tie_that_would_carry_too_much_is_flagged(capacity_kw: float | None, flagged: bool) -> None:
    found = _conflicts(_plan("1", "L1", close="X1"), capacity_kw=capacity_kw)
    assert _codes(found) == ([("tie_overloaded", "warning", (), ("X1",))] if flagged else [])
    assert not flagged or found[0].values == {"load_kw": 2.0, "capacity_kw": 1.9}


def test_an_outage_is_in_no_conflict_with_itself_or_with_what_will_not_be() -> None:
    one = _plan("1", "L1")
    rejected = replace(_plan("2", "B1"), status="rejected")
    assert _conflicts(one, one, rejected, outage_id="1") == []
    assert {conflict.code for conflict in _conflicts(one, one)} == {"shared_transformers", "out_again"}


def test_drafts_count_as_they_are_planned() -> None:
    plan = _plan("2", "B1")
    draft = replace(plan, status="draft", in_force=None)
    assert [one.code for one in _conflicts(_plan("1", "L1"), draft)] == ["shared_transformers", "out_again"]


def test_the_gravest_comes_first_and_everything_is_said_in_words() -> None:
    found = _conflicts(_plan("1", "L1", close="X1"), _plan("2", "L9 B1", start=5), _plan("3", "X1 B1"))
    severities = [conflict.severity for conflict in found]
    assert severities == sorted(severities, key=("error", "warning", "info").index)
    assert all(conflict.says[0].isupper() or conflict.says[0].isdigit() for conflict in found)
    assert all(conflict.says.endswith(".") for conflict in found)
