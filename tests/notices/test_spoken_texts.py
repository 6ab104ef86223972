"""Texts for television, radio, text messages and calls: word for word as the golden files, and what each of them must keep to.

After a change of words that is meant, write the golden files anew and read every one of them:
``PYTHONPATH=. python -c "import runpy; runpy.run_path('tests/notices/test_spoken_texts.py')['regenerate']()"``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from notices.facts import KINDS, NoticeError
from notices.measure import sizes
from notices.personal import Form
from notices.readability import faults
from notices.sms import encode_size, plain_sms
from notices.speech import unspoken
from notices.spotsaloud import scope_aloud
from notices.text import Notice, write_notice
from outages.facts import OUTAGE_CLASSES
from tests.notices.spoken import CASES, CHANNELS, HOUR, START, facts_of

GOLDEN = Path(__file__).parent / "golden" / "spoken"
LANGUAGES = ["zh", "en"]
COMING = ("first", "reminder", "reschedule", "extension", "scope_change")
SLOTS = {"radio": (15, 30, 60)}


def notices_of(channel: str, language: str) -> list[tuple[str, Notice]]:
    """Every case with its notice; for the radio in every slot."""
    return [
        (
            case if slot_s is None else f"{case} {slot_s} s",
            write_notice(facts_of(case, language), language=language, channel=channel, slot_s=slot_s),
        )
        for case in CASES
        for slot_s in SLOTS.get(channel, (None,))
    ]


def page(channel: str, language: str) -> str:
    return "\n".join(f"=== {case}\n{notice.text}\n" for case, notice in notices_of(channel, language))


def regenerate() -> None:
    """Write every golden file anew."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for channel in CHANNELS:
        for language in LANGUAGES:
            (GOLDEN / f"{channel}.{language}.txt").write_text(page(channel, language), encoding="utf-8")


EVERY = pytest.mark.parametrize(("channel", "language"), [(channel, language) for channel in CHANNELS for language in LANGUAGES])
BOTH = pytest.mark.parametrize("language", LANGUAGES)


@EVERY
def test_texts_are_word_for_word_their_golden_files(channel: str, language: str) -> None:
    golden = (GOLDEN / f"{channel}.{language}.txt").read_text(encoding="utf-8")
    assert page(channel, language) == golden, (
        "if this is meant, regenerate the golden files (see the top of this file), read them"
    )


def test_every_kind_has_a_case() -> None:
    assert {facts_of(case, "zh").kind for case in CASES} == set(KINDS)


@EVERY
def test_texts_can_be_read(channel: str, language: str) -> None:
    for case, notice in notices_of(channel, language):
        places = facts_of(case.split()[0], language).scope.splitlines()
        lists = [*places, *(scope_aloud(place, language) for place in places)]
        found = faults(notice.text, language, lists=lists)
        assert not found or channel == "tv", (case, found)  # a crawl is one sentence, with marks where others have full stops
        assert not [fault for fault in found if fault.code == "word_unknown"]


@EVERY
def test_nothing_says_will_after_power_is_back(channel: str, language: str) -> None:
    ahead = re.compile("将|预计|提前|即将" if language == "zh" else r"\b(will|must|expected|going to)\b", re.IGNORECASE)
    for case, notice in notices_of(channel, language):
        if notice.kind in ("restoration", "cancellation", "unaffected"):
            assert not ahead.search(notice.text.replace("I will report", "")), case


@EVERY
@pytest.mark.parametrize("outage_class", OUTAGE_CLASSES)
def test_every_class_and_kind_can_be_said_before_and_while_it_lasts(outage_class: str, channel: str, language: str) -> None:
    for case in ("first", *KINDS[1:]):
        facts = replace(facts_of(case, language), outage_class=outage_class)
        for issued_at in (facts.issued_at, START + 7 * HOUR):
            told = replace(facts, issued_at=issued_at)
            if (outage_class == "fault" and told.state == "ahead") or (
                facts.kind == "restoration" and issued_at < START + 8 * HOUR
            ):
                continue
            text = write_notice(told, language=language, channel=channel).text
            assert "None" not in text
            assert "\n" not in text or channel == "call"
            assert not re.search(r"  |。。|，，|\.\.|,,| [.,;]", text)


