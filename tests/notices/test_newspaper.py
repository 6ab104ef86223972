"""The page of a newspaper: every outage of the week in a row by date, what changed marked, what all share said once."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notices.facts import Earlier, NoticeError, NoticeFacts
from notices.newspaper import NewspaperPage, compose_page
from outages.facts import CONFIDENCES, SOURCES, Estimate, Window, daily_windows

GOLDEN = Path(__file__).parent / "golden" / "page"
ZONE = "Asia/Shanghai"
WEEK = (date(2025, 6, 9), date(2025, 6, 15))
PARTS = {
    "zh": {
        "issuer": "青河供电公司",
        "reason": "线路检修",
        "lines": ("10千伏河东线",),
        "scope": "中山路 12–48 号（双号）\n柳园小区",
    },
    "en": {
        "issuer": "Qinghe Power",
        "reason": "line work",
        "lines": ("10 kV Hill",),
        "scope": "Hill Street 12–48 (even)\nWillow Court",
    },
}


TURN = ((31, 12, 2025), (1, 1, 2026))


def at(day: int, hour: int, minute: int = 0, *, month: int = 6, year: int = 2025, zone: str = ZONE) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


def morning(day: int, until: int = 12) -> Window:
    return Window(at(day, 8, 30), at(day, until))


def told(*windows: Window) -> Earlier:
    return Earlier(windows, windows[-1].end, at(2, 9))


def notice(number: int, *windows: Window, language: str = "en", **changed: Any) -> NoticeFacts:
    shared = {"outage_class": "planned", "hotline": "95598", "zone": ZONE, "issued_at": at(4, 9)}
    return NoticeFacts(**{"reference": f"202506-{number:03}", "windows": windows, **shared, **PARTS[language], **changed})


def page(*notices: NoticeFacts, language: str = "en", first: date = WEEK[0], last: date = WEEK[1]) -> NewspaperPage:
    return compose_page(notices, language=language, first=first, last=last, issued_at=at(5, 9))


def a_week(language: str) -> list[NoticeFacts]:
    why = {"zh": "因雨", "en": "rain"}[language]
    days = daily_windows(WEEK[0], date(2025, 6, 13), off=time(7), on=time(18), zone=ZONE)
    night = Window(at(14, 22), at(15, 6))
    return [
        notice(1, morning(12, 17), language=language),
        notice(2, morning(13), language=language, kind="reschedule", earlier=told(morning(11)), why=why),
        notice(3, morning(11), language=language, kind="cancellation", earlier=told(morning(11)), why=why),
        notice(4, *days, language=language),
        notice(5, night, language=language, outage_class="load_transfer", lines=()),
        notice(6, morning(10), morning(14), language=language, outage_class="temporary"),
        notice(7, morning(12, 18), language=language, kind="extension", earlier=told(morning(12, 17))),
        notice(8, morning(9), language=language, kind="scope_change", earlier=told(morning(9))),
        notice(9, morning(15), language=language, kind="unaffected", earlier=told(morning(15))),
    ]


def regenerate() -> None:
    """Write the golden pages: ``python -c "from tests.notices.test_newspaper import regenerate; regenerate()"``. Read them."""
    for language in PARTS:
        (GOLDEN / f"{language}.txt").write_text(page(*a_week(language), language=language).text, encoding="utf-8")


@pytest.mark.parametrize("language", PARTS)
def test_a_week_reads_as_it_was_read_by_a_person(language: str) -> None:
    golden = (GOLDEN / f"{language}.txt").read_text(encoding="utf-8")
    assert page(*a_week(language), language=language).text == golden


def test_the_page_does_not_depend_on_the_order_of_the_notices() -> None:
    week = a_week("en")
    shuffled = random.Random(1).sample(week, len(week))
    assert page(*shuffled) == page(*week)


def test_rows_are_by_date_and_each_window_has_one() -> None:
    rows = page(notice(2, morning(12)), notice(1, morning(10), morning(13))).rows
    assert [(row.days, row.reference) for row in rows] == [
        (("Tue 10 Jun",), "202506-001"),
        (("Thu 12 Jun",), "202506-002"),
        (("Fri 13 Jun",), "202506-001"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "zh", "en"),
    [
        (date(2025, 6, 9), date(2025, 6, 15), "2025年6月9日至15日", "9 to 15 June 2025"),
        (date(2025, 6, 1), date(2025, 6, 30), "2025年6月", "June 2025"),
        (date(2025, 6, 12), date(2025, 6, 12), "2025年6月12日", "12 June 2025"),
        (date(2025, 5, 30), date(2025, 6, 30), "2025年5月30日至6月30日", "30 May to 30 June 2025"),
        (date(2024, 12, 30), date(2025, 6, 30), "2024年12月30日至2025年6月30日", "30 December 2024 to 30 June 2025"),
    ],
)
def test_the_heading_names_the_week_or_the_month(first: date, last: date, zh: str, en: str) -> None:
    assert page(notice(1, morning(12), language="zh"), language="zh", first=first, last=last).title == f"{zh}计划停电公告"
    assert page(notice(1, morning(12)), first=first, last=last).title == f"Planned power outages, {en}"


def test_a_page_of_several_classes_is_not_headed_planned() -> None:
    mixed = page(notice(1, morning(12)), notice(2, morning(13), outage_class="temporary"))
    assert mixed.title == "Power outages, 9 to 15 June 2025"


@pytest.mark.parametrize(
    ("window", "hours"),
    [
        (Window(at(12, 22), at(13, 6)), "22:00 to 06:00 the next day"),
        (Window(at(12, 22), at(14, 6)), "22:00 to 06:00 on Sat 14 Jun"),
        (Window(at(12, 8, 30).replace(second=59), at(12, 9).replace(second=1)), "08:30 to 09:01"),
    ],
)
def test_hours_never_say_less_than_the_window(window: Window, hours: str) -> None:
    assert page(notice(1, window)).rows[0].hours == (hours,)


def test_a_fault_without_an_end_says_so_and_an_estimate_is_its_end() -> None:
    fault = notice(1, Window(at(12, 8), None), outage_class="fault", issued_at=at(12, 9))
    known = replace(fault, estimate=Estimate(at(12, 14), at(12, 15), SOURCES[0], CONFIDENCES[0]))
    assert page(fault).rows[0].hours == ("from 08:00, end being assessed",)
    assert page(known).rows[0].hours == ("08:00 to 15:00",)


def test_a_year_is_named_where_it_is_another() -> None:
    old, new = (Window(at(day, 8, month=month, year=year), at(day, 12, month=month, year=year)) for day, month, year in TURN)
    rows = page(notice(1, old), notice(2, new), first=date(2025, 12, 29), last=date(2026, 1, 4)).rows
    assert [row.days for row in rows] == [("Wed 31 Dec",), ("Thu 1 Jan 2026",)]


def test_the_zone_is_named_once_and_with_the_hours_where_clocks_are_changed() -> None:
    zone = "Europe/London"
    night = Window(at(29, 22, month=3, zone=zone), at(30, 6, month=3, zone=zone))
    issued = at(1, 9, month=3, zone=zone)
    changed = page(notice(1, night, zone=zone, issued_at=issued), first=date(2025, 3, 24), last=date(2025, 3, 30))
    assert changed.rows[0].hours == ("22:00 to 06:00 the next day (Greenwich Mean Time / British Summer Time)",)
    assert not any("All times are" in note for note in changed.notes)
    assert page(notice(1, morning(12))).text.count("China Standard Time") == 1


def test_what_all_share_is_said_once() -> None:
    text = page(*a_week("en")).text
    assert (text.count("95598"), text.count("Qinghe Power"), text.count("Stay safe")) == (1, 1, 1)


def test_of_an_outage_the_newest_notice_stands() -> None:
    first = notice(1, morning(11), issued_at=at(2, 9))
    moved = notice(1, morning(13), kind="reschedule", earlier=told(morning(11)))
    gone = replace(moved, kind="unaffected", scope="Willow Court")
    rows = page(first, moved, gone).rows
    assert page(gone, moved, first).rows == rows
    assert [(row.mark, row.days) for row in rows] == [("[No longer affected]", ("Wed 11 Jun",)), ("[New time]", ("Fri 13 Jun",))]


def test_a_page_of_cancellations_gives_no_advice_on_outages() -> None:
    off = page(notice(1, morning(12), kind="cancellation", earlier=told(morning(12))))
    assert off.notes == ("All times are China Standard Time.", "Questions? Call 95598 and give the reference.")


REFUSED: dict[str, tuple[list[NoticeFacts], set[str]]] = {
    "nothing": ([], {"page_empty"}),
    "two of a kind": (
        [notice(1, morning(12)), notice(2, morning(12), hotline="110", issuer="B")],
        {"hotline_differs", "issuer_differs"},
    ),
    "another week": ([notice(1, morning(20))], {"outside_page"}),
    "power is back": ([notice(1, morning(4), kind="restoration", restored_at=at(4, 8, 40))], {"kind_not_printed"}),
    "facts that are missing": (
        [notice(1, morning(12), scope=" "), notice(2, morning(12), reason="")],
        {"scope_missing", "reason_missing"},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_page_can_be_made_of_is_said_all_at_once(case: str) -> None:
    notices, codes = REFUSED[case]
    with pytest.raises(NoticeError) as refused:
        page(*notices)
    assert {problem.code for problem in refused.value.problems} == codes


def test_a_fault_of_a_notice_names_the_notice() -> None:
    with pytest.raises(NoticeError, match=r"202506-002\.scope"):
        page(notice(1, morning(12)), notice(2, morning(12), scope=""))


def test_an_unknown_language_and_turned_days_are_refused() -> None:
    with pytest.raises(NoticeError) as refused:
        page(notice(1, morning(12)), language="fr", first=WEEK[1], last=WEEK[0])
    assert {problem.code for problem in refused.value.problems} == {"language_unknown", "days_order"}


def test_a_notice_moved_out_of_the_week_is_on_the_page_of_the_week() -> None:
    moved = notice(1, morning(20), kind="reschedule", earlier=told(morning(11)))
    assert page(moved).rows[0].days == ("Fri 20 Jun",)
    assert page(moved).rows[0].hours == ("08:30 to 12:00", "Old time: Wed 11 Jun 08:30 to 12:00")


@pytest.mark.parametrize("language", PARTS)
def test_each_row_of_the_text_has_a_cell_for_each_column(language: str) -> None:
    written = page(*a_week(language), language=language)
    table = [line for line in written.text.splitlines() if "\t" in line]
    assert len(table) == len(written.rows) + 1
    assert {line.count("\t") for line in table} == {len(written.columns) - 1}
