"""What a text says: times as notices print them and as an editor types them again, names, references, telephone numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from notices.dates import Dates
from notices.moments import times_in
from notices.names import Names
from notices.said import Known, KnownNames, said_in
from notices.speech import Aloud, unspoken
from outages.facts import Window, daily_windows

Sketch = Callable[[str], tuple[GridTables, np.ndarray]]

ZONE = "Asia/Shanghai"
ISSUED = datetime(2025, 6, 4, 1, 0, tzinfo=UTC)

DAY = ["06-12 08:30", "06-12 17:00"]
NIGHT = ["06-12 23:00", "06-13 06:30"]
DAILY = [f"06-{day:02} {clock}" for day in (11, 12, 13) for clock in ("08:00", "18:00")]

READ = [
    # as notices print them
    ("zh", "2025年6月12日（星期四）08:30 至 17:00（北京时间）", DAY),
    ("zh", "6月12日08:30至17:00", DAY),
    ("zh", "2025年6月12日（星期四）23:00 至 2025年6月13日（星期五）06:30（北京时间）", NIGHT),
    ("en", "Thursday, 12 June 2025, 08:30 to 17:00 (China Standard Time)", DAY),
    ("en", "Thursday, 12 June 2025, 23:00 to Friday, 13 June 2025, 06:30 (GMT+08:00)", NIGHT),
    ("en", "12 Jun 08:30 to 17:00", DAY),
    # as editors type them
    ("zh", "6月12日8时30分至17时", DAY),
    ("zh", "6月12日上午8点半到下午5点", DAY),
    ("zh", "6月12号 ８：３０－１７：００", DAY),
    ("zh", "日期：6月12日\n时间：8:30-17:00", DAY),
    ("zh", "2025-06-12 8:30~17:00", DAY),
    ("zh", "6月12日8点半至傍晚5点整", DAY),
    ("zh", "6月12日晚11点到次日6点半", NIGHT),
    ("zh", "6月12日23:00—6:30", NIGHT),
    ("en", "12th of June, 8.30 a.m. to 5 pm", DAY),
    ("en", "June 12, 2025, 8:30am - 5pm", DAY),
    ("en", "08:30 to 17:00 on Thursday, June 12", DAY),
    ("en", "on 12 June between 08:30 and 17:00", DAY),
    ("en", "On 12 June your power will be off. It goes off at 08:30 and is back by 17:00.", DAY),
    ("en", "12 June, 23:00 to 06:30 the next day", NIGHT),
    ("en", "12 June, 11 pm to 13 June, 6:30 am", NIGHT),
    ("en", "12 June 08:30 to 17:00 the next day", ["06-12 08:30", "06-13 17:00"]),
    ("zh", "今日12:00至24:00", ["06-04 12:00", "06-05 00:00"]),
    ("zh", "明天下午2点至5点", ["06-05 14:00", "06-05 17:00"]),
    ("en", "tomorrow, noon to 1:30 pm", ["06-05 12:00", "06-05 13:30"]),
    # the same hours on several days
    ("zh", "6月11日至6月13日，每天 08:00 至 18:00", DAILY),
    ("zh", "6月11日-13日每日8-18时", DAILY),
    ("zh", "6月11日、12日、13日 8:00至18:00", DAILY),
    ("zh", "每日8:00至18:00，6月11日至13日", DAILY),
    ("en", "Wednesday, 11 June 2025 to Friday, 13 June 2025, each day 08:00 to 18:00", DAILY),
    ("en", "each day from 11 to 13 June, 08:00 to 18:00", DAILY),
    ("en", "June 11–13: the power is off each day from 8 am to 6 pm", DAILY),
    ("en", "11 June to 13 June 2025, 08:00 to 18:00", DAILY),
    # no times at all
    ("zh", "中山路 12–48 号（双号）、51 号，柳园小区 3幢，2小时内，10千伏，拨打95598", []),
    ("en", "Zhongshan Road 12–48 (even), 51; Willow Court Building 3. It may take 2 hours; sun or rain.", []),
]


@pytest.mark.parametrize(("language", "text", "expected"), READ)
def test_times_are_read_as_they_are_printed_and_as_they_are_typed(language: str, text: str, expected: list[str]) -> None:
    times = times_in(text, language=language, zone=ZONE, near=ISSUED)
    assert [f"{moment:%m-%d %H:%M}" for moment in times.moments] == expected
    assert {moment.year for moment in times.moments} <= {2025}
    assert times.unreadable == ()
    assert times.days == ()


@pytest.mark.parametrize(
    ("language", "text", "unreadable"),
    [
        ("zh", "1/5 8:30", ("1/5", "8:30")),
        ("en", "1/5 at 08:30", ("1/5", "08:30")),
        ("zh", "8:30停电", ("8:30",)),
        ("zh", "6月12日25:30", ("25:30",)),
        ("zh", "6月12日08:75", ("08:75",)),
        ("zh", "2月30日08:30", ("2月30日", "08:30")),
        ("zh", "6月12日（星期五）08:30", ("星期五 2025-06-12",)),
        ("en", "Friday, 12 June, 08:30", ("Friday 2025-06-12",)),
        ("zh", "6月12日晚12点", ("晚12点",)),
        ("en", "12 June, midnight", ("midnight",)),
        ("en", "12 June, 8 o'clock", ("8 o'clock",)),
        ("en", "12 June, 8 to 10 am", ("8",)),
        ("en", "12 June, 13 pm", ("13 pm",)),
        ("zh", "2025年6月13日至2023年6月11日 8:00", ("2023年6月11日",)),
        ("zh", "9999年6月13日", ("9999年6月13日",)),
        ("en", "12 June 3025, 08:30", ("12 June 3025", "08:30")),
    ],
)
def test_what_can_mean_several_times_or_none_is_not_guessed(language: str, text: str, unreadable: tuple[str, ...]) -> None:
    assert times_in(text, language=language, zone=ZONE, near=ISSUED).unreadable == unreadable


@pytest.mark.parametrize(
    ("issued", "text", "year"),
    [
        (datetime(2025, 12, 20, tzinfo=UTC), "1月3日08:30", 2026),
        (datetime(2026, 1, 3, tzinfo=UTC), "12月31日08:30", 2025),
        (datetime(2026, 1, 3, tzinfo=UTC), "2027年1月1日08:30", 2027),
        (datetime(2025, 6, 4, tzinfo=UTC), "2024年12月31日23:00至1月1日06:00", 2025),
    ],
)
def test_a_date_without_a_year_is_the_nearest_one(issued: datetime, text: str, year: int) -> None:
    assert times_in(text, language="zh", zone=ZONE, near=issued).moments[-1].year == year


def test_a_day_by_itself_is_no_moment() -> None:
    times = times_in("青河供电公司\n2025年6月4日", language="zh", zone=ZONE, near=ISSUED)
    assert (times.moments, times.days) == ((), (date(2025, 6, 4),))


WINDOWS = st.builds(
    lambda start, minutes: Window(start, start + timedelta(minutes=minutes)),
    st.integers(0, 60 * 24 * 240).map(lambda minutes: datetime(2025, 4, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.integers(1, 60 * 24 * 20),
)


@settings(max_examples=60, deadline=None)
@given(
    WINDOWS, st.sampled_from(["zh", "en"]), st.sampled_from(["full", "short", "spoken"]), st.sampled_from([ZONE, "Europe/London"])
)
def test_every_window_is_read_back_from_how_it_is_written(window: Window, language: str, manner: str, zone: str) -> None:
    dates = Aloud(language, zone, ISSUED) if manner == "spoken" else Dates(language, manner, zone, ISSUED)  # type: ignore[arg-type]
    text = dates.window(window)
    times = times_in(unspoken(text, language), language=language, zone=zone, near=ISSUED)
    clock = ZoneInfo(zone)
    assert window.end
    expected = [moment.astimezone(clock).replace(tzinfo=None) for moment in (window.start, window.end)]
    if expected[0] < expected[1]:  # clocks that go back make a window end before it begins
        assert [moment.replace(tzinfo=None) for moment in times.moments] == expected
        assert times.unreadable == ()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("manner", ["full", "short", "spoken"])
@pytest.mark.parametrize(("off", "on"), [(time(8), time(18)), (time(20), time(6))])
def test_daily_windows_are_read_back_day_by_day(language: str, manner: str, off: time, on: time) -> None:
    windows = daily_windows(date(2025, 6, 28), date(2025, 7, 2), off=off, on=on, zone=ZONE)
    dates = Aloud(language, ZONE, ISSUED) if manner == "spoken" else Dates(language, manner, ZONE, ISSUED)  # type: ignore[arg-type]
    moments = times_in(unspoken(dates.together(windows), language), language=language, zone=ZONE, near=ISSUED).moments
    assert set(moments) == {moment for window in windows for moment in (window.start, window.end)}


COUNTY = """
county 青河县 = Qinghe County
  town 青河镇 = Qinghe Town
    community 柳树社区 = Willow Community
      street 柳树街 = Willow Street | 1 2
    street 中山路 = Zhongshan Road | 2 4/-/桥头路
    street 中山路北段 = Zhongshan Road North | 2
