"""Events fold into outages by one table; what is in force was approved; whatever happened last can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from outages.events import EVENT_KINDS, Approved, Entered, Event, Outage, Restored, Revised, Staged, SwitchedOff, Undone
from outages.facts import ANNOUNCED_CLASSES, OUTAGE_CLASSES, Action, Estimate, Operation, OutageFacts, Switching, Timed, Window
from outages.lifecycle import (
    NEW,
    ON,
    OVER,
    TRANSITIONS,
    Difference,
    TransitionError,
    allowed,
    begin,
    change_code,
    differences,
    fold,
    step,
)
from tests.outages.strategies import (
    APPROVER,
    AUTHOR,
    HISTORIES,
    START,
    command_sequences,
    histories,
    history,
    hours,
    some_event,
    some_facts,
)

LONGER = some_facts(windows=(Window(START, hours(6)),))

# What may follow which status, and the status after it. A star: only a class that nobody announces goes off without approval.
# A revision is submitted too, and of an outage that is in force.
PICTURE = """
after               entered  revised             submitted  approved  rejected  switched_off  staged              restored  closed  cancelled  undone
draft               -        draft               submitted  -         -         in_progress*  -                   -         -       cancelled  -
submitted           -        submitted           -          approved  rejected  in_progress*  -                   -         -       cancelled  draft
approved            -        submitted           -          -         -         in_progress   -                   restored  -       cancelled  submitted
rejected            -        draft               -          -         -         -             -                   -         -       cancelled  submitted
revision            -        submitted           -          approved  approved  in_progress   -                   -         -       cancelled  approved
in_progress         -        in_progress         -          -         -         -             partially_restored  restored  -       -          approved
partially_restored  -        partially_restored  -          -         -         -             partially_restored  restored  -       -          in_progress
restored            -        -                   -          -         -         -             -                   -         closed  -          partially_restored
closed              -        -                   -          -         -         -             -                   -         -       -          restored
cancelled           -        -                   -          -         -         -             -                   -         -       -          draft
"""  # noqa: E501
HEAD, *ROWS = [line.split() for line in PICTURE.strip().splitlines()]
CELLS = [(row[0], kind, cell) for row in ROWS for kind, cell in zip(HEAD[1:], row[1:], strict=True)]


def _outage(label: str, **changes: object) -> Outage:
    return fold("7", history(HISTORIES[label], **changes))


def test_the_picture_shows_every_status_and_every_kind() -> None:
    assert set(HEAD[1:]) == set(EVENT_KINDS) == {kind for row in TRANSITIONS.values() for kind in row} | {"undone"}
    assert {_outage(row[0]).status for row in ROWS} == set(TRANSITIONS) - {NEW}
    assert {status for row in TRANSITIONS.values() for status in row.values()} == set(TRANSITIONS) - {NEW}


@pytest.mark.parametrize("outage_class", ["planned", "fault"])
@pytest.mark.parametrize(("label", "kind", "cell"), CELLS)
def test_a_step_is_taken_exactly_where_the_picture_has_one(label: str, kind: str, cell: str, outage_class: str) -> None:
    outage = _outage(label, outage_class=outage_class)
    event = some_event(kind, undoes=outage.last_seq)
    if cell == "-" or (cell.endswith("*") and outage_class in ANNOUNCED_CLASSES):
        assert kind not in allowed(outage)
        with pytest.raises(TransitionError, match=f"outage 7 is {outage.status} and cannot be {kind} .allowed: "):
            step(outage, event)
    else:
        assert kind in allowed(outage)
        after = step(outage, event)
        assert (after.status, after.seq, after.changed_at) == (cell.rstrip("*"), outage.seq + 1, event.at)


@pytest.mark.parametrize("kind", sorted(set(EVENT_KINDS) - {"entered"}))
def test_an_outage_begins_by_being_entered(kind: str) -> None:
    with pytest.raises(TransitionError, match=r"outage 7 is new and cannot be .* \(allowed: entered"):
        begin("7", some_event(kind))


def test_folding_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="outage 7 has no event"):
        fold("7", [])


def test_what_another_system_approved_is_in_force_at_once() -> None:
    entered = Entered(some_facts(), START, "planning", approved=True)
    revised = Revised(LONGER, hours(1), "planning", approved=True)
    outage = fold("7", [entered])
    assert (outage.status, outage.in_force, outage.approved_at, outage.approved_by) == (
        "approved",
        some_facts(),
        START,
        "planning",
    )
    outage = step(outage, revised)
    assert (outage.status, outage.in_force, outage.approved_at, outage.in_force_seq) == ("approved", LONGER, hours(1), 2)


@pytest.mark.parametrize("label", ["submitted", "revision"])
def test_nobody_approves_what_they_wrote(label: str) -> None:
    outage = _outage(label)
    with pytest.raises(TransitionError, match="written by control, who cannot approve it"):
        step(outage, Approved(hours(5), AUTHOR))
    assert step(outage, Approved(hours(5), APPROVER)).approved_by == APPROVER


def test_who_revises_is_the_author_from_then_on() -> None:
    outage = step(_outage("submitted"), Revised(LONGER, hours(5), APPROVER))
    with pytest.raises(TransitionError, match="written by approver"):
        step(outage, Approved(hours(5), APPROVER))
    assert step(outage, Approved(hours(5), AUTHOR)).in_force == LONGER


def _authorship(outage: Outage) -> tuple[object, ...]:
    return outage.facts, outage.facts_seq, outage.facts_at, outage.facts_by


def test_a_revised_plan_is_in_force_as_it_was_until_the_revision_is_approved() -> None:
    plan = _outage("approved")
    revision = step(plan, Revised(LONGER, hours(5), "desk"))
    assert (revision.status, revision.facts, revision.in_force) == ("submitted", LONGER, some_facts())
    assert (revision.approved_at, revision.approved_by) == (plan.approved_at, APPROVER)
    approved = step(revision, Approved(hours(6), APPROVER))
    assert (approved.in_force, approved.in_force_seq, approved.approved_at) == (LONGER, 4, hours(6))
    assert (approved.facts_at, approved.facts_by) == (hours(5), "desk")


@pytest.mark.parametrize("kind", ["rejected", "switched_off"])
def test_a_revision_nobody_approved_leaves_the_plan_as_it_was(kind: str) -> None:
    plan = _outage("approved")
    revisions = [Revised(LONGER, hours(5), "desk"), Revised(some_facts(reason="other"), hours(5), "desk")]
    after = plan
    for event in (*revisions, some_event(kind)):
        after = step(after, event)
    assert after.in_force == plan.in_force
    assert _authorship(after) == _authorship(plan)


def test_a_rejected_draft_is_a_draft_again_once_it_is_revised() -> None:
    outage = _outage("rejected")
    assert outage.in_force is None
    assert step(outage, Revised(LONGER, hours(5), AUTHOR)).status == "draft"


@pytest.mark.parametrize("outage_class", OUTAGE_CLASSES)
@pytest.mark.parametrize("label", ["draft", "submitted"])
def test_only_what_is_announced_waits_for_approval_before_it_goes_off(label: str, outage_class: str) -> None:
    outage = _outage(label, outage_class=outage_class)
    if outage_class in ANNOUNCED_CLASSES:
        with pytest.raises(TransitionError, match="cannot be switched_off"):
            step(outage, some_event("switched_off"))
    else:
        after = step(outage, some_event("switched_off"))
        assert (after.in_force, after.in_force_seq, after.off_at) == (outage.facts, 1, START)
        assert (after.approved_at, after.approved_by) == (None, "")


def test_once_power_is_off_a_revision_counts_at_once() -> None:
    outage = step(_outage("partially_restored"), Revised(LONGER, hours(5), AUTHOR))
    assert (outage.status, outage.in_force, outage.in_force_seq) == ("partially_restored", LONGER, 6)


def _steps(label: str) -> list[tuple[str, str]]:
    return [(row, kind) for row, kind, cell in CELLS if row == label and cell != "-" and kind != "undone"]


@pytest.mark.parametrize(("label", "kind"), [pair for label in HISTORIES for pair in _steps(label)])
def test_undoing_gives_back_the_outage_as_it_was(label: str, kind: str) -> None:
    before = _outage(label, outage_class="fault")
    after = step(before, some_event(kind))
    undone = step(after, Undone(after.seq, hours(6), AUTHOR))
    assert undone == replace(before, seq=before.seq + 2, changed_at=hours(6))
    assert undone.before is before.before
    assert set(allowed(undone)) == set(allowed(before))


@pytest.mark.parametrize("undoes", [0, 1, 2, 4])
def test_only_the_last_event_that_counts_is_undone(undoes: int) -> None:
    with pytest.raises(TransitionError, match=f"event {undoes} is not the last that counts, 3 is. .* undo the last"):
        step(_outage("approved"), Undone(undoes, hours(5), AUTHOR))


def test_undoing_is_not_undone_but_goes_on_to_the_event_before() -> None:
    outage = step(_outage("approved"), Undone(3, hours(5), AUTHOR))
    with pytest.raises(TransitionError, match="event 4 is not the last that counts, 2 is"):
        step(outage, Undone(4, hours(5), AUTHOR))
    outage = step(outage, Undone(2, hours(5), AUTHOR))
    assert (outage.status, outage.seq, outage.last_seq) == ("draft", 5, 1)
    with pytest.raises(TransitionError, match=r"is draft and cannot be undone \(allowed: cancelled, revised, submitted\)"):
        step(outage, Undone(1, hours(5), AUTHOR))


def test_an_outage_goes_on_after_something_was_undone() -> None:
    outage = step(_outage("cancelled"), Undone(2, hours(5), AUTHOR))
    outage = step(outage, some_event("submitted"))
    assert (outage.status, outage.seq, outage.last_seq) == ("submitted", 4, 4)
    assert step(outage, Undone(4, hours(5), AUTHOR)).status == "draft"


def _stage(*operations: tuple[float, Action], at: float = 5) -> Staged:
    return Staged(tuple(Timed(hours(hour), action, "T1") for hour, action in operations), hours(at), AUTHOR)


@pytest.mark.parametrize(
    ("stages", "status"),
    [
        ([_stage((1, "open"))], "in_progress"),
        ([_stage((1, "fault"), (1, "open"))], "in_progress"),
        ([_stage((0, "close"))], "partially_restored"),
        ([_stage((1, "open")), _stage((2, "repaired"))], "partially_restored"),
        ([_stage((1, "close")), _stage((1, "open"), (5, "open"))], "partially_restored"),
    ],
)
def test_operations_are_kept_in_order_and_a_closed_device_brings_parts_back(stages: list[Staged], status: str) -> None:
    outage = _outage("in_progress")
    for event in stages:
        outage = step(outage, event)
    assert outage.status == status
    assert outage.operations == tuple(one for event in stages for one in event.operations)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (_stage(), "no operation is given. Name the device"),
        (_stage((-0.1, "open")), "after 2026-05-01T00:00:00.* 2026-04-30T23:54:00.* is before"),
        (_stage((2, "open"), (1, "open")), "T01:00:00.* is before 2026-05-01T02:00:00"),
        (_stage((5.1, "open")), "not later than now, 2026-05-01T05:00:00"),
        (Staged((Timed(datetime(2026, 5, 1), "open", "T1"),), hours(5), AUTHOR), "2026-05-01T00:00:00 has no zone"),  # noqa: DTZ001
    ],
)
def test_operations_out_of_order_are_refused(event: Staged, says: str) -> None:
    with pytest.raises(TransitionError, match=f"outage 7.*{says}"):
        step(_outage("in_progress"), event)


def test_a_later_stage_is_not_before_an_earlier_one() -> None:
    outage = step(_outage("in_progress"), _stage((3, "open")))
    with pytest.raises(TransitionError, match="in the order of time, after 2026-05-01T03:00:00"):
        step(outage, _stage((2, "close")))


@pytest.mark.parametrize(
    ("label", "event", "says"),
    [
        ("approved", Restored(hours(-0.1), hours(5), AUTHOR), "begins at 2026-05-01T00:00:00.* Cancel it if"),
        ("in_progress", Restored(hours(-0.1), hours(5), AUTHOR), "begins at 2026-05-01T00:00:00.* Correct the time"),
        ("partially_restored", Restored(hours(2.9), hours(5), AUTHOR), "before its last operation.* Correct the time"),
        ("approved", Restored(hours(5.1), hours(5), AUTHOR), "cannot be restored at .*T05:06.*Confirm it when it has happened"),
        ("approved", SwitchedOff(hours(5.1), hours(5), AUTHOR), "cannot have gone off at .*T05:06.*Confirm it when"),
        ("approved", Restored(datetime(2026, 5, 1), hours(5), AUTHOR), "has no zone. Add one"),  # noqa: DTZ001
    ],
)
def test_nothing_is_confirmed_that_cannot_have_happened(label: str, event: Event, says: str) -> None:
    with pytest.raises(TransitionError, match=f"outage 7.*{says}"):
        step(_outage(label), event)


def test_power_may_be_back_at_the_moment_it_goes_off_or_of_the_last_operation() -> None:
    assert step(_outage("approved"), Restored(START, hours(5), AUTHOR)).restored_at == START
    assert step(_outage("partially_restored"), Restored(hours(3), hours(5), AUTHOR)).restored_at == hours(3)


def test_a_change_of_facts_is_dated_and_other_events_leave_the_date() -> None:
    revised = step(_outage("in_progress"), Revised(LONGER, hours(5), "desk"))
    assert _authorship(revised) == (LONGER, 5, hours(5), "desk")
    restored = step(revised, Restored(hours(4), hours(6), AUTHOR))
    assert _authorship(restored) == _authorship(revised)
    assert (restored.entered_by, restored.changed_at, restored.restored_at) == (AUTHOR, hours(6), hours(4))


@pytest.mark.parametrize(
    ("label", "codes"),
    [
        ("draft", {"revised": "02", "submitted": "02", "cancelled": "01", "switched_off": "03"}),
        ("submitted", {"approved": "02", "rejected": "01", "cancelled": "01", "undone": "02"}),
        ("approved", {"revised": "02", "cancelled": "01", "switched_off": "03", "restored": "03", "undone": "01"}),
        ("rejected", {"revised": "02", "cancelled": "01", "undone": "02"}),
        ("revision", {"approved": "02", "rejected": "02", "cancelled": "01", "switched_off": "03", "undone": "02"}),
        ("in_progress", {"revised": "03", "staged": "03", "restored": "03", "undone": "03"}),
        ("partially_restored", {"revised": "03", "staged": "03", "restored": "03", "undone": "03"}),
        ("restored", {"closed": "03", "undone": "03"}),
        ("closed", {"undone": "03"}),
        ("cancelled", {"undone": "02"}),
    ],
)
def test_utilities_are_told_what_kind_of_change_it_is(label: str, codes: dict[str, str]) -> None:
    outage = _outage(label)
    assert {kind: change_code(kind, outage) for kind in codes} == codes
    assert change_code("entered", None) == "00"


def test_a_fault_that_did_not_go_off_after_all_is_withdrawn() -> None:
    outage = step(_outage("draft", outage_class="fault"), some_event("switched_off"))
    assert change_code("undone", outage) == "01"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"reason": "tree"}, [("reason", "line work", "tree")]),
        ({"contact": "Zhang", "outage_class": "temporary"}, [("outage_class", "planned", "temporary"), ("contact", "", "Zhang")]),
        (
            {"switching": Switching(open=(Operation("S1", "A"),))},
            [
                (
                    "switching",
                    {"open": ["S1"], "close": [], "fault": []},
                    {"open": [["S1", "A"]], "close": [], "fault": []},
                )
            ],
        ),
        (
            {"windows": (Window(START, hours(6)),)},
            [
                (
                    "windows",
                    [{"start": "2026-05-01T00:00:00+00:00", "end": "2026-05-01T04:00:00+00:00"}],
                    [{"start": "2026-05-01T00:00:00+00:00", "end": "2026-05-01T06:00:00+00:00"}],
                )
            ],
        ),
        (
            {"estimate": Estimate(hours(3), hours(5), "crew", "low")},
            [
                (
                    "estimate",
                    None,
                    {
                        "earliest": "2026-05-01T03:00:00+00:00",
                        "latest": "2026-05-01T05:00:00+00:00",
                        "source": "crew",
                        "confidence": "low",
                        "next_update": None,
                    },
                )
            ],
        ),
    ],
)
def test_revisions_are_compared_field_by_field(changes: dict[str, object], expected: list[tuple[object, ...]]) -> None:
    assert differences(some_facts(), some_facts(**changes)) == [Difference(*one) for one in expected]  # type: ignore[arg-type]


def _facts_of(events: list[Event]) -> dict[tuple[datetime, str], list[OutageFacts]]:
    told: dict[tuple[datetime, str], list[OutageFacts]] = {}
    for event in events:
        if isinstance(event, Entered | Revised):
            told.setdefault((event.at, event.by), []).append(event.facts)
    return told


def _check_sense(outage: Outage, events: list[Event]) -> None:
    """Check what is true of every outage after ``events`` that were not undone."""
    kinds = [event.kind for event in events]
    decided = "switched_off" in kinds or "approved" in kinds or any(getattr(event, "approved", False) for event in events)
    assert (outage.in_force is not None) == (outage.in_force_seq is not None) == decided
    assert outage.facts in _facts_of(events)[outage.facts_at, outage.facts_by]
    assert (outage.entered_at, outage.entered_by) == (events[0].at, events[0].by)
    assert (outage.off_at is not None) == ("switched_off" in kinds)
    assert (outage.restored_at is not None) == ("restored" in kinds) == (outage.status in ("restored", "closed"))
    assert (outage.before is None) == (len(events) == 1)
    if outage.status in (*ON, "restored", "closed", "approved"):
        assert outage.in_force == outage.facts
    if outage.status in ON:
        assert outage.off_at is not None
    if outage.restored_at is not None:
        assert outage.in_force is not None
        assert (outage.off_at or outage.in_force.start) <= outage.restored_at <= outage.changed_at
    times = [one.at for one in outage.operations]
    assert times == sorted(times)
    assert allowed(outage) or outage.status in OVER


@settings(deadline=None, max_examples=300)
@given(command_sequences())
def test_whatever_people_try_an_outage_makes_sense(commands: tuple[Event, ...]) -> None:
    outage = begin("7", commands[0])
    taken, counting = [commands[0]], [commands[0]]
    for event in commands[1:]:
        was = replace(outage)
        try:
            after = step(outage, event)
        except TransitionError:
            assert outage == was
            continue
        assert outage == was
        assert event.kind in allowed(outage)
        assert (after.seq, after.changed_at, after.id) == (outage.seq + 1, event.at, "7")
        taken.append(event)
        if event.kind == "undone":
            counting.pop()
        else:
            counting.append(event)
            undone = step(after, Undone(after.seq, event.at + timedelta(minutes=1), "desk"))
            assert undone == replace(outage, seq=after.seq + 1, changed_at=event.at + timedelta(minutes=1))
        outage = after
        _check_sense(outage, counting)
    assert fold("7", taken) == outage


@settings(deadline=None)
@given(histories())
def test_what_was_undone_might_as_well_not_have_happened(events: tuple[Event, ...]) -> None:
    counting: list[Event] = []
    for event in events:
        counting = counting[:-1] if event.kind == "undone" else [*counting, event]
    outage, plain = fold("7", events), fold("7", counting)
    numbers = {name: getattr(outage, name) for name in ("seq", "last_seq", "facts_seq", "in_force_seq", "changed_at")}
    assert replace(plain, **numbers) == outage


def test_the_order_of_what_is_allowed_is_that_of_the_day() -> None:
    assert allowed(_outage("approved")) == ("revised", "switched_off", "restored", "cancelled", "undone")
