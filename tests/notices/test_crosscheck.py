"""Texts of one outage agree as they are generated; whatever an edit changes in one of them is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from notices.crosscheck import Finding, blocking, differences, disagreements, needs_reason
from notices.facts import Earlier, Kind, NoticeFacts
from notices.history import Text, TextKey
from notices.names import Names
from notices.said import Known, KnownNames, held_by, said_in
from notices.scope import AddressBook, write_scope
from notices.text import CHANNELS, write_notice
from outages.facts import Estimate, Window

Sketch = Callable[[str], tuple[GridTables, np.ndarray]]

COUNTY = """
county 青河县 = Qinghe County
  town 青河镇 = Qinghe Town
    community 柳树社区 = Willow Community
      street 柳树街 = Willow Street | 1* 2* 3*
    street 中山路 = Zhongshan Road | 2* 4* 5 6* 8* 21*
    estate 柳园小区 = Willow Court | -/3幢* -/5幢
  town 河西镇 = Hexi Town
    street 人民路 = Renmin Road | 1* 3
    street 解放路 = Jiefang Road | 1 3
"""
LINES = {"zh": ("10千伏青河线", "10千伏柳园线"), "en": ("Qinghe Line", "Willow Line")}
REASONS = {"zh": "更换导线", "en": "new conductors"}
ISSUERS = {"zh": "青河供电公司", "en": "Qinghe Power Supply"}
ISSUED = datetime(2025, 6, 4, 1, 0, tzinfo=UTC)
OFF = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
DAY = Window(OFF, OFF + timedelta(hours=8, minutes=30))
TOLD_BEFORE = Earlier((Window(OFF - timedelta(days=1), OFF - timedelta(hours=15)),), OFF, ISSUED - timedelta(days=2))
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, eq=False)
class Desk:
    """An outage with its scopes and what is known about its texts, by language."""

    affected: np.ndarray
    scope: dict[str, str]
    known: dict[str, Known]

    def facts(self, language: str, kind: Kind = "first", **changes: Any) -> NoticeFacts:
        facts = NoticeFacts(
            reference="GN-2025-0612-01",
            outage_class="planned",
            windows=(DAY,),
            reason=REASONS[language],
            lines=LINES[language][:1],
            scope=self.scope[language],
            issuer=ISSUERS[language],
            hotline="95598",
            zone="Asia/Shanghai",
            issued_at=ISSUED,
            kind=kind,
            earlier=None if kind == "first" else TOLD_BEFORE,
            restored_at=OFF + timedelta(hours=3) if kind == "restoration" else None,
            link="https://example.org/o/17",
        )
        if kind == "restoration":
            facts = replace(facts, issued_at=OFF + timedelta(hours=4))
        return replace(facts, **changes)

    def text(self, language: str, channel: str, kind: Kind = "first", **changes: Any) -> Text:
        slot_s = changes.pop("slot_s", None)
        notice = write_notice(self.facts(language, kind, **changes), language=language, channel=channel, slot_s=slot_s)
        return Text(TextKey(kind, language, channel, slot_s), notice.title, notice.body)

    def edit(self, text: Text, old: str, new: str) -> list[Finding]:
        """Differences after ``old`` was replaced by ``new``, once."""
        assert old in text.body, f"{old!r} is not in:\n{text.body}"
        edited = replace(text, body=text.body.replace(old, new, 1))
        language = text.key.language
        return differences(text, edited, self.known[language], scope=self.scope[language], affected=self.affected)


@pytest.fixture(scope="module")
def desk(sketch: Sketch) -> Desk:
    tables, affected = sketch(COUNTY)
    book = AddressBook.of(tables)
    scope = {language: write_scope(book, affected, language=language).text for language in LINES}
    names = {language: KnownNames.of(Names.of(book, language), LINES[language]) for language in LINES}
    phones, references = ("95598",), ("GN-2025-0612-01", "https://example.org/o/17")
    known = {language: Known(names[language], "Asia/Shanghai", ISSUED, references, phones) for language in LINES}
    return Desk(affected, scope, known)


def all_texts(desk: Desk, kind: Kind, **changes: Any) -> list[Text]:
    slots = {channel: (15, 30, 60) if channel == "radio" else (None,) for channel in CHANNELS}
    return [
        desk.text(language, channel, kind, slot_s=slot_s, **changes)
        for language in LINES
        for channel in CHANNELS
        for slot_s in slots[channel]
    ]


def held(desk: Desk, kind: Kind = "first", **changes: Any) -> dict[str, Any]:
    return {language: held_by(desk.facts(language, kind, **changes), desk.known[language]) for language in LINES}


DAYS = tuple(Window(OFF + timedelta(days=day), OFF + timedelta(days=day, hours=9)) for day in range(3))
BACK = Estimate(OFF + timedelta(hours=2), OFF + timedelta(hours=3), "crew", "medium", OFF + timedelta(hours=1))
BROKEN = {"outage_class": "fault", "windows": (Window(OFF, None),), "estimate": BACK, "issued_at": OFF + timedelta(minutes=20)}
CASES: list[tuple[Kind, dict[str, Any]]] = [
    *((kind, {}) for kind in KINDS),
    ("first", {"windows": DAYS}),
    ("first", {"windows": (DAY, Window(DAYS[2].start, DAYS[2].end + timedelta(hours=1)))}),
    ("first", {"windows": (Window(OFF, OFF + timedelta(hours=20)),), "alternative": DAYS[2]}),
    ("first", BROKEN),
    ("extension", BROKEN),
]


@pytest.mark.parametrize(("kind", "changes"), CASES)
def test_generated_texts_never_disagree(desk: Desk, kind: Kind, changes: dict[str, Any]) -> None:
    texts = all_texts(desk, kind, **changes)
    assert len(texts) == 2 * (len(CHANNELS) + 2)
    assert disagreements(texts, desk.known, held(desk, kind, **changes), affected=desk.affected) == []


@settings(max_examples=30, deadline=None)
@given(
    st.datetimes(datetime(2025, 6, 5), datetime(2026, 3, 1)),  # noqa: DTZ001
    st.integers(1, 5000),
    st.sampled_from(["first", "reminder", "reschedule", "cancellation"]),
    st.sampled_from(["Asia/Shanghai", "Europe/London", "Asia/Kathmandu"]),
    st.sampled_from(CHANNELS),
)
def test_whenever_it_is_generated_texts_never_disagree(
    desk: Desk, at: datetime, minutes: int, kind: Kind, zone: str, channel: str
) -> None:
    start = at.replace(tzinfo=UTC)
    changes = {"windows": (Window(start, start + timedelta(minutes=minutes)),), "zone": zone}
    texts = [desk.text(language, each, kind, **changes) for language in LINES for each in ("web", channel)]
    known = {language: replace(each, zone=zone) for language, each in desk.known.items()}
    facts = {language: held_by(desk.facts(language, kind, **changes), known[language]) for language in LINES}
    assert disagreements(texts, known, facts) == []


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LINES)
def test_what_a_text_says_is_what_the_facts_hold(desk: Desk, language: str, channel: str) -> None:
    """Without this, a text from which nothing can be read would agree with every other one."""
    text = desk.text(language, channel)
    said = said_in(f"{text.title}\n\n{text.body}", desk.known[language])
    assert set(said.moments) == {DAY.start, DAY.end}
    assert said.unreadable == ()
    assert set(said.phones) == {"95598"}
    assert len(set(said.places)) >= 5
    assert set(said.lines) <= set(LINES[language])


# (what is in the web text, what the editor makes of it, the code of the only finding, what is dropped, what is added)
ZH_EDITS = [
    ("08:30", "09:30", "time_changed", ("2025-06-12 08:30",), ("2025-06-12 09:30",)),
    ("17:00", "17:10", "time_changed", ("2025-06-12 17:00",), ("2025-06-12 17:10",)),
    ("至 17:00", "起", "time_dropped", ("2025-06-12 17:00",), ()),
    ("（星期四）08:30 至", "08:30 至 6月13日", "time_changed", ("2025-06-12 17:00",), ("2025-06-13 17:00",)),
    ("08:30 至 17:00", "17:00 至 次日08:30", "time_changed", ("2025-06-12 08:30",), ("2025-06-13 08:30",)),
    ("（星期四）", "（星期五）", "time_unreadable", (), ("星期五 2025-06-12",)),
    ("2025年6月12日（星期四）", "12/6 ", "time", (), ()),  # dropped, and unreadable
    ("2025年6月4日", "2025年6月5日", "time_changed", ("2025-06-04",), ("2025-06-05",)),
    ("95598", "95595", "phone_changed", ("95598",), ("95595",)),
    ("95598", "0571-88881234", "phone_changed", ("95598",), ("057188881234",)),
    ("GN-2025-0612-01", "GN-2025-0612-02", "reference_changed", ("GN-2025-0612-01",), ("GN-2025-0612-02",)),
    ("10千伏青河线", "10千伏柳园线", "line_changed", ("10千伏青河线",), ("10千伏柳园线",)),
    ("10千伏青河线", "10千伏青山线", "line_changed", ("10千伏青河线",), ("10千伏青山线",)),
    ("10千伏青河线", "10千伏青河线、10千伏柳园线", "line_added", (), ("10千伏柳园线",)),
    ("，柳园小区 3幢", "，柳园小区 3幢、5幢", "place_added", (), ("青河镇：柳园小区 5幢",)),
    ("人民路 1 号", "人民路全部", "place_added", (), ("河西镇：人民路 3 号",)),
    ("人民路 1 号", "人民路 1 号，解放路全部", "place_added", (), ("河西镇：解放路全部",)),
    ("敬请谅解", "望请谅解", "words_changed", (), ()),
    ("人民路 1 号", "人民路 1号", "words_changed", (), ()),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "dropped", "added"), ZH_EDITS)
def test_every_single_edit_is_found(
    desk: Desk, old: str, new: str, code: str, dropped: tuple[str, ...], added: tuple[str, ...]
) -> None:
    findings = desk.edit(desk.text("zh", "web"), old, new)
    assert findings
    assert all(finding.says.count(".") >= 1 and finding.keys == (TextKey("first", "zh", "web"),) for finding in findings)
    assert [needs_reason(finding) for finding in findings] == [code != "words_changed"] * len(findings)
    if "_" in code:
        assert [(finding.code, finding.dropped, finding.added) for finding in findings] == [(code, dropped, added)]
    assert findings[0].kind == code.partition("_")[0]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from(list(LINES)), st.sampled_from(CHANNELS), st.data())
def test_any_single_figure_that_is_changed_is_found(
    desk: Desk, case: Any, language: str, channel: str, data: st.DataObject
) -> None:
    kind, changes = case
    text = desk.text(language, channel, kind, **changes)
    figures = [found.start() for found in re.finditer("[0-9](?!）)", text.body)]  # but those that count the windows: （1）
    if not figures:
        return  # a script for the voice
    at = data.draw(st.sampled_from(figures))
    # By two: the last house of a run of even numbers may as well be odd.
    edited = replace(text, body=f"{text.body[:at]}{(int(text.body[at]) + 2) % 10}{text.body[at + 1 :]}")
    known = replace(desk.known[language], issued_at=desk.facts(language, kind, **changes).issued_at)
    findings = differences(text, edited, known, scope=desk.scope[language], affected=desk.affected)
    assert any(needs_reason(finding) for finding in findings)


LOST = [
    ("zh", "，柳园小区 3幢", "", "青河镇：柳园小区 3幢"),
    ("zh", "2–8 号（双号）", "4–8 号（双号）", "青河镇：中山路 2 号"),
    ("zh", "柳树社区全部", "柳树街全部", "青河镇：柳树社区全部"),  # the street is not in the town itself
    ("zh", "柳树社区全部，", "", "青河镇：柳树社区全部"),
    ("zh", "；\n河西镇：人民路 1 号", "", "河西镇：人民路 1 号"),
    ("zh", "人民路 1 号", "解放路 1 号", "河西镇：人民路 1 号"),
    ("en", "all of Willow Community; ", "", "Qinghe Town: all of Willow Community"),
    ("en", "; Willow Court Building 3", "", "Qinghe Town: Willow Court Building 3"),
]


@pytest.mark.parametrize(("language", "old", "new", "lost"), LOST)
def test_an_affected_customer_whom_no_word_covers_any_more_cannot_be_reasoned_away(
    desk: Desk, language: str, old: str, new: str, lost: str
) -> None:
    findings = desk.edit(desk.text(language, "web"), old, new)
    grave = [finding for finding in findings if finding.severity == "grave"]
    assert [(finding.code, finding.dropped) for finding in grave] == [("customers_dropped", (lost,))]
    assert blocking(findings, {finding.key: "the editor knows better" for finding in findings}) == grave


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LINES)
def test_a_place_that_is_dropped_is_found_in_every_channel(desk: Desk, language: str, channel: str) -> None:
    name = {"zh": "人民路", "en": "Renmin Road"}[language]
    findings = desk.edit(desk.text(language, channel), name, {"zh": "某路", "en": "some road"}[language])
    assert any(finding.code == "customers_dropped" for finding in findings)
    other = desk.edit(desk.text(language, channel), name, {"zh": "解放路", "en": "Jiefang Road"}[language])
    assert any(finding.code == "customers_dropped" for finding in other)
    assert any(finding.kind == "place" and finding.added for finding in other)


def test_a_place_that_is_added_outside_the_scope_is_found(desk: Desk) -> None:
    (finding,) = desk.edit(desk.text("zh", "web"), "敬请谅解", "敬请谅解，解放路照常供电")
    assert (finding.code, finding.added) == ("place_added", ("解放路",))


def test_a_scope_that_is_no_longer_understood_is_said(desk: Desk) -> None:
    findings = desk.edit(desk.text("zh", "web"), "人民路 1 号", "人民大道 1 号")
    assert [(finding.code, finding.severity) for finding in findings] == [
        ("place_unreadable", "reason"),
        ("customers_dropped", "grave"),
    ]
    assert "人民路" in findings[0].says


def test_numbers_in_a_radio_script_are_compared_as_figures(desk: Desk) -> None:
    text = desk.text("zh", "radio", slot_s=60)
    assert [finding.code for finding in desk.edit(text, "八点三十分", "九点三十分")] == ["time_changed"]
    assert [finding.code for finding in desk.edit(text, "九五五九八", "九五五九五")] == ["phone_added"]
    assert "customers_dropped" in {finding.code for finding in desk.edit(text, "二号至八号", "四号至八号")}


def test_without_its_scope_a_text_is_compared_by_names_and_numbers(desk: Desk) -> None:
    text = desk.text("zh", "web")

    def compared(old: str, new: str) -> list[str]:
        edited = replace(text, body=text.body.replace(old, new))
        return [finding.code for finding in differences(text, edited, desk.known["zh"], affected=desk.affected)]

    assert compared("2–8 号", "4–8 号") == ["place_changed"]
    assert compared("，柳园小区 3幢", "，柳园小区 3幢，解放路") == ["place_added"]
    assert compared("人民路 1 号", "解放路 1 号") == ["place_changed", "customers_dropped"]


def test_the_same_times_in_another_order_are_found(desk: Desk) -> None:
    text = desk.text("zh", "web", "reschedule")
    swapped = (
        text.body.replace("6月11日（星期三）", "@")
        .replace("6月12日（星期四）", "6月11日（星期三）")
        .replace("@", "6月12日（星期四）")
    )
    swapped = swapped.replace("17:30", "@").replace("17:00", "17:30").replace("@", "17:00")
    findings = differences(text, replace(text, body=swapped), desk.known["zh"])
    assert {finding.kind for finding in findings} == {"time"}


def test_a_reason_stands_for_one_change_only(desk: Desk) -> None:
    text = desk.text("zh", "web")
    first, later = desk.edit(text, "08:30", "09:30"), desk.edit(text, "08:30", "10:30")
    reasons = {first[0].key: "the crew comes later"}
    assert blocking(first, reasons) == []
    assert blocking(later, reasons) == later
    assert blocking(first, {first[0].key: "  "}) == first
    assert blocking(desk.edit(text, "敬请谅解", "望请谅解"), {}) == []
    assert differences(text, text, desk.known["zh"]) == []


DISAGREE = [
    ("08:30", "09:30", "time_disagrees", "2025-06-12 09:30"),
    ("95598", "95595", "phone_disagrees", "95595"),
    ("GN-2025-0612-01", "GN-2025-0612-07", "reference_disagrees", "GN-2025-0612-07"),
    ("10千伏青河线", "10千伏柳园线", "line_disagrees", "10千伏柳园线"),
    ("人民路 1 号", "解放路 1 号", "place_disagrees", "解放路"),
]


@pytest.mark.parametrize(("old", "new", "code", "added"), DISAGREE)
def test_one_text_that_says_what_the_others_do_not_is_named(desk: Desk, old: str, new: str, code: str, added: str) -> None:
    texts = all_texts(desk, "first")
    edited = [
        replace(text, body=text.body.replace(old, new)) if text.key == TextKey("first", "zh", "web") else text for text in texts
    ]
    (finding,) = disagreements(edited, desk.known, held(desk), affected=desk.affected)
    assert (finding.code, finding.added, finding.keys) == (code, (added,), (TextKey("first", "zh", "web"),))
    assert needs_reason(finding)


def test_a_change_that_all_texts_make_is_no_disagreement(desk: Desk) -> None:
    texts = [desk.text("zh", channel) for channel in ("web", "sms")]
    edited = [replace(text, body=text.body.replace("17:00", "18:00")) for text in texts]
    assert disagreements(edited, desk.known, held(desk)) == []
    assert len(disagreements([edited[0], texts[1]], desk.known, held(desk))) == 1


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["web", "sms"]), st.integers(0, 400), st.integers(0, 400))
def test_any_edit_at_all_is_compared(desk: Desk, typed: str, channel: str, start: int, end: int) -> None:
    text = desk.text("zh", channel)
    edited = replace(text, body=text.body[:start] + typed + text.body[end:])
    findings = differences(text, edited, desk.known["zh"], scope=desk.scope["zh"], affected=desk.affected)
    assert bool(findings) is (edited != text)
    assert {finding.kind for finding in disagreements([text, edited], desk.known, held(desk))} <= {
        "time", "place", "line", "reference", "phone",
    }  # fmt: skip
