"""The use cases: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from api.service import Service, UnknownRevisionError, make_outage_id, permission_for
from notices.rulebook import rule_sets
from outages.events import (
    Approved,
    Cancelled,
    Closed,
    Event,
    Outage,
    Rejected,
    Restored,
    Staged,
    Submitted,
    SwitchedOff,
    Undone,
)
from outages.facts import FactsError, Operation, OutageFacts, Selection, Switching, Timed, Window, switching_from_json
from outages.kept import recompute
from outages.lifecycle import TransitionError, differences
from outages.store import EventStore, KeyReusedError, StaleWriteError, UnknownOutageError, open_store
from tests.api.town import NOW
from topology.network import Network

HOUR = timedelta(hours=1)
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
BY = "li"
BOSS = "han"


def facts(
    outage_class: str = "planned", switching: Switching = WORK, start: datetime = NOW + HOUR, *, hours: int = 4, **more: object
) -> OutageFacts:
    return OutageFacts(
        outage_class,
        switching,
        (Window(start, start + hours * HOUR),),
        **{"reason": "线路检修", **more},  # type: ignore[arg-type]
    )


def enter(service: Service, given: OutageFacts | None = None, *, submit: bool = False, by: str = BY) -> Outage:
    return service.enter(given or facts(), by=by, now=NOW, submit=submit)


def approved(service: Service, given: OutageFacts | None = None) -> Outage:
    outage = enter(service, given, submit=True)
    return service.record(outage.id, Approved(NOW, BOSS), seen=outage.seq)


def test_a_preview_counts_without_entering_anything(service: Service) -> None:
    counts = service.preview(WORK).counts
    assert (counts.customers, counts.transferred, counts.important, counts.life_support) == (10, 6, 1, 1)
    assert service.board(NOW).drafts == ()


@pytest.mark.parametrize(
    ("switching", "field", "code"),
    [
        ({"open": ["S9"]}, "open", "device_unknown"),
        ({"open": ["S1"], "close": ["TYE"]}, "close", "device_unknown"),
        ({"fault": ["nowhere"]}, "fault", "device_unknown"),
        ({"open": [["S1", "12"]]}, "open", "phase_unknown"),
    ],
)
def test_a_device_that_does_not_exist_is_named_with_its_field(
    service: Service, switching: dict[str, list[str]], field: str, code: str
) -> None:
    for use in (service.preview, lambda given: enter(service, facts(switching=given))):
        with pytest.raises(FactsError) as caught:
            use(switching_from_json(switching))
        assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]
    assert service.board(NOW).drafts == ()


def test_a_misspelt_device_is_answered_with_the_nearest(service: Service) -> None:
    with pytest.raises(FactsError, match="the nearest are TIE"):
        service.preview(switching_from_json({"open": ["TIEE"]}))


def test_a_fault_may_sit_on_a_node(service: Service) -> None:
    assert service.preview(switching_from_json({"fault": ["f"]})).counts.customers == 7


def test_a_feeder_or_an_area_becomes_devices(service: Service) -> None:
    opened = service.resolve(Switching(open=(Operation("T4"),)), Selection("10kV西河线"))
    assert [one.device for one in opened.open] == ["T4", "T1", "T2", "T3"]
    assert service.resolve(WORK, None) == WORK


# What is entered.


@pytest.mark.parametrize(
    ("given", "submit", "status", "part"),
    [
        (facts(), False, "draft", "drafts"),
        (facts(), True, "submitted", "drafts"),
        (facts("fault", start=NOW - HOUR), False, "in_progress", "current"),
        (facts("fault", start=NOW - HOUR), True, "in_progress", "current"),
        (facts("over_capacity"), False, "draft", "drafts"),
        (facts("other"), True, "submitted", "drafts"),
    ],
)
def test_what_is_announced_waits_and_a_fault_is_in_force_at_once(
    service: Service, given: OutageFacts, submit: bool, status: str, part: str
) -> None:
    outage = enter(service, given, submit=submit)
    assert outage.status == status
    assert (outage.in_force is None) == (part == "drafts")
    assert getattr(service.board(NOW), part) == (outage,)
    assert service.get_outage(outage.id) == outage
    assert service.history(outage.id)[0].by == BY


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (facts("fault", start=NOW + HOUR), "fault_in_future"),
        (facts("planned", start=NOW - 5 * HOUR), "end_passed"),
        (facts(reason="x" * 301), "reason_too_long"),
        (facts(reason="line\u202ework"), "text_unprintable"),
    ],
)
def test_what_no_true_notice_can_tell_is_not_entered(service: Service, given: OutageFacts, code: str) -> None:
    with pytest.raises(FactsError) as caught:
        enter(service, given)
    assert code in [problem.code for problem in caught.value.problems]
    assert service.board(NOW).drafts == service.board(NOW).current == ()


def test_a_repeated_command_enters_one_outage_and_a_changed_one_is_refused(service: Service) -> None:
    first = service.enter(facts(), by=BY, now=NOW, key="k" * 8)
    assert service.enter(facts(), by=BY, now=NOW + HOUR / 2, key="k" * 8) == first
    for other in ({"facts": facts(reason="else")}, {"by": BOSS}, {"submit": True}):
        with pytest.raises(KeyReusedError, match=first.id):
            service.enter(**{"facts": facts(), "by": BY, "now": NOW, "key": "k" * 8, **other})  # type: ignore[arg-type]
    assert service.board(NOW).drafts == (first,)


def test_a_repeated_change_or_step_has_no_effect_either(service: Service) -> None:
    outage = enter(service)
    late = facts(start=NOW + 2 * HOUR)
    for _ in range(2):
        revised = service.revise(outage.id, late, why="rain", seen=1, by=BY, now=NOW, key="change-1")
        submitted = service.record(outage.id, Submitted(NOW, BY), seen=2, key="submit-1")
    assert (revised.seq, submitted.seq, service.get_outage(outage.id).seq) == (2, 3, 3)
    with pytest.raises(KeyReusedError):
        service.record(outage.id, Cancelled(NOW, BY, "rain"), seen=3, key="submit-1")


# What happens to it.


def test_a_planned_outage_goes_its_whole_way(service: Service) -> None:
    outage = approved(service)
    later = outage.facts.start
    steps: list[Event] = [
        SwitchedOff(later, later, BY),
        Staged((Timed(later + HOUR, "close", "L2"),), later + HOUR, BY),
        Restored(later + 2 * HOUR, later + 2 * HOUR, BY),
        Closed(later + 3 * HOUR, BY),
    ]
    for seq, event in enumerate(steps, start=outage.seq):
        outage = service.record(outage.id, event, seen=seq)
    assert outage.status == "closed"
    assert [event.kind for event in service.history(outage.id)] == [
        "entered",
        "submitted",
        "approved",
        "switched_off",
        "staged",
        "restored",
        "closed",
    ]
    assert service.board(later).past == (outage,)


def test_a_change_of_a_plan_waits_and_what_was_approved_stays_in_force(service: Service) -> None:
    outage = approved(service)
    revised = service.revise(outage.id, facts(switching=Switching((Operation("S1"),))), why="more", seen=3, by=BY, now=NOW)
    assert (revised.status, revised.in_force) == ("submitted", outage.facts)
    assert service.impact_in_force(revised).counts.customers == 10
    assert service.impact(revised).counts.customers == 16
    assert service.board(NOW).planned == (revised,)
    again = service.record(outage.id, Approved(NOW, BOSS), seen=4)
    assert service.impact_in_force(again).counts.customers == 16
    assert [one.field for one in service.compare(outage.id, 1, 5)] == ["switching"]
    assert service.compare(outage.id, 1, 5) == differences(outage.facts, again.facts)


def test_a_rejected_change_leaves_what_was_approved(service: Service) -> None:
    outage = approved(service)
    service.revise(outage.id, facts(start=NOW + 3 * HOUR), why="rain", seen=3, by=BY, now=NOW)
    back = service.record(outage.id, Rejected(NOW, BOSS, "no crew then"), seen=4)
    assert (back.status, back.facts) == ("approved", outage.facts)


def test_nobody_approves_what_they_wrote_themselves(service: Service) -> None:
    outage = enter(service, submit=True)
    with pytest.raises(TransitionError, match="another person"):
        service.record(outage.id, Approved(NOW, BY), seen=2)


@pytest.mark.parametrize(
    "event", [Rejected(NOW, BOSS), Cancelled(NOW, BY, "  "), Undone(2, NOW, BY)], ids=lambda event: str(event.kind)
)
def test_what_nobody_understands_without_a_reason_needs_one(service: Service, event: Event) -> None:
    outage = enter(service, submit=True)
    with pytest.raises(FactsError, match="Say why") as caught:
        service.record(outage.id, event, seen=2)
    assert [problem.code for problem in caught.value.problems] == ["why_missing"]
    with pytest.raises(FactsError, match="Say why"):
        service.revise(outage.id, facts(), why=" ", seen=2, by=BY, now=NOW)
    assert service.get_outage(outage.id) == outage


def test_an_operation_on_a_device_that_does_not_exist_is_refused(service: Service) -> None:
    outage = enter(service, facts("fault", start=NOW - HOUR))
    with pytest.raises(FactsError, match="S9"):
        service.record(outage.id, Staged((Timed(NOW, "close", "S9"),), NOW, BY), seen=2)
    staged = service.record(outage.id, Staged((Timed(NOW, "repaired", "f"),), NOW, BY), seen=2)
    assert staged.operations == (Timed(NOW, "repaired", "f"),)


def test_whoever_is_second_is_told_the_newer_state(service: Service) -> None:
    outage = enter(service)
    submitted = service.record(outage.id, Submitted(NOW, BY), seen=1)
    for late in (
        lambda: service.record(outage.id, Cancelled(NOW, BOSS, "rain"), seen=1),
        lambda: service.revise(outage.id, facts(reason="else"), why="x", seen=1, by=BOSS, now=NOW),
    ):
        with pytest.raises(StaleWriteError) as caught:
            late()
        assert (caught.value.expected_seq, caught.value.newer) == (1, submitted)


@pytest.mark.parametrize(
    ("steps", "kind", "permission"),
    [
        ([], "submitted", "enter"),
        (["submitted"], "approved", "approve"),
        (["submitted"], "rejected", "approve"),
        (["submitted"], "undone", "enter"),
        (["submitted", "approved"], "undone", "approve"),
        (["submitted", "rejected"], "undone", "approve"),
        (["submitted", "approved"], "cancelled", "enter"),
    ],
)
def test_to_undo_needs_the_permission_of_what_is_undone(service: Service, steps: list[str], kind: str, permission: str) -> None:
    made: dict[str, Event] = {
        "submitted": Submitted(NOW, BY),
        "approved": Approved(NOW, BOSS),
        "rejected": Rejected(NOW, BOSS, "no"),
    }
    outage = enter(service)
    for step in steps:
        outage = service.record(outage.id, made[step], seen=outage.seq)
    assert permission_for(outage, kind) == permission


# What is known.


def test_an_unknown_outage_or_revision_is_named(service: Service) -> None:
    for ask in (service.get_outage, service.history):
        with pytest.raises(UnknownOutageError, match="'20260501-NONE'"):
            ask("20260501-NONE")
    outage = enter(service)
    assert service.outage_at(outage.id, 1) == outage
    for seq in (0, 2):
        with pytest.raises(UnknownRevisionError, match=f"no revision {seq}: it has 1 to 1"):
            service.outage_at(outage.id, seq)


def test_whom_an_outage_affects_is_told_beside_the_others_in_force_then_and_kept(service: Service) -> None:
    """S1 darkens 16; T2 behind it adds nobody while S1 is open, and 10 when that comes first."""
    alone = approved(service, facts(switching=Switching((Operation("T2"),)), start=NOW + 2 * HOUR, hours=1))
    assert service.impact_in_force(alone).counts.customers == 10
    approved(service, facts(switching=Switching((Operation("S1"),))))
    nested = enter(service, facts(switching=Switching((Operation("T2"),)), start=NOW + 2 * HOUR, hours=1))
    assert service.impact(nested).counts.customers == 0
    assert service.preview(nested.facts.switching, at=nested.facts.start, outage_id=nested.id).counts.customers == 0
    assert service.preview(nested.facts.switching).counts.customers == 10
    assert service.impact_in_force(alone).counts.customers == 10  # as it was told then


def test_a_customer_under_two_outages_counts_once(service: Service) -> None:
    assert service.customers_out(NOW) == 0
    feeder = enter(service, facts("fault", switching_from_json({"open": ["S1"]}), NOW - 2 * HOUR))
    inner = enter(service, facts("fault", switching_from_json({"open": ["T2"]}), NOW - HOUR))
    assert service.customers_out(NOW) == 16
    with service.standing(NOW) as standing:
        assert (standing.counts(feeder.id).customers, standing.counts(inner.id).customers) == (16, 0)


def test_who_is_off_under_another_outage_is_not_back_when_one_is_restored(service: Service) -> None:
    feeder = enter(service, facts("fault", switching_from_json({"open": ["S1"]}), NOW - 2 * HOUR))
    inner = enter(service, facts("fault", switching_from_json({"open": ["T2"]}), NOW - HOUR))
    service.record(feeder.id, Restored(NOW, NOW, BY), seen=feeder.seq)
    with service.standing(NOW) as standing:
        assert standing.counts(inner.id).customers == standing.total().customers == 10


def test_a_change_that_waits_is_kept_with_its_own_impact_and_made_again(service: Service) -> None:
    outage = approved(service, facts(switching=Switching((Operation("T2"),))))
    wider = facts(switching=Switching((Operation("S1"),)))
    changed = service.revise(outage.id, wider, why="more to do", seen=outage.seq, by=BY, now=NOW)
    assert (service.impact(changed).counts.customers, service.impact_in_force(changed).counts.customers) == (16, 10)
    kept = service.store.find_impact(changed.id, changed.seq)
    assert kept is not None
    assert recompute(kept, service.network, changed, []) == kept


def test_a_plan_within_another_is_in_conflict_with_it(service: Service) -> None:
    outer = approved(service, facts(switching=Switching((Operation("S1"),))))
    inner = facts(switching=Switching((Operation("T2"),)), start=NOW + 2 * HOUR, hours=1)
    found = {conflict.code: conflict.outages for conflict in service.conflicts(inner, NOW)}
    assert found["shared_transformers"] == (outer.id,)


def test_what_speaks_against_a_plan_is_told_before_it_is_approved(service: Service) -> None:
    approved(service, facts(switching=Switching((Operation("S1"),), (Operation("TIE"),))))
    found = service.conflicts(facts(switching=Switching((Operation("TIE"),))), NOW)
    assert ("contrary_switching", ("TIE",)) in [(one.code, one.things) for one in found]


@pytest.mark.parametrize(("days", "is_short"), [(6, True), (8, False)])
def test_a_plan_that_the_rules_want_told_earlier_is_flagged(service: Service, days: int, is_short: bool) -> None:
    service.utility = replace(service.utility, rules=rule_sets()["cn"])
    found = service.conflicts(facts(start=NOW + timedelta(days=days)), NOW)
    assert ("short_notice" in [one.code for one in found]) == is_short


# What is said.


def test_the_notice_tells_the_same_in_both_languages(service: Service) -> None:
    outage = enter(service)
    chinese, english = service.list_notices(outage)
    assert (chinese.language, english.language) == ("zh", "en")
    for said in ("磨坊社区", "线路检修", "10:00", "14:00", "95598", outage.id, "东港供电公司", "10kV西河线"):
        assert said in chinese.body
    for said in ("Mill Lane", "line maintenance", "10:00", "14:00", "95598", outage.id, "Donggang Power Supply"):
        assert said in english.body


def test_the_notice_says_what_is_in_force_and_not_what_waits(service: Service) -> None:
    outage = approved(service)
    before = service.list_notices(outage)
    changed = service.revise(outage.id, facts(start=NOW + 3 * HOUR), why="rain", seen=3, by=BY, now=NOW + HOUR / 2)
    assert service.list_notices(changed) == before
    again = service.record(outage.id, Approved(NOW + HOUR / 2, BOSS), seen=4)
    assert "12:00" in service.list_notices(again)[1].body


def test_the_notice_of_a_restored_outage_is_still_the_one_that_was_issued(service: Service) -> None:
    outage = approved(service)
    before = service.list_notices(outage)
    service.record(outage.id, Restored(NOW + 9 * HOUR, NOW + 9 * HOUR, BY), seen=3)
    assert service.list_notices(service.get_outage(outage.id)) == before


def test_the_notice_of_several_windows_names_each(service: Service) -> None:
    windows = (Window(NOW + HOUR, NOW + 2 * HOUR), Window(NOW + 25 * HOUR, NOW + 27 * HOUR))
    chinese, english = service.list_notices(enter(service, replace(facts(), windows=windows)))
    assert "（1）2026年5月1日（星期五）10:00 至 11:00（北京时间）\n（2）2026年5月2日（星期六）10:00 至 12:00" in chinese.body
    assert "- Friday, 1 May 2026, 10:00 to 11:00 (China Standard Time)\n- Saturday, 2 May 2026, 10:00 to 12:00" in english.body


def test_a_load_transfer_is_told_to_those_who_are_moved(service: Service) -> None:
    moved = switching_from_json({"open": ["S1"], "close": ["TIE"]})
    outage = enter(service, facts("load_transfer", moved))
    assert service.preview(moved).counts.customers == 0
    assert "磨坊社区" in service.list_notices(outage)[0].body


def test_an_outage_that_affects_nobody_has_no_notice(service: Service) -> None:
    assert service.list_notices(enter(service, facts(switching=Switching(open=(Operation("TIE"),))))) == []


# Several processes, and ids.


def test_a_second_process_on_the_same_store_sees_what_the_first_did(town: Network, service: Service, settings: object) -> None:
    other_store: EventStore = open_store(settings.store)  # type: ignore[attr-defined]
    other = Service(town, other_store, service.utility)
    outage = enter(service)
    assert other.get_outage(outage.id) == outage
    cancelled = other.record(outage.id, Cancelled(NOW, "desk", "rain"), seen=1)
    assert service.get_outage(outage.id) == cancelled
    other_store.close()


def test_an_id_that_was_drawn_before_is_drawn_again(town: Network, service: Service) -> None:
    drawn = iter(["A", "A", "A", "B"])
    again = Service(town, service.store, service.utility, new_id=lambda now, zone: next(drawn))
    assert enter(again).id == "A"
    assert enter(again).id == "B"


def test_ids_are_of_the_day_on_the_clock_of_the_utility_and_can_be_read_aloud() -> None:
    late = NOW.replace(hour=17)  # after midnight in Shanghai
    ids = {make_outage_id(late, "Asia/Shanghai") for _ in range(50)}
    assert all(one.startswith("20260502-") and len(one) == 13 for one in ids)
    assert not set("".join(one[9:] for one in ids)) & set("01OI")
    assert len(ids) > 45