@EVERY
@pytest.mark.parametrize("case", ["cancellation", "unaffected"])
def test_who_may_still_be_off_is_not_told_that_power_is_on(case: str, channel: str, language: str) -> None:
    as_usual = "请照常用电" if language == "zh" else "use your power as usual"
    facts = facts_of(case, language)
    assert (as_usual in write_notice(facts, language=language, channel=channel).text) is (channel in ("radio", "call"))
    begun = replace(facts, issued_at=START + HOUR)
    assert as_usual not in write_notice(begun, language=language, channel=channel).text


@BOTH
def test_an_sms_has_its_signature_first_and_its_link_last(language: str) -> None:
    for _, notice in notices_of("sms", language):
        facts = facts_of("first", language)
        signature = f"【{facts.issuer}】" if language == "zh" else f"{facts.issuer}: "
        assert notice.text.startswith(signature)
        assert notice.text.endswith(facts.link)
        assert facts.hotline in notice.text
        assert facts.reference in notice.text


@BOTH
def test_an_sms_says_cause_place_time_and_hotline_in_this_order(language: str) -> None:
    text = write_notice(facts_of("first", language), language=language, channel="sms").text
    facts = facts_of("first", language)
    places = [text.index(words) for words in (facts.reason, facts.scope.splitlines()[0], "08:30", facts.hotline, facts.link)]
    assert places == sorted(places)


def test_an_english_sms_is_gsm_once_its_marks_are_plain() -> None:
    for case, notice in notices_of("sms", "en"):
        assert encode_size(plain_sms(notice.text)).encoding == "GSM-7", case
        assert sizes(notice).encoding == "UCS-2"  # the run of numbers has a dash


@BOTH
def test_a_crawl_is_one_sentence_with_date_area_line_and_hotline(language: str) -> None:
    for case, notice in notices_of("tv", language):
        facts = facts_of(case, language)
        assert notice.text.count("。" if language == "zh" else ". ") == (language == "zh"), case
        assert all(words in notice.text for words in (*facts.lines, *facts.scope.splitlines(), facts.hotline)), case


@BOTH
def test_a_radio_script_has_no_figure_of_ours_and_reads_back(language: str) -> None:
    for case, notice in notices_of("radio", language):
        facts = facts_of(case.split()[0], language)
        own = notice.text
        for name in (facts.reason, *facts.lines):
            own = own.replace(name, "")
        assert not re.search("[0-9]", own), case
        written = unspoken(notice.text, language)
        assert all(place in written for place in facts.scope.splitlines()), case
        assert written.count(facts.hotline) == 2, case
        assert written.rstrip("。.").endswith(facts.hotline), case
        assert re.search("[0-9]{2}:[0-9]{2}", written), case


@BOTH
def test_a_longer_slot_says_more(language: str) -> None:
    for case in CASES:
        lengths = [
            sizes(write_notice(facts_of(case, language), language=language, channel="radio", slot_s=at)).seconds
            for at in (15, 30, 60)
        ]
        assert lengths == sorted(lengths), case
        assert lengths[0] < lengths[2] or facts_of(case, language).kind not in COMING


@BOTH
def test_a_call_asks_what_it_must_and_promises_nothing(language: str) -> None:
    asked = {
        "zh": ("备用电源吗", "再说一遍", "医疗设备", "急救中心", "您的姓名"),
        "en": ("back-up power?", "back to me", "medical equipment", "emergency service", "your name"),
    }
    promised = re.compile("保证|一定|会及时恢复" if language == "zh" else "guarantee|promise|certainly")
    for case, notice in notices_of("call", language):
        if notice.kind in COMING:
            assert all(words in notice.text for words in asked[language]), case
        assert not promised.search(notice.text), case
        assert facts_of(case, language).reference in notice.text


@BOTH
def test_a_call_names_the_person_where_the_name_is_known(language: str) -> None:
    form = Form.of(write_notice(facts_of("first", language), language=language, channel="call").text, language)
    known = form.fill({"name": "柳树小学", "address": "中山路 12 号"})
    assert known.startswith("尊敬的柳树小学，您好！" if language == "zh" else "Dear 柳树小学, good day.")
    assert "中山路 12 号\n" in known
    unknown = form.fill({})
    assert unknown.startswith("尊敬的用户，您好！" if language == "zh" else "Dear customer, good day.")
    assert "地址" not in unknown
    assert "Address" not in unknown


def test_a_slot_is_for_the_radio() -> None:
    with pytest.raises(NoticeError, match="slot"):
        write_notice(facts_of("first", "zh"), language="zh", channel="tv", slot_s=15)
