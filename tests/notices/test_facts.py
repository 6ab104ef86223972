"""What a notice needs, for every kind; what is missing, cannot be printed or cannot be true is named, all at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from notices.facts import KINDS, Earlier, NoticeError, check_facts
from outages.facts import Estimate, Window
from tests.notices.spoken import DAY, HOUR, PLANNED, START, TOLD, WINDOW

TWO = (WINDOW, Window(START + DAY, START + DAY + HOUR))
NAIVE = datetime(2025, 6, 12)  # noqa: DTZ001
OPEN = (Window(START, None),)
BACK: dict[str, Any] = {"kind": "restoration", "restored_at": START + HOUR, "issued_at": START + 2 * HOUR}

BAD_FACTS = [
    # Missing.
    ({"reason": " "}, "reason", "reason_missing"),
    ({"issuer": ""}, "issuer", "issuer_missing"),
    ({"hotline": ""}, "hotline", "hotline_missing"),
    ({"scope": "\n"}, "scope", "scope_missing"),
    ({"reference": ""}, "reference", "reference_missing"),
    ({"windows": ()}, "windows", "windows_missing"),
    ({"windows": OPEN}, "end", "end_missing"),
    ({"kind": "reschedule"}, "earlier", "earlier_missing"),
    ({"kind": "extension"}, "earlier", "earlier_missing"),
    ({"kind": "scope_change"}, "earlier", "earlier_missing"),
    ({"kind": "cancellation"}, "earlier", "earlier_missing"),
    ({"kind": "unaffected"}, "earlier", "earlier_missing"),
    (BACK | {"restored_at": None}, "restored_at", "restored_at_missing"),
    # Not to be printed.
    ({"reason": "检" * 3000}, "reason", "reason_too_long"),
    ({"why": "a" * 301}, "why", "why_too_long"),
    ({"remark": "a" * 301}, "remark", "remark_too_long"),
    ({"reason": "线路\u202e检修"}, "reason", "text_unprintable"),
    ({"scope": "青河镇\x00"}, "scope", "text_unprintable"),
    ({"lines": ("青河线\n",)}, "lines", "text_unprintable"),
    ({"remark": "\x1b[1m"}, "remark", "text_unprintable"),
    ({"scope": "רחוב הרצל 12"}, "scope", "text_right_to_left"),
    ({"reason": "<b>检修</b>"}, "reason", "text_markup"),
    ({"scope": 'Hill Street <img src="x">'}, "scope", "text_markup"),
    ({"remark": "Dear [[surname]]"}, "remark", "text_placeholder"),
    ({"reason": "[[name]]"}, "reason", "text_placeholder"),
    ({"link": "javascript:alert(1)"}, "link", "link_unknown"),
    ({"link": "https://power.example/a b"}, "link", "link_unknown"),
    # Not known.
    ({"outage_class": "blackout"}, "outage_class", "outage_class_unknown"),
    ({"kind": "cancel"}, "kind", "kind_unknown"),
    ({"zone": "Asia/Nowhere"}, "zone", "zone_unknown"),
    ({"zone": ""}, "zone", "zone_unknown"),
    ({"zone": "../etc/passwd"}, "zone", "zone_unknown"),
    # Times that cannot be.
    ({"issued_at": NAIVE}, "issued_at", "time_naive"),
    (BACK | {"restored_at": NAIVE}, "restored_at", "time_naive"),
    ({"earlier": replace(TOLD, issued_at=NAIVE)}, "earlier", "time_naive"),
    ({"earlier": replace(TOLD, end=NAIVE)}, "earlier.end", "time_naive"),
    ({"windows": TWO[::-1]}, "windows", "windows_overlap"),
    ({"windows": (*OPEN, TWO[1])}, "windows", "windows_overlap"),
    ({"estimate": Estimate(START, START, "crew", "low")}, "end", "end_before_start"),
    ({"issued_at": WINDOW.end}, "end", "end_passed"),
    ({"outage_class": "fault"}, "start", "fault_in_future"),
    ({"alternative": WINDOW}, "alternative", "alternative_too_early"),
    ({"earlier": replace(TOLD, issued_at=START)}, "earlier", "earlier_after"),
    ({"earlier": replace(TOLD, windows=())}, "earlier", "earlier_windows_missing"),
    ({"kind": "reschedule", "earlier": TOLD}, "windows", "nothing_changed"),
    ({"kind": "extension", "earlier": TOLD}, "end", "end_not_later"),
    ({"kind": "extension", "earlier": replace(TOLD, end=None)}, "earlier", "earlier_end_missing"),
    (BACK | {"restored_at": START}, "restored_at", "restored_at_impossible"),
    (BACK | {"restored_at": START + 3 * HOUR}, "restored_at", "restored_at_impossible"),
]


@pytest.mark.parametrize(("change", "field", "code"), BAD_FACTS)
def test_a_fact_that_is_missing_or_cannot_be_true_is_named(change: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(NoticeError) as raised:
        check_facts(replace(PLANNED, **change))
    (problem,) = raised.value.problems
    assert (problem.field, problem.code) == (field, code)
    assert problem.says.count(".") >= 2  # what happened, and what to do


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(NoticeError) as raised:
        check_facts(replace(PLANNED, reason="", hotline="", zone="x", windows=OPEN, kind="scope_change"))
    assert [problem.field for problem in raised.value.problems] == ["reason", "hotline", "earlier", "zone", "end"]


STATES = [
    ({"issued_at": START - timedelta(seconds=1)}, "ahead", None, WINDOW),
    ({"issued_at": START}, "underway", WINDOW, None),
    ({"issued_at": WINDOW.end}, "over", None, None),
    ({"windows": TWO, "issued_at": START}, "underway", WINDOW, TWO[1]),
    ({"windows": TWO, "issued_at": WINDOW.end}, "underway", None, TWO[1]),
    ({"windows": TWO, "issued_at": TWO[1].end}, "over", None, None),
    ({"windows": OPEN, "issued_at": START + 90 * DAY}, "underway", OPEN[0], None),
    (
        {"estimate": Estimate(START + HOUR, START + 10 * HOUR, "crew", "low"), "issued_at": START + 9 * HOUR},
        "underway",
        Window(START, START + 10 * HOUR),
        None,
    ),
    (BACK, "over", None, None),
]


@pytest.mark.parametrize(("change", "state", "current", "following"), STATES)
def test_how_an_outage_stands_follows_the_time_of_issue(
    change: dict[str, Any], state: str, current: Window | None, following: Window | None
) -> None:
    facts = replace(PLANNED, **change)
    assert (facts.state, facts.current, facts.following) == (state, current, following)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_told_with_what_it_needs(kind: Any) -> None:
    told = Earlier((Window(START, START + HOUR),), START + HOUR, START - 9 * DAY)
    check_facts(replace(PLANNED, **{"kind": kind, "earlier": told} | (BACK if kind == "restoration" else {})))
