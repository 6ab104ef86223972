"""Facts are checked when made; events fold into outages by one table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outages.events import (
    EVENT_KINDS,
    OUTAGE_CLASSES,
    Cancelled,
    Entered,
    Event,
    FactsError,
    Operation,
    Outage,
    OutageFacts,
    Restored,
    Revised,
    Switching,
    event_from_json,
    facts_from_json,
    facts_to_json,
    switching_from_json,
    switching_to_json,
)
from outages.lifecycle import NEW, TRANSITIONS, TransitionError, begin, fold, is_overdue, step, when

START = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
END = START + timedelta(hours=4)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1"),)), START, END, "line work")
ENTERED = Entered(FACTS, START - timedelta(days=8), "control")


def _facts(**changes: object) -> OutageFacts:
    given = {name: getattr(FACTS, name) for name in ("outage_class", "switching", "start", "end", "reason")}
    return OutageFacts(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"outage_class": "storm"}, "outage_class", "class_unknown"),
        ({"outage_class": ""}, "outage_class", "class_unknown"),
        ({"reason": "  \t"}, "reason", "reason_missing"),
        ({"switching": Switching(open=())}, "open", "nothing_opened"),
        ({"switching": Switching(open=(), close=(Operation("T"),))}, "open", "nothing_opened"),
        ({"start": datetime(2026, 5, 1)}, "start", "time_naive"),  # noqa: DTZ001
        ({"end": datetime(2026, 5, 2)}, "end", "time_naive"),  # noqa: DTZ001
        ({"end": START}, "end", "end_not_after_start"),
        ({"end": START - timedelta(seconds=1)}, "end", "end_not_after_start"),
        ({"end": None}, "end", "end_missing"),
        ({"outage_class": "load_transfer", "end": None}, "end", "end_missing"),
    ],
)
def test_facts_that_cannot_be_true_are_refused(changes: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(FactsError) as caught:
        _facts(**changes)
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]
    assert field in str(caught.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(FactsError) as caught:
        OutageFacts("storm", Switching(open=()), END, START, "")
    assert {problem.field for problem in caught.value.problems} == {"outage_class", "open", "reason", "end"}
    assert all(problem.says.endswith(".") for problem in caught.value.problems)


@pytest.mark.parametrize("outage_class", ["fault", "over_capacity", "meter_box", "other"])
def test_classes_nobody_announces_may_have_no_end(outage_class: str) -> None:
    assert _facts(outage_class=outage_class, end=None).end is None


def test_times_are_kept_in_utc_whatever_zone_they_come_in() -> None:
    shanghai = timezone(timedelta(hours=8))
    facts = _facts(start=START.astimezone(shanghai), end=END.astimezone(shanghai))
    assert facts == FACTS
    assert facts.start.tzinfo is UTC
    assert facts.end is not None
    assert facts.end.tzinfo is UTC


@pytest.mark.parametrize("phases", ["D", "a", "AA", "A B", "ABCA"])
def test_phases_that_do_not_exist_are_refused(phases: str) -> None:
    with pytest.raises(FactsError, match="phases"):
        Operation("S1", phases)


def test_an_operation_names_its_device() -> None:
    with pytest.raises(FactsError, match="Give the id of a device"):
        Operation("")


@pytest.mark.parametrize(
    ("open_", "close", "clash"),
    [("S1", "S1", True), (["S1", "A"], "S1", True), (["S1", "A"], ["S1", "AB"], True), (["S1", "A"], ["S1", "BC"], False)],
)
def test_a_device_is_not_opened_and_closed_on_one_phase(open_: object, close: object, clash: bool) -> None:
    given = {"open": [open_], "close": [close]}
    if clash:
        with pytest.raises(FactsError, match="S1: opened and closed at once"):
            switching_from_json(given)
    else:
        assert switching_to_json(switching_from_json(given))["close"] == [close]


def test_the_table_speaks_of_every_kind_of_event_and_of_no_unknown_status() -> None:
    kinds = {kind for allowed in TRANSITIONS.values() for kind in allowed}
    assert kinds == set(EVENT_KINDS)
    assert {status for allowed in TRANSITIONS.values() for status in allowed.values()} == set(TRANSITIONS) - {NEW}


def _event(kind: str, at: datetime = START) -> Event:
    events: dict[str, Event] = {
        "entered": Entered(FACTS, at, "control"),
        "revised": Revised(replace(FACTS, end=END + timedelta(hours=1)), at, "control"),
        "restored": Restored(max(at, START), at, "control"),
        "cancelled": Cancelled("rain", at, "control"),
    }
    return events[kind]


@pytest.mark.parametrize("status", sorted(set(TRANSITIONS) - {NEW}))
@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_a_step_is_taken_exactly_where_the_table_allows_it(status: str, kind: str) -> None:
    outage = replace(begin("7", ENTERED), status=status)
    if kind in TRANSITIONS[status]:
        after = step(outage, _event(kind))
        assert (after.status, after.seq, after.changed_at) == (TRANSITIONS[status][kind], 2, START)
    else:
        with pytest.raises(TransitionError, match=f"outage 7 is {status} and cannot be {kind} .allowed: "):
            step(outage, _event(kind))


@pytest.mark.parametrize("kind", sorted(set(EVENT_KINDS) - {"entered"}))
def test_an_outage_begins_by_being_entered(kind: str) -> None:
    with pytest.raises(TransitionError, match="allowed: entered"):
        begin("7", _event(kind))


def test_a_change_of_facts_is_dated_and_other_events_leave_the_date() -> None:
    later, latest = START + timedelta(minutes=5), START + timedelta(hours=2)
    revised = fold("7", [ENTERED, _event("revised", later)])
    assert (revised.facts_at, revised.facts.end) == (later, END + timedelta(hours=1))
    restored = step(revised, _event("restored", latest))
    assert (restored.facts_at, restored.changed_at, restored.restored_at) == (later, latest, latest)


def test_folding_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="has no event"):
        fold("7", [])


def test_power_is_not_back_before_it_was_off() -> None:
    with pytest.raises(TransitionError, match="Cancel it"):
        step(begin("7", ENTERED), Restored(START - timedelta(seconds=1), START, "control"))


def test_nobody_confirms_what_has_not_happened_yet() -> None:
    with pytest.raises(TransitionError, match="Confirm it when power is back"):
        step(begin("7", ENTERED), Restored(START + timedelta(hours=1), START, "control"))


@pytest.mark.parametrize(
    ("kinds", "now", "expected", "overdue"),
    [
        ([], START - timedelta(seconds=1), "planned", False),
        ([], START, "current", False),
        ([], END - timedelta(seconds=1), "current", False),
        ([], END, "current", True),
        ([], END + timedelta(days=30), "current", True),
        (["revised"], END, "current", False),
        (["restored"], END, "past", False),
        (["cancelled"], START - timedelta(days=1), "past", False),
    ],
)
def test_only_a_person_ends_an_outage(kinds: list[str], now: datetime, expected: str, overdue: bool) -> None:
    outage = fold("7", [ENTERED, *map(_event, kinds)])
    assert (when(outage, now), is_overdue(outage, now)) == (expected, overdue)


moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
words = st.text(min_size=1).filter(str.strip)
operations = st.builds(Operation, device=words, phases=st.sampled_from(["", "A", "BC", "12"]))
switchings = st.builds(
    lambda opened, fault: Switching(open=tuple(opened), fault=tuple(fault)),
    st.lists(operations, min_size=1, max_size=3),
    st.lists(words, max_size=2),
)
facts_values = st.builds(
    lambda outage_class, switching, start, hours, reason: OutageFacts(
        outage_class, switching, start, start + timedelta(hours=hours), reason
    ),
    st.sampled_from(OUTAGE_CLASSES),
    switchings,
    moments,
    st.integers(1, 72),
    words,
)
events_values = st.one_of(
    st.builds(Entered, facts_values, moments, words),
    st.builds(Revised, facts_values, moments, words),
    st.builds(Restored, moments, moments, words),
    st.builds(Cancelled, words, moments, words),
)


@given(events_values)
def test_every_event_survives_json(event: Event) -> None:
    assert event_from_json(event.kind, event.body(), at=event.at, by=event.by) == event


@given(facts_values)
def test_facts_survive_json(facts: OutageFacts) -> None:
    assert facts_from_json(facts_to_json(facts)) == facts


def test_an_event_of_a_newer_release_is_named() -> None:
    with pytest.raises(ValueError, match=r"'paused' is not known \(known: entered, "):
        event_from_json("paused", {}, at=START, by="control")


@given(st.lists(st.sampled_from(sorted(EVENT_KINDS)), max_size=8))
def test_a_fold_is_the_same_as_its_steps_and_counts_them(kinds: list[str]) -> None:
    outage: Outage = begin("7", ENTERED)
    taken: list[Event] = [ENTERED]
    for kind in kinds:
        if kind not in TRANSITIONS[outage.status]:
            continue
        outage = step(outage, _event(kind))
        taken.append(_event(kind))
        assert fold("7", taken) == outage
        assert outage.seq == len(taken)
        assert outage.entered_by == "control"
