"""Why a notice is due and for whom: what was told against what is so, when several outages hold the same people off."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.occasion import Occasion, occasion_of, restored_at
from notices.facts import KINDS, NoticeError
from outages.events import Undone
from tests.api.notified import DAY, HOUR, NOW, Desk, P, Q, R, facts, notified_tables, persons
from topology.network import Network, build_network

Q_TOLD = {("call", "sms"): ("q-clinic",), ("sms",): tuple(sorted(set(Q) - {"q-clinic"}))}
"""How those behind T2 are told of a fault."""
R_TOLD = {("sms",): persons(*R)}


@pytest.fixture(scope="module")
def net() -> Network:
    return build_network(notified_tables())


@pytest.fixture
def desk(net: Network, tmp_path: Path) -> Desk:
    return Desk.on(net, tmp_path)


def fault(desk: Desk, *devices: str) -> str:
    """A fault that began a moment ago, and no other at the same moment."""
    desk.now += HOUR / 60
    return desk.enter(facts(*devices, outage_class="fault", start=desk.now - HOUR / 60, hours=9))


def look(desk: Desk, outage_id: str) -> Occasion:
    return occasion_of(desk.service, desk.publishing.registry, desk.outage(outage_id), now=desk.now)


def ids(desk: Desk, rows: object) -> set[str]:
    return set(desk.service.network.tables.customers["id"].iloc[rows])  # type: ignore[call-overload]


def kept_told(desk: Desk, outage_id: str) -> set[str]:
    """Who stays told after the last notice."""
    return set(desk.publishing.registry.told(desk.publishing.registry.list_of(outage_id)[-1].id))


# One outage ----------------------------------------------------------------------------------------------------------


def test_only_those_who_are_back_hear_it_and_the_rest_hear_it_in_their_turn(desk: Desk) -> None:
    one = fault(desk, "S1")
    assert desk.issue(one) == {"first": {("call", "sms"): ("q-clinic",), ("sms",): (*Q_TOLD["sms",], *R_TOLD["sms",])}}
    desk.now += HOUR
    desk.stage(one, ("open", "L2"), ("close", "S1"))
    assert desk.due(one) == "restoration"
    assert desk.issue(one) == {"restoration": Q_TOLD}
    # Those still off hear nothing in person; the public hears of both.
    assert desk.public(f"{one}.2") == {(kind, by) for kind in ("restoration", "reminder") for by in ("tv", "radio", "web", "app")}
    assert kept_told(desk, one) == set(R)
    assert desk.due(one) is None
    desk.now += HOUR
    desk.restore(one)
    assert desk.due(one) == "restoration"
    assert desk.issue(one) == {"restoration": R_TOLD}
    assert (desk.due(one), kept_told(desk, one)) == (None, set())


def test_after_a_part_is_back_the_rest_hear_that_it_takes_longer(desk: Desk) -> None:
    one = fault(desk, "S1")
    desk.issue(one)
    desk.now += HOUR
    desk.stage(one, ("open", "L2"), ("close", "S1"))
    desk.issue(one)
    desk.move(one, end=HOUR)
    assert desk.issue(one) == {"extension": R_TOLD}


def test_whom_an_operation_takes_off_is_told_named_and_told_again_when_back(desk: Desk) -> None:
    one = fault(desk, "T2")
    desk.issue(one)
    desk.now += HOUR
    desk.stage(one, ("open", "S1"))
    composed = desk.publishing.preview(one, now=desk.now)
    assert composed.kinds == ("scope_change", "first")
    assert all(scope.customers == len(Q) + len(R) for scope in (each.scope for each in composed.written.values()))
    assert desk.issue(one) == {"first": R_TOLD}
    desk.now += HOUR
    desk.stage(one, ("close", "S1"))
    assert desk.issue(one) == {"restoration": R_TOLD}
    desk.restore(one)
    assert desk.issue(one) == {"restoration": Q_TOLD}


def test_who_goes_off_again_after_all_were_back_hears_of_it_as_of_something_new(desk: Desk) -> None:
    one = fault(desk, "T2")
    desk.issue(one)
    desk.now += HOUR
    desk.stage(one, ("close", "T2"))
    assert desk.issue(one) == {"restoration": Q_TOLD}
    assert desk.due(one) is None
    desk.now += HOUR
    desk.stage(one, ("open", "T2"))
    assert desk.due(one) == "first"
    assert desk.issue(one) == {"first": Q_TOLD}
    desk.restore(one)
    assert desk.issue(one) == {"restoration": Q_TOLD}


def test_a_cancellation_that_is_taken_back_is_a_first_notice(desk: Desk) -> None:
    one = desk.enter(facts("T2"))
    desk.issue(one)
    desk.cancel(one)
    assert set(desk.issue(one)) == {"cancellation"}
    assert desk.due(one) is None
    cancelled = desk.outage(one)
    desk.record(one, Undone(cancelled.last_seq, desk.now, "li", "误取消"))
    assert desk.issue(one) == {"first": {("sms",): tuple(sorted(Q))}}


def test_what_was_over_before_anybody_was_told_is_told_to_nobody(desk: Desk) -> None:
    one = fault(desk, "T2")
    desk.now += HOUR
    desk.restore(one)
    assert desk.due(one) is None
    with pytest.raises(NoticeError, match="Nothing more is to be told"):
        desk.draft(one)


def test_nobody_is_told_again_of_the_same_outage_but_by_a_reminder(desk: Desk) -> None:
    one = desk.enter(facts("T2"))
    desk.issue(one)
    assert look(desk, one).change is None
    assert desk.issue(one, kind="reminder") == {"reminder": {("sms",): tuple(sorted(Q))}}
    assert kept_told(desk, one) == set(Q)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "reminder"])
def test_what_has_not_happened_cannot_be_asked_for(desk: Desk, kind: str) -> None:
    one = desk.enter(facts("T2"))
    desk.issue(one)
    with pytest.raises(NoticeError, match="Ask for a reminder") as caught:
        desk.draft(one, kind=kind)
    assert [problem.code for problem in caught.value.problems] == ["nothing_new"]


@pytest.mark.parametrize("kind", [None, "first", "reminder"])
def test_what_nobody_has_approved_is_not_told(desk: Desk, kind: str | None) -> None:
    draft = desk.service.enter(facts("T2"), by="li", now=NOW, submit=True)
    with pytest.raises(NoticeError, match="there is nothing to tell before it is in force"):
        desk.draft(draft.id, kind=kind)


# Two outages on the same people --------------------------------------------------------------------------------------


def test_whom_another_outage_holds_off_hears_nothing_until_that_one_is_over(desk: Desk) -> None:
    """The second outage takes off nobody who was on, so it has no notice of its own: the first one keeps them in mind."""
    one = fault(desk, "S1")
    desk.issue(one)
    desk.now += HOUR
    other = fault(desk, "T2")
    with pytest.raises(NoticeError, match="affects no customer"):
        desk.draft(other)
    desk.now += HOUR
    desk.restore(one)
    assert ids(desk, look(desk, one).held) == set(Q)
    assert desk.issue(one) == {"restoration": R_TOLD}
    assert (desk.due(one), kept_told(desk, one)) == (None, set(Q))
    desk.now += HOUR
    desk.restore(other)
    assert desk.due(one) == "restoration"
    assert restored_at(desk.service, look(desk, one), desk.now) == desk.now
    notice_id = desk.prepare(one)
    texts = desk.publishing.texts(desk.publishing.registry.get(notice_id)).values()
    # When the second outage was over, not the first.
    assert all("12:02" in text.body and "11:02" not in text.body for text in texts if text.key.channel == "web")
    desk.send(notice_id)
    assert desk.told(notice_id) == {"restoration": Q_TOLD}
    assert (desk.due(one), desk.due(other), kept_told(desk, one)) == (None, None, set())


def test_whom_the_other_outage_tells_hears_once_that_power_is_back(desk: Desk) -> None:
    one = fault(desk, "S1")
    desk.issue(one)
    other = fault(desk, "T2")
    desk.now += HOUR
    desk.restore(one)
    desk.issue(one)
    assert desk.issue(other) == {"first": Q_TOLD}  # which it holds off alone by now
    desk.now += HOUR
    desk.restore(other)
    assert desk.due(one) is None
    assert desk.issue(other) == {"restoration": Q_TOLD}
    assert desk.due(one) is None


def test_who_was_told_of_both_hears_of_the_end_from_the_one_that_lasts_longer(desk: Desk) -> None:
    plan = desk.enter(facts("T1", "T2", start=NOW + HOUR))
    desk.issue(plan)
    one = fault(desk, "S1")
    desk.issue(one)
    desk.now += HOUR
    desk.switch_off(plan)
    assert (desk.due(one), desk.due(plan)) == (None, None)
    desk.now += HOUR
    desk.restore(one)
    assert desk.issue(one) == {"restoration": R_TOLD}
    assert kept_told(desk, one) == set()
    desk.now += HOUR
    desk.restore(plan)
    told = desk.issue(plan)
    assert {id_ for found in told["restoration"].values() for id_ in found} >= set(Q)
    assert (set(told), desk.due(one)) == ({"restoration"}, None)


def test_whom_an_earlier_outage_holds_off_is_told_by_that_one_alone(desk: Desk) -> None:
    one = fault(desk, "T2")
    desk.issue(one)
    other = fault(desk, "S1")
    assert desk.issue(other) == {"first": R_TOLD}
    desk.now += HOUR
    desk.restore(other)
    assert desk.issue(other) == {"restoration": R_TOLD}
    desk.now += HOUR
    desk.restore(one)
    assert desk.issue(one) == {"restoration": Q_TOLD}


def test_where_all_who_are_back_by_a_stage_are_held_off_there_is_nothing_to_tell(desk: Desk) -> None:
    one = fault(desk, "S1")
    desk.issue(one)
    other = fault(desk, "T2")
    desk.now += HOUR
    desk.stage(one, ("open", "L2"), ("close", "S1"))
    assert ids(desk, look(desk, one).held) == set(Q)
    assert desk.due(one) is None
    desk.now += HOUR
    desk.restore(other)
    assert desk.issue(one) == {"restoration": Q_TOLD}
    desk.restore(one)
    assert desk.issue(one) == {"restoration": R_TOLD}


def test_a_plan_that_comes_back_on_for_all_but_a_part_counts_by_the_customer(desk: Desk) -> None:
    one = desk.enter(facts("T1", "T2", start=NOW + DAY))
    desk.issue(one)
    desk.now += DAY
    desk.switch_off(one)
    assert desk.due(one) is None
    desk.now += HOUR
    desk.stage(one, ("close", "T1"))
    seen = look(desk, one)
    assert (seen.change, ids(desk, seen.sets.restored), ids(desk, seen.sets.now)) == ("restoration", set(P), set(Q))
    assert len(seen.held) == len(seen.forgotten) == 0


# The network changes -------------------------------------------------------------------------------------------------


def test_customers_whom_the_network_has_no_longer_are_named_and_hold_nobody_up(desk: Desk, tmp_path: Path) -> None:
    one = desk.enter(facts("T2"))
    desk.issue(one)
    desk.cancel(one)
    desk.service.close()
    tables = notified_tables()
    gone = tables.customers["id"].isin(["q1", "q-home"])
    fewer = build_network(type(tables)(**{**vars(tables), "customers": tables.customers[~gone].reset_index(drop=True)}))
    later = Desk.on(fewer, tmp_path)
    assert look(later, one).forgotten == ("q-home", "q1")
    assert later.issue(one) == {"cancellation": {("sms",): tuple(sorted(set(Q) - {"q1", "q-home"}))}}
