"""What a bulletin refuses, all at once and by name."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import shapely

from notices.bulletin import Area, Bulletin, Issue
from notices.facts import NoticeError
from outages.facts import Estimate, Window
from tests.notices.standards.sample import EN, FAULT, HOUR, MOVED, PLANNED, PUBLISHER, RESTORED, START, ZH, issue_of

BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
NAMED = (("zh-CN", "青河镇"), ("en", "Qinghe Town"))
TWO = (Window(START, START + HOUR), Window(START + HOUR / 2, START + 2 * HOUR))
BROKEN: list[tuple[Bulletin, dict[str, Any], str]] = [
    (PLANNED, {"reference": " "}, "reference_missing"),
    (PLANNED, {"revision": 0}, "revision_low"),
    (PLANNED, {"at_least": 0}, "count_low"),
    (PLANNED, {"kind": "new"}, "kind_unknown"),
    (PLANNED, {"status": "over"}, "status_unknown"),
    (PLANNED, {"outage_class": "party"}, "outage_class_unknown"),
    (PLANNED, {"sent": datetime(2025, 6, 4)}, "time_naive"),  # noqa: DTZ001
    (PLANNED, {"sent": PLANNED.sent.replace(year=1025)}, "time_absurd"),
    (PLANNED, {"publisher": replace(PUBLISHER, zone="Mars/Base")}, "zone_unknown"),
    (PLANNED, {"publisher": replace(PUBLISHER, sender="a b@c")}, "sender_malformed"),
    (PLANNED, {"publisher": replace(PUBLISHER, sender="a,b@c")}, "sender_malformed"),
    (PLANNED, {"publisher": replace(PUBLISHER, hotline="")}, "hotline_missing"),
    (PLANNED, {"web": "javascript:alert(1)"}, "web_malformed"),
    (PLANNED, {"web": "https://a b"}, "web_malformed"),
    (PLANNED, {"words": ()}, "words_missing"),
    (PLANNED, {"words": (ZH, ZH)}, "language_twice"),
    (PLANNED, {"words": (replace(ZH, language="Chinese!"), EN)}, "language_malformed"),
    (PLANNED, {"words": (ZH, replace(EN, headline=""))}, "headline_missing"),
    (PLANNED, {"words": (ZH, replace(EN, headline="x" * 161))}, "text_too_long"),
    (PLANNED, {"words": (ZH, replace(EN, cause="x" * 10_001))}, "text_too_long"),
    (PLANNED, {"words": (ZH, replace(EN, headline="a\nb"))}, "text_unprintable"),
    (PLANNED, {"words": (ZH, replace(EN, description="a\x00b"))}, "text_unprintable"),
    (PLANNED, {"words": (ZH, replace(EN, description="\u202etxet"))}, "text_unprintable"),
    (PLANNED, {"words": (ZH, replace(EN, instruction="a\ud800"))}, "text_unprintable"),
    (PLANNED, {"words": (ZH, replace(EN, cause="a\ufffe"))}, "text_unprintable"),
    (PLANNED, {"areas": ()}, "areas_missing"),
    (PLANNED, {"areas": (Area((("en", "Hexi"),)),)}, "area_name_missing"),
    (PLANNED, {"areas": (Area(()),)}, "area_name_missing"),
    (PLANNED, {"areas": (Area(NAMED, (BOW_TIE,)),)}, "polygon_invalid"),
    (PLANNED, {"areas": (Area(NAMED, (shapely.Polygon(),)),)}, "polygon_invalid"),
    (PLANNED, {"areas": (Area(NAMED, (shapely.box(179, 0, 181, 1),)),)}, "polygon_invalid"),
    (PLANNED, {"areas": (Area(NAMED, (shapely.box(0, 0, 1, 91),)),)}, "polygon_invalid"),
    (PLANNED, {"kind": "update"}, "chain_broken"),
    (MOVED, {"kind": "first"}, "chain_broken"),
    (MOVED, {"kind": "cancel"}, "kind_and_status"),
    (MOVED, {"status": "cancelled"}, "kind_and_status"),
    (MOVED, {"revision": 1}, "chain_order"),
    (MOVED, {"earlier": (Issue(1, MOVED.sent + HOUR, ()),)}, "chain_order"),
    (MOVED, {"earlier": (issue_of(PLANNED), issue_of(PLANNED))}, "chain_order"),
    (PLANNED, {"windows": ()}, "windows_number"),
    (PLANNED, {"windows": TWO}, "windows_overlap"),
    (PLANNED, {"windows": (Window(START, None),)}, "end_missing"),
    (FAULT, {"estimate": Estimate(START, START, "crew", "low")}, "estimate_before_window"),
    (PLANNED, {"outage_class": "fault"}, "fault_in_future"),
    (PLANNED, {"sent": START}, "planned_but_begun"),
    (PLANNED, {"status": "current"}, "current_but_ahead"),
    (RESTORED, {"sent": START + HOUR}, "restored_but_open"),
    (RESTORED, {"estimate": Estimate(START + HOUR, START + HOUR, "crew", "low")}, "restored_but_open"),
]


@pytest.mark.parametrize(("bulletin", "changes", "code"), BROKEN, ids=[f"{case[2]}-{next(iter(case[1]))}" for case in BROKEN])
def test_what_cannot_be_told_is_refused_by_name(bulletin: Bulletin, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(NoticeError) as refused:
        replace(bulletin, **changes)
    assert code in {problem.code for problem in refused.value.problems}
    assert all(problem.says.endswith(".") for problem in refused.value.problems)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(NoticeError) as refused:
        replace(PLANNED, revision=0, web="", areas=(), words=(replace(ZH, cause=""),))
    assert [problem.field for problem in refused.value.problems] == ["revision", "web", "cause", "areas"]


def test_line_ends_of_any_system_are_line_ends() -> None:
    assert replace(EN, description=" a\r\nb\rc\n").description == "a\nb\nc"


def test_times_are_compared_in_utc_whatever_their_zone() -> None:
    told = datetime.fromisoformat("2025-06-12T08:29:59+08:00")
    assert replace(PLANNED, sent=told).status == "planned"


def test_a_bulletin_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(MOVED)) == MOVED
    assert len({MOVED, replace(MOVED), PLANNED}) == 2
    with pytest.raises(AttributeError):
        MOVED.status = "current"  # type: ignore[misc]


def test_words_are_asked_for_in_a_language_that_is_told() -> None:
    assert PLANNED.in_language("en") == EN
    with pytest.raises(NoticeError, match=r"not told in 'fr'.*zh-CN, en"):
        PLANNED.in_language("fr")


def test_no_window_gets_empty_by_rounding() -> None:
    assert replace(PLANNED, windows=(Window(START, START + timedelta(microseconds=1)),)).windows[0].end is not None
