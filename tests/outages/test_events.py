"""Events go to JSON and back, those of earlier releases too."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given

from outages.events import EVENT_KINDS, Entered, Event, Revised, event_from_json
from outages.facts import FactsError, facts_to_json
from outages.lifecycle import fold
from tests.outages.strategies import AUTHOR, events_values, hours, some_event, some_facts

KINDS = (
    "entered",
    "revised",
    "submitted",
    "approved",
    "rejected",
    "switched_off",
    "staged",
    "restored",
    "closed",
    "cancelled",
    "undone",
)


def test_the_kinds_of_events_are_these_and_stored_ones_stay_readable() -> None:
    assert tuple(EVENT_KINDS) == KINDS


@given(events_values())
def test_every_event_survives_json(event: Event) -> None:
    body = json.loads(json.dumps(event.body()))
    assert event_from_json(event.kind, body, at=event.at, by=event.by) == event


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("entered", {"facts": facts_to_json(some_facts()), "why": "", "approved": False}),
        ("revised", {"facts": facts_to_json(some_facts()), "why": "longer", "approved": False}),
        ("submitted", {"why": ""}),
        ("approved", {"why": ""}),
        ("rejected", {"why": "too long"}),
        ("switched_off", {"off_at": "2026-05-01T00:00:00+00:00", "why": ""}),
        ("staged", {"operations": [["2026-05-01T03:00:00+00:00", "close", "T1", ""]], "why": ""}),
        ("restored", {"restored_at": "2026-05-01T04:00:00+00:00", "why": ""}),
        ("closed", {"why": ""}),
        ("cancelled", {"why": "rain"}),
        ("undone", {"undoes": 3, "why": "mistyped"}),
    ],
)
def test_the_body_of_an_event_is_what_it_was(kind: str, body: dict[str, Any]) -> None:
    event = some_event(kind, undoes=3)
    assert event.body() == body
    assert event_from_json(kind, body, at=event.at, by=event.by) == event


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_says_when_by_whom_and_why(kind: str) -> None:
    names = [one.name for one in fields(EVENT_KINDS[kind])]
    assert [name for name in names if name in ("at", "by", "why")] == ["at", "by", "why"]


def test_an_event_of_a_newer_release_is_named() -> None:
    with pytest.raises(ValueError, match=r"'paused' is not known \(known: entered, .* newer release"):
        event_from_json("paused", {}, at=hours(0), by=AUTHOR)


def test_facts_that_cannot_be_true_are_not_read_either() -> None:
    body = some_event("entered").body()
    body["facts"]["reason"] = ""
    with pytest.raises(FactsError, match="No reason is given"):
        event_from_json("entered", body, at=hours(0), by=AUTHOR)


# What release 0.1.0 wrote: one window, no word of approval, and "reason" for why.
OLD_FACTS = {
    "outage_class": "planned",
    "switching": {"open": ["S1"], "close": [], "fault": []},
    "start": "2026-05-01T00:00:00+00:00",
    "end": "2026-05-01T04:00:00+00:00",
    "reason": "line work",
}
ENTERED = ("entered", {"facts": OLD_FACTS})
REVISED = ("revised", {"facts": {**OLD_FACTS, "reason": "longer line work"}})
RESTORED = ("restored", {"restored_at": "2026-05-01T03:30:00+00:00"})
CANCELLED = ("cancelled", {"reason": "rain"})


def _old_events(*bodies: tuple[str, dict[str, Any]]) -> list[Event]:
    return [event_from_json(kind, body, at=hours(4 + number), by=AUTHOR) for number, (kind, body) in enumerate(bodies)]


@pytest.mark.parametrize(
    ("bodies", "status", "reason"),
    [
        ([ENTERED], "approved", "line work"),
        ([ENTERED, REVISED], "approved", "longer line work"),
        ([ENTERED, REVISED, REVISED, RESTORED], "restored", "longer line work"),
        ([ENTERED, RESTORED], "restored", "line work"),
        ([ENTERED, CANCELLED], "cancelled", "line work"),
        ([ENTERED, REVISED, CANCELLED], "cancelled", "longer line work"),
    ],
)
def test_outages_of_release_0_1_0_are_in_force_as_they_were(
    bodies: list[tuple[str, dict[str, Any]]], status: str, reason: str
) -> None:
    outage = fold("7", _old_events(*bodies))
    assert (outage.status, outage.seq) == (status, len(bodies))
    assert outage.in_force == outage.facts == some_facts(reason=reason)
    assert outage.restored_at == (hours(3.5) if status == "restored" else None)


def test_bodies_of_release_0_1_0_say_all_that_this_release_asks() -> None:
    entered, revised, restored, cancelled = _old_events(ENTERED, REVISED, RESTORED, CANCELLED)
    assert isinstance(entered, Entered)
    assert isinstance(revised, Revised)
    assert (entered.approved, revised.approved) == (True, True)
    assert [event.why for event in (entered, revised, restored, cancelled)] == ["", "", "", "rain"]


def test_who_enters_now_has_nothing_approved_by_that() -> None:
    assert fold("7", [Entered(some_facts(), hours(0), AUTHOR)]).status == "draft"
