"""Notices: true, complete, in the right tense, and word for word as the golden files.

After a change of words that is meant, write the golden files anew and read every one of them:
``python -c "import runpy; runpy.run_path('tests/notices/test_text.py')['regenerate']()"``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notices.text import NoticeError, NoticeFacts, write_notice
from outages.facts import OUTAGE_CLASSES

GOLDEN = Path(__file__).parent / "golden"

PLANNED = NoticeFacts(
    reference="GN-2025-0612-01",
    outage_class="planned",
    start=datetime(2025, 6, 12, 0, 30, tzinfo=UTC),
    end=datetime(2025, 6, 12, 9, 0, tzinfo=UTC),
    reason="更换10千伏青河线导线",
    lines=("10千伏青河线", "10千伏柳园线"),
    scope="青河镇：柳树社区全部，中山路 12–48 号（双号）、51 号，柳园小区 3幢、5幢2单元\n河西镇杨树社区：人民路 1 号",
    issuer="青河供电公司",
    hotline="95598",
    zone="Asia/Shanghai",
    issued_at=datetime(2025, 6, 4, 1, 0, tzinfo=UTC),
)
ENGLISH: dict[str, Any] = {
    "reason": "new conductors for the Qinghe Line",
    "lines": ("Qinghe Line", "Willow Line"),
    "scope": "Qinghe Town: all of Willow Community; Zhongshan Road 12–48 (even), 51; Willow Court Building 3, Building 5 Unit 2\n"
    "Hexi Town, Poplar Community: Renmin Road 1",
    "issuer": "Qinghe Power Supply Company",
}
AT_NIGHT: dict[str, Any] = {"end": datetime(2025, 6, 12, 22, 0, tzinfo=UTC), "start": datetime(2025, 6, 12, 15, 0, tzinfo=UTC)}
DAY_BEFORE = datetime(2025, 6, 11, 8, 0, tzinfo=UTC)
BROKEN: dict[str, Any] = {
    "outage_class": "fault",
    "issued_at": PLANNED.start + timedelta(minutes=14),
    "end": datetime(2025, 6, 12, 4, 30, tzinfo=UTC),
    "lines": ("10千伏青河线",),
    "reason": "外力破坏造成电缆受损",
}
DUG_UP: dict[str, Any] = {"reason": "a cable was damaged by digging", "lines": ("Qinghe Line",)}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "planned": ({}, {}),
    "temporary": (
        {"outage_class": "temporary", "reason": "处理青河线过热的线夹", "lines": ("10千伏青河线",), "issued_at": DAY_BEFORE}
        | AT_NIGHT,
        {"reason": "an overheated clamp must be replaced", "lines": ("Qinghe Line",)},
    ),
    "fault": (BROKEN | {"restoration_note": "抢修人员已到达现场"}, DUG_UP | {"restoration_note": "A crew is on site."}),
    "fault-assessed": (BROKEN | {"end": None}, DUG_UP),
    "load_transfer": (
        {"outage_class": "load_transfer", "reason": "平衡线路负荷", "end": PLANNED.start + timedelta(minutes=30)},
        {"reason": "to share the load between two lines"},
    ),
}


def facts_of(case: str, language: str) -> NoticeFacts:
    facts, english = CASES[case]
    return replace(PLANNED, **facts | (ENGLISH | english if language == "en" else {}))


def regenerate() -> None:
    """Write every golden file anew."""
    for case in CASES:
        for language in ("zh", "en"):
            notice = write_notice(facts_of(case, language), language=language)
            (GOLDEN / f"{case}.{language}.txt").write_text(notice.text + "\n", encoding="utf-8")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", CASES)
def test_a_notice_is_word_for_word_its_golden_file(case: str, language: str) -> None:
    notice = write_notice(facts_of(case, language), language=language)
    golden = (GOLDEN / f"{case}.{language}.txt").read_text(encoding="utf-8")
    assert notice.text + "\n" == golden, "if this is meant, regenerate the golden files (see the top of this file) and read them"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("underway", [False, True])
@pytest.mark.parametrize("outage_class", OUTAGE_CLASSES)
def test_every_class_has_its_words_in_the_right_tense(outage_class: str, underway: bool, language: str) -> None:
    if outage_class == "fault" and not underway:
        return  # a fault cannot be told ahead: see BAD_FACTS
    issued_at = PLANNED.start if underway else PLANNED.issued_at
    notice = write_notice(
        replace(facts_of("planned", language), outage_class=outage_class, issued_at=issued_at), language=language
    )
    ahead = ("将对", "计划对", "需对", "将停电", "will ", "must ") if language == "zh" else ("e will", "e must", "will be")
    opening = notice.body.split("\n\n")[1 if language == "zh" else 0]
    assert any(word in opening for word in ahead) is not underway
    assert ("预计" in notice.body or "Expected" in notice.body) is underway
    assert notice.title
    assert notice.length == len(notice.text)


def test_the_chinese_core_keeps_its_order() -> None:
    text = write_notice(PLANNED, language="zh").text
    core = ["停电通知", "尊敬的用户", "停电原因", "停电线路", "停电时间", "停电范围", "敬请谅解", "提前恢复", "恶劣天气"]
    core += ["视为带电", "95598", "GN-2025", "青河供电公司", "2025年6月4日"]
    places = [text.index(words) for words in core]
    assert places == sorted(places)


def test_english_puts_the_address_before_the_line_and_keeps_sentences_short() -> None:
    facts = facts_of("planned", "en")
    body = write_notice(facts, language="en").body
    assert body.index("Zhongshan Road") < body.index("Qinghe Line")
    assert facts.reference in body
    sentences = re.split(r"[.?:]\s|\n", body.replace(facts.scope, ""))
    assert max(len(sentence.split()) for sentence in sentences) <= 16


TIMES = [
    pytest.param(
        {},
        "2025年6月12日（星期四）08:30 至 17:00（北京时间）",
        "Thursday, 12 June 2025, 08:30 to 17:00 (China Standard Time)",
        id="a day",
    ),
    pytest.param(
        AT_NIGHT,
        "2025年6月12日（星期四）23:00 至 2025年6月13日（星期五）06:00（北京时间）",
        "Thursday, 12 June 2025, 23:00 to Friday, 13 June 2025, 06:00 (China Standard Time)",
        id="over midnight",
    ),
    pytest.param(
        {"start": datetime(2025, 6, 12, 0, 30, 59, tzinfo=UTC), "end": datetime(2025, 6, 12, 9, 0, 1, tzinfo=UTC)},
        "2025年6月12日（星期四）08:30 至 17:01（北京时间）",
        "Thursday, 12 June 2025, 08:30 to 17:01 (China Standard Time)",
        id="seconds never make the window shorter",
    ),
    pytest.param(
        {"end": datetime(2025, 6, 12, 16, 0, tzinfo=UTC)},
        "2025年6月12日（星期四）08:30 至 2025年6月13日（星期五）00:00（北京时间）",
        "Thursday, 12 June 2025, 08:30 to Friday, 13 June 2025, 00:00 (China Standard Time)",
        id="until midnight",
    ),
    pytest.param(
        {
            "zone": "Europe/London",
            "start": datetime(2025, 10, 25, 23, 30, tzinfo=UTC),
            "end": datetime(2025, 10, 26, 1, 30, tzinfo=UTC),
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


BAD_FACTS = [
    ({"reason": " "}, "reason_missing"),
    ({"issuer": ""}, "issuer_missing"),
    ({"hotline": ""}, "hotline_missing"),
    ({"scope": "\n"}, "scope_missing"),
    ({"reference": ""}, "reference_missing"),
    ({"reason": "检" * 301}, "reason_too_long"),
    ({"reason": "线路\u202e检修"}, "text_unprintable"),
    ({"scope": "青河镇\x00"}, "text_unprintable"),
    ({"lines": ("青河线\n",)}, "text_unprintable"),
    ({"restoration_note": "\x1b[1m"}, "text_unprintable"),
    ({"outage_class": "blackout"}, "outage_class_unknown"),
    ({"zone": "Asia/Nowhere"}, "zone_unknown"),
    ({"zone": ""}, "zone_unknown"),
    ({"zone": "../etc/passwd"}, "zone_unknown"),
    ({"change": "cancel"}, "change_unknown"),
    ({"start": datetime(2025, 6, 12)}, "time_naive"),  # noqa: DTZ001
    ({"end": datetime(2025, 6, 12)}, "time_naive"),  # noqa: DTZ001
    ({"issued_at": datetime(2025, 6, 12)}, "time_naive"),  # noqa: DTZ001
    ({"end": PLANNED.start}, "end_before_start"),
    ({"end": None}, "end_missing"),
    ({"issued_at": PLANNED.end}, "end_passed"),
    ({"outage_class": "fault"}, "fault_in_future"),
]


@pytest.mark.parametrize(("change", "code"), BAD_FACTS)
def test_a_fact_that_is_missing_or_cannot_be_true_is_named(change: dict[str, Any], code: str) -> None:
    with pytest.raises(NoticeError) as raised:
        write_notice(replace(PLANNED, **change), language="zh")
    (problem,) = raised.value.problems
    assert problem.code == code
    assert problem.field in change or problem.field in ("end", "start")
    assert problem.says.count(".") >= 2 or "Take" in problem.says  # what happened, and what to do


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(NoticeError) as raised:
        write_notice(replace(PLANNED, reason="", hotline="", zone="x", end=None), language="zh")
    assert [problem.field for problem in raised.value.problems] == ["reason", "hotline", "zone", "end"]


@pytest.mark.parametrize(("language", "channel", "field"), [("fr", "web", "language"), ("zh", "fax", "channel")])
def test_unknown_languages_and_channels_are_refused(language: str, channel: str, field: str) -> None:
    with pytest.raises(NoticeError, match="Take one of") as raised:
        write_notice(PLANNED, language=language, channel=channel)
    assert raised.value.problems[0].field == field


def test_texts_are_printed_as_they_are() -> None:
    notice = write_notice(replace(PLANNED, reason="<b>{{ 7 * 7 }}</b> & {% if %}"), language="zh")
    assert "停电原因：<b>{{ 7 * 7 }}</b> & {% if %}\n" in notice.body


def test_lines_that_are_not_known_are_left_out() -> None:
    assert "停电线路" not in write_notice(replace(PLANNED, lines=()), language="zh").body
    assert "Supply line" not in write_notice(replace(PLANNED, lines=("",)), language="en").body


def test_a_scope_from_a_web_form_may_have_its_line_ends() -> None:
    unix = write_notice(PLANNED, language="zh")
    assert write_notice(replace(PLANNED, scope=PLANNED.scope.replace("\n", "\r\n")), language="zh") == unix
