"""Which kind of notice is due, after what was told and what has happened since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notices.change import Told, kind_due
from outages.events import Approved, Cancelled, Entered, Event, Outage, Restored, Revised, Submitted, SwitchedOff, Undone
from outages.facts import Estimate, Operation, OutageFacts, Switching, Window
from outages.lifecycle import fold

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFF, ON = NOW + 24 * HOUR, NOW + 32 * HOUR
PLAN = OutageFacts("planned", Switching((Operation("F1"),)), (Window(OFF, ON),), "works")
FAULT = OutageFacts("fault", Switching((), fault=("L1",)), (Window(NOW - HOUR, None),), "fault")
FORCE: tuple[Event, ...] = (Entered(PLAN, NOW, "ana"), Submitted(NOW, "ana"), Approved(NOW, "ben"))
BROKEN: tuple[Event, ...] = (Entered(FAULT, NOW, "ana"), SwitchedOff(NOW - HOUR, NOW, "ana"))


def outage(*events: Event) -> Outage:
    return fold("7", events)


def revised(*windows: Window, facts: OutageFacts = PLAN, estimate: Estimate | None = None) -> Revised:
    return Revised(replace(facts, windows=windows, estimate=estimate), NOW, "ana", "why", approved=True)


def told(kind: str = "first", facts: OutageFacts = PLAN) -> Told:
    return Told(kind, facts.windows, facts.end)  # type: ignore[arg-type]


BACK_AT_NOON = Estimate(NOW + 3 * HOUR, NOW + 4 * HOUR, "crew", "high")
SOONER = Estimate(NOW + HOUR, NOW + 2 * HOUR, "crew", "high")


@pytest.mark.parametrize(
    ("before", "events", "due"),
    [
        (None, FORCE[:1], None),
        (None, FORCE[:2], None),
        (None, FORCE, "first"),
        (None, BROKEN, "first"),
        (None, (*FORCE, Cancelled(NOW, "ana", "rain")), None),
        (None, (*BROKEN, Restored(NOW, NOW, "ana")), None),
        (told(), FORCE, None),
        (told(), (*FORCE, revised(Window(OFF, ON + HOUR))), "extension"),
        (told(), (*FORCE, revised(Window(OFF, ON - HOUR))), "reschedule"),
        (told(), (*FORCE, revised(Window(OFF + HOUR, ON + HOUR))), "reschedule"),
        (told(), (*FORCE, revised(Window(OFF, ON), Window(ON + HOUR, ON + 2 * HOUR))), "reschedule"),
        (told(), (*FORCE, Cancelled(NOW, "ana", "rain")), "cancellation"),
        (told(), (*FORCE, Undone(3, NOW, "ben", "not yet")), "cancellation"),
        (told(), (*FORCE, Revised(replace(PLAN, windows=(Window(OFF, ON + HOUR),)), NOW, "ana", "why")), None),
        (told(facts=FAULT), (*BROKEN, Restored(NOW, NOW, "ana")), "restoration"),
        (told("restoration", FAULT), (*BROKEN, Restored(NOW, NOW, "ana")), None),
        (told("cancellation"), (*FORCE, Cancelled(NOW, "ana", "rain")), None),
        (told(facts=FAULT), (*BROKEN, revised(*FAULT.windows, facts=FAULT, estimate=BACK_AT_NOON)), "reschedule"),
        (
            told(facts=replace(FAULT, estimate=SOONER)),
            (*BROKEN, revised(*FAULT.windows, facts=FAULT, estimate=BACK_AT_NOON)),
            "extension",
        ),
    ],
)
def test_the_kind_that_is_due_follows_from_what_was_told_and_what_is(
    before: Told | None, events: tuple[Event, ...], due: str | None
) -> None:
    assert kind_due(before, outage(*events)) == due


def test_other_people_make_a_change_of_scope_and_a_change_of_times_goes_before_it() -> None:
    assert kind_due(told(), outage(*FORCE), scope_changed=True) == "scope_change"
    longer = (*FORCE, revised(Window(OFF, ON + HOUR)))
    assert kind_due(told(), outage(*longer), scope_changed=True) == "extension"
