"""From when until when an outage goes on, whether it is to come, over or overdue: only people end outages."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.events import Entered, Event, Outage, Restored, SwitchedOff
from outages.facts import Estimate, Window
from outages.lifecycle import OVER, active_spans, fold, is_active, is_overdue, when
from tests.outages.strategies import AUTHOR, HISTORIES, START, histories, history, hours, some_facts

Span = tuple[float, float | None]
ONE, THREE, OPEN = [(8, 12)], [(8, 12), (20, 24), (32, 36)], [(8, None)]


def _outage(windows: list[Span], off: float | None = None, back: float | None = None, **changes: object) -> Outage:
    """Return an outage in force with these windows, hours after `START`, gone off and restored at these hours."""
    spans = tuple(Window(hours(start), None if end is None else hours(end)) for start, end in windows)
    events: list[Event] = [Entered(some_facts(outage_class="fault", windows=spans, **changes), START, AUTHOR, approved=True)]
    events += [] if off is None else [SwitchedOff(hours(off), hours(50), AUTHOR)]
    events += [] if back is None else [Restored(hours(back), hours(50), AUTHOR)]
    return fold("7", events)


@pytest.mark.parametrize(
    ("windows", "off", "back", "expected"),
    [
        # As planned; the last window goes on until somebody confirms that power is back.
        (ONE, None, None, [(8, None)]),
        (THREE, None, None, [(8, 12), (20, 24), (32, None)]),
        (OPEN, None, None, [(8, None)]),
        # Off early, late, between two windows, on their edges, and after all of them.
        (THREE, 7, None, [(7, 12), (20, 24), (32, None)]),
        (THREE, 9, None, [(9, 12), (20, 24), (32, None)]),
        (THREE, 15, None, [(15, 24), (32, None)]),
        (THREE, 12, None, [(12, 24), (32, None)]),
        (THREE, 20, None, [(20, 24), (32, None)]),
        (THREE, 33, None, [(33, None)]),
        (THREE, 40, None, [(40, None)]),
        (ONE, 7, None, [(7, None)]),
        (OPEN, 7, None, [(7, None)]),
        # Back within a window, between two, on their edges, and after all of them.
        (ONE, None, 10, [(8, 10)]),
        (ONE, None, 14, [(8, 14)]),
        (OPEN, None, 9, [(8, 9)]),
        (THREE, None, 9, [(8, 9)]),
        (THREE, None, 12, [(8, 12)]),
        (THREE, None, 15, [(8, 12)]),
        (THREE, None, 20, [(8, 12)]),
        (THREE, None, 21, [(8, 12), (20, 21)]),
        (THREE, None, 40, [(8, 12), (20, 24), (32, 40)]),
        (THREE, None, 8, []),
        # Both.
        (ONE, 7, 13, [(7, 13)]),
        (THREE, 9, 10, [(9, 10)]),
        (THREE, 9, 15, [(9, 12)]),
        (THREE, 7, 7.5, [(7, 7.5)]),
        (THREE, 7, 7, []),
        (THREE, 15, 16, [(15, 16)]),
        (THREE, 15, 33, [(15, 24), (32, 33)]),
        (THREE, 40, 41, [(40, 41)]),
        (OPEN, 7, 30, [(7, 30)]),
    ],
)
def test_what_is_confirmed_takes_the_place_of_what_was_planned(
    windows: list[Span], off: float | None, back: float | None, expected: list[Span]
) -> None:
    outage = _outage(windows, off, back)
    assert active_spans(outage) == [(hours(start), None if end is None else hours(end)) for start, end in expected]
    for hour in range(6, 45):
        assert is_active(outage, hours(hour)) is any(start <= hour and (end is None or hour < end) for start, end in expected)


@pytest.mark.parametrize("label", sorted(HISTORIES))
def test_what_is_not_in_force_is_not_active(label: str) -> None:
    outage = fold("7", history(HISTORIES[label]))
    assert (active_spans(outage) == []) is (label in ("draft", "submitted", "rejected", "cancelled"))


def test_what_was_in_force_and_is_cancelled_is_not_active() -> None:
    cancelled = fold("7", history("entered submitted approved cancelled"))
    assert cancelled.in_force is not None
    assert (active_spans(cancelled), when(cancelled, START)) == ([], "past")


def test_a_revision_changes_nothing_until_it_is_approved() -> None:
    events = history("entered submitted approved revised approved")
    longer = some_facts(windows=(Window(hours(2), hours(8)),))
    revised = type(events[3])(longer, hours(1), AUTHOR)
    assert active_spans(fold("7", [*events[:3], revised])) == [(START, None)]
    assert active_spans(fold("7", [*events[:3], revised, events[4]])) == [(hours(2), None)]


@pytest.mark.parametrize(
    ("label", "hour", "expected", "overdue"),
    [
        ("draft", -1, "draft", False),
        ("draft", 9, "draft", False),
        ("submitted", 9, "draft", False),
        ("rejected", 9, "draft", False),
        ("approved", -0.01, "planned", False),
        ("approved", 0, "current", False),
        ("approved", 3.99, "current", False),
        ("approved", 4, "current", True),
        ("approved", 999, "current", True),
        ("revision", -0.01, "planned", False),
        ("revision", 4, "current", True),
        ("in_progress", 3.99, "current", False),
        ("in_progress", 4, "current", True),
        ("partially_restored", 999, "current", True),
        ("restored", 0, "past", False),
        ("restored", 4, "past", False),
        ("closed", 999, "past", False),
        ("cancelled", -9, "past", False),
        ("cancelled", 9, "past", False),
    ],
)
def test_only_a_person_ends_an_outage(label: str, hour: float, expected: str, overdue: bool) -> None:
    outage = fold("7", history(HISTORIES[label]))
    assert (when(outage, hours(hour)), is_overdue(outage, hours(hour))) == (expected, overdue)


@pytest.mark.parametrize(
    ("windows", "off", "estimate", "hour", "expected", "overdue"),
    [
        (THREE, None, None, 7, "planned", False),
        (THREE, 6, None, 7, "current", False),  # off early
        (THREE, 9, None, 15, "current", False),  # between two windows it goes on
        (THREE, 9, None, 35, "current", False),
        (THREE, 9, None, 36, "current", True),
        (OPEN, 9, None, 999, "current", False),  # nobody said until when
        (OPEN, 9, 14, 13, "current", False),
        (OPEN, 9, 14, 14, "current", True),
        (ONE, 9, 14, 13, "current", False),  # the estimate is newer than the plan
        (ONE, 9, 10, 11, "current", True),
    ],
)
def test_windows_and_estimates_say_when_to_ask_for_news(
    windows: list[Span], off: float | None, estimate: float | None, hour: float, expected: str, overdue: bool
) -> None:
    known = None if estimate is None else Estimate(hours(estimate), hours(estimate), "crew", "low")
    outage = _outage(windows, off, estimate=known)
    assert (when(outage, hours(hour)), is_overdue(outage, hours(hour))) == (expected, overdue)


@settings(deadline=None, max_examples=300)
@given(histories())
def test_spans_are_in_order_and_between_what_is_confirmed(events: tuple[Event, ...]) -> None:
    outage = fold("7", events)
    spans = active_spans(outage)
    assert all(end is None or start < end for start, end in spans)
    assert all(end is not None and end <= start for (_, end), (start, _) in pairwise(spans))
    if outage.in_force is None or outage.status == "cancelled":
        assert spans == []
    elif outage.restored_at is None:
        assert spans[-1][1] is None
    else:
        assert all(end is not None and end <= outage.restored_at for _, end in spans)
    if outage.off_at is not None and spans:
        assert spans[0][0] == outage.off_at


@settings(deadline=None, max_examples=300)
@given(histories(), st.integers(0, 100))
def test_when_and_whether_it_is_active_agree(events: tuple[Event, ...], later: int) -> None:
    outage = fold("7", events)
    now = outage.changed_at + timedelta(hours=later)
    told = when(outage, now)
    assert (told == "past") is (outage.status in OVER)
    if told in ("draft", "planned", "past"):
        assert not is_active(outage, now)
    if is_overdue(outage, now):
        assert (told, is_active(outage, now)) == ("current", True)
    if outage.off_at is not None and outage.restored_at is None:
        assert told == "current"