"""


@pytest.fixture(scope="module")
def known(sketch: Sketch) -> dict[str, Known]:
    tables, _ = sketch(COUNTY)
    lines = {"zh": ["10千伏青河线", "10千伏柳园线"], "en": ["Qinghe Line", "Willow Line"]}
    return {
        language: Known(
            KnownNames.of(Names.of(tables, language), lines[language]),
            ZONE,
            ISSUED,
            ("GN-2025-0612-01",),
            ("95598", "400-889-9998"),
        )
        for language in ("zh", "en")
    }


NAMED = [
    ("zh", "青河镇：柳树社区全部，中山路 2–18 号", ["青河镇", "柳树社区", "中山路"], []),
    ("zh", "中山路北段", ["中山路北段"], []),  # the name inside it is not said
    ("zh", "10千伏青河线检修，青河县停电", ["青河县"], ["10千伏青河线"]),
    ("zh", "10千伏青山线检修，桥头路", [], ["10千伏青山线"]),  # no line of the network, but it looks like one
    (
        "en",
        "Qinghe Town: all of willow community; Zhongshan Road North 2",
        ["Qinghe Town", "Willow Community", "Zhongshan Road North"],
        [],
    ),
    ("en", "Supply line: Qinghe Line", [], ["Qinghe Line"]),
    ("en", "Supply line: Poplar Line, NewWillow Streets", [], ["Poplar Line"]),
]


@pytest.mark.parametrize(("language", "text", "places", "lines"), NAMED)
def test_names_are_found_the_longest_first(
    known: dict[str, Known], language: str, text: str, places: list[str], lines: list[str]
) -> None:
    said = said_in(text, known[language])
    assert [place for place in said.places if place != "桥头路"] == places
    assert list(said.lines) == lines


NUMBERS = [
    ("zh", "服务热线：95598", (), ("95598",)),
    ("zh", "服务热线：95595", (), ("95595",)),  # wrong, but announced as a telephone number
    ("zh", "拨打400 889 9998或0571-8888 1234", (), ("4008899998", "057188881234")),
    ("zh", "请拨打九五五九八，重复九五五九八", (), ("95598", "95598")),
    ("zh", "通知编号：GN-2025-0612-01", ("GN-2025-0612-01",), ()),
    ("zh", "GN-2025-0613-01、GN20250612-01、GM-2025-0612-1", ("GN-2025-0613-01", "GN20250612-01", "GM-2025-0612-1"), ()),
    ("zh", "编号为A17，详见https://example.org/o/17?a=1。", ("https://example.org/o/17?a=1", "A17"), ()),
    ("en", "Call 95598 and give the reference GN-2025-0612-01.", ("GN-2025-0612-01",), ("95598",)),
    ("en", "Reference: X9", ("X9",), ()),
    ("en", "call nine five five nine eight", (), ("95598",)),
    ("zh", "6月12日08:30，中山路 2–18 号、10000 号", (), ()),
]


@pytest.mark.parametrize(("language", "text", "references", "phones"), NUMBERS)
def test_references_and_telephone_numbers_known_or_not_are_found(
    known: dict[str, Known], language: str, text: str, references: tuple[str, ...], phones: tuple[str, ...]
) -> None:
    said = said_in(text, known[language])
    assert (said.references, said.phones) == (references, phones)


ZH_SCRAPS = (
    "6月",
    "12日",
    "31日",
    "2025年",
    "星期三",
    "次日",
    "每天",
    "晚",
    "25",
    ":",
    "：",
    "至",
    "点",
    "半",
    "二",
    "千百",
    "号",
    "（",
    "）",
)
EN_SCRAPS = (
    "May ",
    "June ",
    "12 ",
    "0",
    "1/5",
    "am",
    " to ",
    "-",
    "–",
    "Friday ",
    "next day",
    ", ",
    " and ",
    "GN-",
    "95598",
    "\n",
    "青河",
)
SCRAPS = st.lists(st.sampled_from(ZH_SCRAPS + EN_SCRAPS), max_size=14).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), SCRAPS), st.sampled_from(["zh", "en"]))
def test_any_text_at_all_is_read(known: dict[str, Known], text: str, language: str) -> None:
    said = said_in(text, known[language])
    assert all(moment.tzinfo for moment in said.moments)
