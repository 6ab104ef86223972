"""Outages are found by when they last, and pages of them hold each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sought import About, Sought, find_page
from outages.events import Entered, Event, Outage, Restored, SwitchedOff
from outages.facts import FactsError, Operation, OutageFacts, Switching, Window
from outages.lifecycle import fold

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = OutageFacts("planned", Switching((Operation("S1"),)), (Window(NOON, NOON + 4 * HOUR),), "line work")
ABOUT = About(device_name=lambda device: f"switch {device}", feeders=lambda outage: ("F1",))


def outage(*events: Event, facts: OutageFacts = FACTS, outage_id: str = "1", approved: bool = True) -> Outage:
    return fold(outage_id, [Entered(facts, NOON - 24 * HOUR, "control", approved=approved), *events])


def hour(count: float) -> datetime:
    return NOON + count * HOUR


OFF = SwitchedOff(hour(-1), hour(0), "control")
BACK = Restored(hour(2), hour(2), "control")


@pytest.mark.parametrize(
    ("given", "now", "start", "end", "found"),
    [
        (outage(), -5, None, None, True),
        (outage(), -5, 4, None, False),
        (outage(), -5, 3.9, None, True),
        (outage(), -5, None, 0, False),
        (outage(), -5, None, 0.1, True),
        (outage(approved=False), 9, 4, None, False),
        # Nobody has confirmed that it is over: it goes on, whatever was planned.
        (outage(), 9, 8, None, True),
        (outage(), 9, 80, None, True),
        # It began earlier and ended earlier than planned.
        (outage(OFF), 1, None, -0.5, True),
        (outage(OFF, BACK), 5, 1.9, None, True),
        (outage(OFF, BACK), 5, 2, None, False),
        (outage(facts=replace(FACTS, outage_class="fault", windows=(Window(NOON, None),)), approved=False), -5, 99, None, True),
    ],
)
def test_an_outage_lasts_from_when_power_went_off_until_somebody_says_that_it_is_back(
    given: Outage, now: float, start: float | None, end: float | None, found: bool
) -> None:
    sought = Sought(start=None if start is None else hour(start), end=None if end is None else hour(end))
    assert sought.matches(given, hour(now)) == found


@pytest.mark.parametrize("text", ["", " ", "S1", "s1", "SWITCH s", "Line", "work", "1"])
def test_text_is_sought_in_the_id_the_reason_and_the_devices(text: str) -> None:
    assert _page([outage()], Sought(text=text))[0]


@pytest.mark.parametrize("sought", [Sought(text="nothing"), Sought(feeder="F2"), Sought(feeder="F"), Sought(classes=("fault",))])
def test_what_is_not_all_that_was_asked_for_is_left_out(sought: Sought) -> None:
    assert _page([outage()], sought) == ([], None)


def test_feeders_are_asked_for_only_where_all_the_rest_is_right() -> None:
    asked: list[str] = []

    def feeders(one: Outage) -> tuple[str, ...]:
        asked.append(one.id)
        return ("F1",)

    entered = [outage(outage_id=str(number)) for number in range(20)]
    about = About(ABOUT.device_name, feeders)
    found, after = find_page(entered, Sought(feeder="F1"), about, NOON, after="", limit=2)
    assert ([one.id for one in found], after, asked) == (["19", "18"], "18", ["19", "18", "17"])


@given(drafts=st.lists(st.booleans(), max_size=30), limit=st.integers(1, 8))
def test_the_pages_together_hold_each_outage_once_the_last_entered_first(drafts: list[bool], limit: int) -> None:
    entered = [outage(outage_id=str(number), approved=not draft) for number, draft in enumerate(drafts)]
    seen, after = [], ""
    while True:
        page, following = _page(entered, Sought(when="draft"), after=after, limit=limit)
        seen += page
        entered.append(outage(outage_id=f"new-{len(entered)}", approved=False))  # which is on none of the later pages
        if following is None:
            break
        after = following
    assert seen == [str(number) for number, draft in reversed([*enumerate(drafts)]) if draft]


def test_a_page_after_an_outage_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(FactsError, match="Take next from the page before"):
        _page([outage()], Sought(), after="2")


def _page(entered: Sequence[Outage], sought: Sought, *, after: str = "", limit: int = 10) -> tuple[list[str], str | None]:
    found, following = find_page(entered, sought, ABOUT, hour(-5), after=after, limit=limit)
    return [one.id for one in found], following
