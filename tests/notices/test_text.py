"""Notices that people read: true, complete, in the right tense, and word for word as the golden files.

A golden file holds every case of a channel in a language. After a change of words that is meant, write them anew and read every
one of them: ``python -c "import runpy; runpy.run_path('tests/notices/test_text.py')['rewrite_golden_files']()"``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices import text
from notices.audiences import PERSONAL
from notices.facts import KINDS, Earlier, Kind, NoticeFacts
from notices.personal import Form
from notices.text import CHANNELS, LANGUAGES, NoticeError, write_notice
from outages.facts import OUTAGE_CLASSES, Estimate, Window
from tests.notices.spoken import CASES, DAY, HOUR, PLANNED, START, TOLD, WINDOW, facts_of

GOLDEN = Path(__file__).parent / "golden"
READ = ("newspaper", "web", "letter", "door_card", "poster", "email", "app")

NIGHT = Window(START + 14.5 * HOUR, START + 21.5 * HOUR)
APART = (WINDOW, Window(START + 2 * DAY, START + 2 * DAY + 4 * HOUR))
CRUSHED = {"outage_class": "fault", "windows": (Window(START, None),), "lines": ()}
MORE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "first: temporary, over midnight, with all that may be said": (
        {
            "outage_class": "temporary",
            "windows": (NIGHT,),
            "issued_at": START - DAY,
            "alternative": Window(NIGHT.start + DAY, NIGHT.start + DAY + 7 * HOUR),
            "interpreter": "400-889-9998",
        },
        {"reason": "处理青河线过热的线夹", "remark": "施工期间中山路北侧请绕行"},
        {"reason": "an overheated clamp must be replaced", "remark": "The north side of Zhongshan Road is closed to walkers."},
    ),
    "first: off in the first of two windows": ({"windows": APART, "issued_at": START + HOUR}, {}, {}),
    "reschedule: a fault, the first estimate": (
        CRUSHED
        | {
            "kind": "reschedule",
            "issued_at": START + HOUR,
            "earlier": Earlier((Window(START, None),), None, START + HOUR / 4),
            "estimate": Estimate(START + 4 * HOUR, START + 5 * HOUR, "crew", "high"),
        },
        {"reason": "雷雨", "why": "已找到故障点"},
        {"reason": "a thunderstorm", "why": "the damaged spot was found"},
    ),
    "restoration: load transfer": (
        {
            "kind": "restoration",
            "outage_class": "load_transfer",
            "windows": (Window(START, START + HOUR / 2),),
            "restored_at": START + HOUR / 3,
            "issued_at": START + HOUR / 2,
        },
        {"reason": "平衡线路负荷"},
        {"reason": "to share the load between two lines"},
    ),
    "unaffected: while others are off": ({"kind": "unaffected", "earlier": TOLD, "issued_at": START + HOUR}, {}, {}),
}


def facts_in(case: str, language: str) -> NoticeFacts:
    """The facts of a case in a language."""
    if case in CASES:
        return facts_of(case, language)
    both, zh, en = MORE[case]
    return replace(facts_of("first", language), **both | (zh if language == "zh" else en))


def page_of(channel: str, language: str) -> str:
    """What the golden file of a channel holds."""
    cases = [*CASES, *MORE]
    texts = [write_notice(facts_in(case, language), language=language, channel=channel).text for case in cases]
    return "\n".join(f"──── {case} ────\n\n{text}\n" for case, text in zip(cases, texts, strict=True))


def rewrite_golden_files() -> None:
    """Write every golden file anew."""
    for channel in READ:
        for language in LANGUAGES:
            (GOLDEN / f"{channel}.{language}.txt").write_text(page_of(channel, language), encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", READ)
def test_notices_are_word_for_word_their_golden_file(channel: str, language: str) -> None:
    golden = (GOLDEN / f"{channel}.{language}.txt").read_text(encoding="utf-8")
    assert page_of(channel, language) == golden, "if this is meant, rewrite the golden files (see above) and read them"


# What holds for every notice, whatever its class, kind, channel and time.

MOMENTS = [START - DAY, START, START + HOUR, APART[0].end, APART[1].start + HOUR]
COMING = ("first", "reminder", "reschedule", "extension", "scope_change")


@st.composite
def facts_at_any_time(draw: st.DrawFn) -> NoticeFacts:
    kind: Kind = draw(st.sampled_from(KINDS))
    windows = tuple(draw(st.sampled_from([(WINDOW,), APART, (NIGHT,), (WINDOW, Window(START + 5 * DAY, START + 6 * DAY))])))
    length = timedelta(minutes=draw(st.integers(1, 600)))
    windows = (*windows[:-1], Window(windows[-1].start, windows[-1].start + length))
    last = windows[-1].end
    assert last is not None
    issued_at = last + HOUR if kind == "restoration" else draw(st.sampled_from([at for at in MOMENTS if at and at < last]))
    outage_class = draw(st.sampled_from([name for name in OUTAGE_CLASSES if name != "fault" or issued_at >= windows[0].start]))
    return replace(
        PLANNED,
        kind=kind,
        windows=windows,
        outage_class=outage_class,
        issued_at=issued_at,
        earlier=Earlier((Window(START - DAY, START - HOUR),), START - HOUR, START - 8 * DAY),
        restored_at=last if kind == "restoration" else None,
        reason="检修",
        why=draw(st.sampled_from(["", "暴雨"])),
        remark=draw(st.sampled_from(["", "道路封闭"])),
        lines=draw(st.sampled_from([(), ("青河线",)])),
    )


@settings(max_examples=100, deadline=None)
@given(facts=facts_at_any_time(), channel=st.sampled_from(READ), language=st.sampled_from(LANGUAGES))
def test_every_notice_is_complete_and_in_its_tense(facts: NoticeFacts, channel: str, language: str) -> None:
    said = write_notice(facts, language=language, channel=channel).text
    for needed in (facts.reference, facts.hotline, facts.issuer, "柳树社区全部"):
        assert needed in said
    assert not re.search(r"None|undefined|  |\{|\}|：：|。。|\.\.", said)
    if facts.kind == "restoration":
        assert not re.search(r"\bwill\b|\bgoes off\b|将(?!电力)|预计|Expected", said)
    if facts.kind in COMING:
        assert all(minute in said for minute in minutes_of(facts))


def minutes_of(facts: NoticeFacts) -> list[str]:
    """The clock of every start and end, by hand: Shanghai is eight hours ahead of UTC all year."""
    moments = [moment for window in facts.windows for moment in (window.start, window.end) if moment]
    return [f"{moment + 8 * HOUR:%H:%M}" for moment in moments]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outage_class", OUTAGE_CLASSES)
def test_the_tense_turns_with_the_minute_in_which_it_begins(outage_class: str, language: str) -> None:
    ahead = "(?<!现)将|计划对|需对" if language == "zh" else r"\bWe will\b|\bWe must\b|we will|will be"
    for issued_at, is_ahead in ((START - timedelta(seconds=1), True), (START, False)):
        if outage_class == "fault" and is_ahead:
            continue  # a fault cannot be told ahead: see test_facts
        facts = replace(facts_of("first", language), outage_class=outage_class, issued_at=issued_at)
        body = write_notice(facts, language=language).body
        opening = body.split("\n\n")[1 if language == "zh" else 0]
        assert bool(re.search(ahead, opening)) is is_ahead
        assert ("预计" in body or "Expected" in body) is not is_ahead


def test_between_two_windows_it_says_that_power_is_on_and_when_it_goes_off_again() -> None:
    facts = replace(PLANNED, windows=APART, issued_at=START + DAY)
    chinese, english = (write_notice(facts, language=language).body for language in ("zh", "en"))
    assert "目前供电正常" in chinese
    assert "下次停电时间：2025年6月14日（星期六）08:30 至 12:30（北京时间）" in chinese
    assert "The power is on now" in english
    assert "Off again: Saturday, 14 June 2025, 08:30 to 12:30 (China Standard Time)" in english


def test_the_same_hours_every_day_are_said_in_one_line() -> None:
    body = write_notice(facts_of("first-daily-between", "zh"), language="zh").body
    assert "停电时间：2025年6月12日（星期四） 至 2025年6月14日（星期六），每天 08:30 至 17:00（北京时间）\n" in body


def test_a_repair_that_is_estimated_has_a_window_and_the_time_of_the_next_word() -> None:
    body = write_notice(facts_of("first-fault", "en"), language="en").body
    assert "Expected back: Thursday, 12 June 2025, 12:30 to 13:30 (China Standard Time)" in body
    assert "Next update: Thursday, 12 June 2025, 10:30 (China Standard Time)" in body


def test_the_chinese_core_keeps_its_order() -> None:
    said = write_notice(PLANNED, language="zh").text
    core = ["停电通知", "尊敬的用户", "停电原因", "停电线路", "停电时间", "停电范围", "敬请谅解", "提前恢复", "恶劣天气"]
    core += ["视为带电", "95598", "GN-2025", "青河供电公司", "2025年6月4日"]
    places = [said.index(words) for words in core]
    assert places == sorted(places)


def test_english_puts_the_address_before_the_line_and_keeps_sentences_short() -> None:
    facts = facts_of("first", "en")
    body = write_notice(facts, language="en").body
    assert body.index("Zhongshan Road") < body.index("Qinghe Line")
    sentences = re.split(r"[.?:]\s|\n", body.replace(facts.scope, ""))
    assert max(len(sentence.split()) for sentence in sentences) <= 25


TIMES = [
    pytest.param(
        {"windows": (NIGHT,)},
        "2025年6月12日（星期四）23:00 至 2025年6月13日（星期五）06:00（北京时间）",
        "Thursday, 12 June 2025, 23:00 to Friday, 13 June 2025, 06:00 (China Standard Time)",
        id="over midnight",
    ),
    pytest.param(
        {"windows": (Window(START + timedelta(seconds=59), START + 8.5 * HOUR + timedelta(seconds=1)),)},
        "2025年6月12日（星期四）08:30 至 17:01（北京时间）",
        "Thursday, 12 June 2025, 08:30 to 17:01 (China Standard Time)",
        id="seconds never make the window shorter",
    ),
    pytest.param(
        {"windows": (Window(START, datetime(2025, 6, 12, 16, 0, tzinfo=UTC)),)},
        "2025年6月12日（星期四）08:30 至 2025年6月13日（星期五）00:00（北京时间）",
        "Thursday, 12 June 2025, 08:30 to Friday, 13 June 2025, 00:00 (China Standard Time)",
        id="until midnight",
    ),
    pytest.param(
        {
            "zone": "Europe/London",
            "windows": (Window(datetime(2025, 10, 25, 23, 30, tzinfo=UTC), datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),),
        },
        "2025年10月26日（星期日）00:30（英国夏令时间） 至 01:30（格林尼治标准时间）",
        "Sunday, 26 October 2025, 00:30 (British Summer Time) to 01:30 (Greenwich Mean Time)",
        id="clocks are changed in between",
    ),
    pytest.param(
        {"zone": "Asia/Kolkata"},
        "2025年6月12日（星期四）06:00 至 14:30（GMT+05:30）",
        "Thursday, 12 June 2025, 06:00 to 14:30 (GMT+05:30)",
        id="a zone that has no name in the language",
    ),
]


@pytest.mark.parametrize(("change", "zh", "en"), TIMES)
def test_times_are_shown_to_the_minute_in_the_zone_of_the_utility(change: dict[str, Any], zh: str, en: str) -> None:
    facts = replace(PLANNED, **change)
    assert f"停电时间：{zh}\n" in write_notice(facts, language="zh").body
    assert f"When: {en}\n" in write_notice(facts, language="en").body


def test_where_every_character_counts_the_year_goes_without_saying_unless_it_is_another() -> None:
    next_year = Window(datetime(2026, 1, 2, 0, 30, tzinfo=UTC), datetime(2026, 1, 2, 9, 0, tzinfo=UTC))
    assert "停电时间：6月12日08:30至17:00\n" in write_notice(PLANNED, language="zh", channel="app").body
    later = write_notice(replace(PLANNED, windows=(next_year,)), language="en", channel="app")
    assert ("When", "2 Jan 2026 08:30 to 17:00") in later.fields


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_an_app_gets_four_to_six_keys_with_values_that_stand_in_its_text(case: str, language: str) -> None:
    notice = write_notice(facts_in(case, language), language=language, channel="app")
    assert 4 <= len(notice.fields) <= 6
    assert all(key in notice.body and value in notice.body for key, value in notice.fields)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["letter", "door_card", "email"])
def test_a_text_for_one_person_is_filled_and_has_no_blank_without(channel: str, language: str) -> None:
    form = Form.of(write_notice(facts_of("first", language), language=language, channel=channel).text, language)
    assert form.names == {"name", "address", "ack"}
    assert "李娜" in form.fill({"name": "李娜"})
    assert "[[" not in form.fill({})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["letter", "door_card", "poster"])
@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_what_is_handed_out_on_paper_fits_on_a_page(case: str, channel: str, language: str) -> None:
    body = write_notice(facts_in(case, language), language=language, channel=channel).body
    wide = 40 if language == "zh" else 85  # characters of 11 points on a line of A4
    assert sum(1 + len(line) // wide for line in body.splitlines()) <= 40


# What is refused.


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"language": "fr"}, "language"),
        ({"language": "zh", "channel": "fax"}, "channel"),
        ({"language": "zh", "channel": "radio", "slot_s": 20}, "slot_s"),
        ({"language": "zh", "channel": "web", "slot_s": 30}, "slot_s"),
    ],
)
def test_languages_channels_and_slots_that_are_unknown_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(NoticeError, match="Take") as raised:
        write_notice(PLANNED, **given)
    assert raised.value.problems[0].field == field


TEMPLATES = [
    ("{{ feeder_colour }}", "web", "template_fact_unknown", "feeder_colour"),
    ("Dear [[name]],", "web", "placeholder_unknown", "[[name]]"),
    ("Dear [[surname]],", "letter", "placeholder_unknown", "[[surname]]"),
    (None, "web", "template_missing", "en/web.txt"),
]


@pytest.mark.parametrize(("template", "channel", "code", "named"), TEMPLATES)
def test_a_template_that_asks_for_what_nobody_knows_is_named(
    template: str | None, channel: str, code: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "en").mkdir()
    if template is not None:
        (tmp_path / "en" / f"{channel}.txt").write_text(template)
    monkeypatch.setattr(text._PAGES.loader, "searchpath", [str(tmp_path)])
    monkeypatch.setattr(text._PAGES, "cache", None)
    with pytest.raises(NoticeError) as raised:
        write_notice(PLANNED, language="en", channel=channel)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert named in problem.says


def test_only_channels_that_address_a_person_have_blanks() -> None:
    for channel in CHANNELS:
        body = write_notice(PLANNED, language="zh", channel=channel).body
        assert "[[" not in body or channel in PERSONAL


def test_texts_are_printed_as_they_are() -> None:
    notice = write_notice(replace(PLANNED, reason="a < b & {{ 7 * 7 }} {% if %}"), language="zh")
    assert "停电原因：a < b & {{ 7 * 7 }} {% if %}\n" in notice.body


def test_lines_that_are_not_known_are_left_out() -> None:
    assert "停电线路" not in write_notice(replace(PLANNED, lines=()), language="zh").body
    assert "Supply line" not in write_notice(replace(PLANNED, lines=("",)), language="en").body


def test_a_scope_from_a_web_form_may_have_its_line_ends() -> None:
    unix = write_notice(PLANNED, language="zh")
    assert write_notice(replace(PLANNED, scope=PLANNED.scope.replace("\n", "\r\n")), language="zh") == unix


def test_length_counts_what_goes_out() -> None:
    web, sms = (write_notice(PLANNED, language="zh", channel=channel) for channel in ("web", "sms"))
    assert web.text == f"{web.title}\n\n{web.body}"
    assert (web.length, sms.text, sms.length) == (len(web.text), sms.body, len(sms.body))
