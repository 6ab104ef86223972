"""Pages speak the language that is asked for, and every word of them is translated."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api import labels, notice_labels
from api.language import LANGUAGES, choose, moment, number, span, told, translator, words, zone_label
from api.people.roles import PERMISSIONS
from api.problems import HTTP_PROBLEMS, PROBLEMS, UNEXPECTED
from api.visit import WEB
from outages.events import EVENT_KINDS
from outages.facts import ACTIONS, CONFIDENCES, SOURCES, OutageFacts
from outages.lifecycle import NEW, TRANSITIONS

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "accepts", "chosen"),
    [
        (None, "", "zh"),
        (None, "*", "zh"),
        (None, "en", "en"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr-FR, en;q=0.3, zh;q=0.7", "zh"),
        (None, "en;q=0", "zh"),
        (None, "en;q=nonsense, zh;q=0.1", "zh"),
        ("en", "zh-CN", "en"),
        ("EN-us", "zh-CN", "en"),
        ("tlh", "en", "en"),
        ("<script>", "", "zh"),
    ],
)
def test_a_visitor_gets_the_language_asked_for_else_the_accepted_else_the_first(
    asked: str | None, accepts: str, chosen: str
) -> None:
    assert choose(asked, accepts, LANGUAGES) == chosen


def test_a_utility_with_one_language_speaks_it_to_everybody() -> None:
    assert choose("zh", "zh-CN", ["en"]) == "en"


def _said_in_code() -> set[str]:
    tables = (
        labels.CLASSES,
        labels.STATUSES,
        labels.WHEN,
        labels.EVENTS,
        labels.PRIORITIES,
        labels.STATES,
        labels.KINDS,
        labels.PROBLEMS,
        labels.ROLES,
        labels.CHANGE_CODES,
        labels.FIELDS,
        labels.SOURCES,
        labels.CONFIDENCES,
        labels.ACTIONS,
        labels.SAYINGS,
        labels.REFUSALS,
        labels.CONFLICTS,
        labels.ACCOUNT_PROBLEMS,
        labels.SIGN_IN_PROBLEMS,
        PERMISSIONS,
        *notice_labels.TABLES,
    )
    said = {text for table in tables for text in table.values() if text}
    kinds = [*PROBLEMS.values(), *HTTP_PROBLEMS.values(), UNEXPECTED]
    return said | {words for kind in kinds for words in (kind.title, kind.advice)}


def _said_in_templates() -> set[str]:
    found = extract_from_dir(WEB / "templates", method_map=[("**.html", "jinja2")], keywords={"_": None})
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def test_every_word_of_the_pages_is_translated_and_nothing_else_is() -> None:
    said = _said_in_templates() | _said_in_code()
    with (WEB / "locale" / "zh.po").open("rb") as file:
        catalogue = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    assert said - set(catalogue) == set()
    assert set(catalogue) - said == set()
    assert [text for text, translated in catalogue.items() if not translated] == []


def test_placeholders_survive_translation() -> None:
    for english, chinese in words("zh").items():
        for placeholder in re.findall(r"%d|\{\w+\}", english):
            assert placeholder in chinese, english


HOUSE = Path(__file__).parents[2]


def test_every_kind_of_event_status_and_field_has_words() -> None:
    assert set(labels.EVENTS) == set(EVENT_KINDS)
    assert set(labels.STATUSES) == set(TRANSITIONS) - {NEW}
    assert set(labels.FIELDS) == {field.name for field in fields(OutageFacts)}
    assert set(labels.REFUSALS) == set(EVENT_KINDS) - {"entered"}
    assert (set(labels.SOURCES), set(labels.CONFIDENCES), set(labels.ACTIONS)) == (set(SOURCES), set(CONFIDENCES), set(ACTIONS))


REACHED = ("outages/facts.py", "outages/selection.py", "api/form.py", "api/service.py")
"""Where the problems come from that a person can meet on a page."""


def _codes(what: str, *paths: str) -> set[str]:
    """Return the codes that calls of ``what`` give: the first plain text, or the second after a field."""
    told = "".join((HOUSE / path).read_text(encoding="utf-8") for path in paths)
    return set(re.findall(rf'{what}\(\s*(?:"[\w-]+", |\w+, )?"([a-z_]+)"', told))


def test_every_problem_with_facts_and_every_conflict_has_words() -> None:
    met = _codes("FactProblem", *REACHED) | _codes("_error", *REACHED)
    assert len(met) > 20
    assert met - set(labels.PROBLEMS) == {"selection_missing"}  # the form asks for a selection only where there is one
    told = (HOUSE / "outages/conflicts.py").read_text(encoding="utf-8")
    assert set(re.findall(r'Conflict\("(\w+)"', told)) <= set(labels.CONFLICTS)


def test_what_no_catalogue_knows_stays_english() -> None:
    assert translator("zh")("A sentence of tomorrow.") == "A sentence of tomorrow."


@pytest.mark.parametrize(
    ("at", "zh", "en"),
    [
        (NOW, "今天 5月1日 周五 09:00", "today, Fri 1 May, 09:00"),
        (NOW.replace(hour=16), "明天 5月2日 周六 00:00", "tomorrow, Sat 2 May, 00:00"),
        (NOW.replace(month=4, day=30), "昨天 4月30日 周四 09:00", "yesterday, Thu 30 Apr, 09:00"),
        (NOW.replace(day=9), "5月9日 周六 09:00", "Sat 9 May, 09:00"),
        (NOW.replace(year=2027), "2027年5月1日 周六 09:00", "Sat 1 May 2027, 09:00"),
    ],
)
def test_a_time_is_told_by_its_day_and_its_date(at: datetime, zh: str, en: str) -> None:
    assert told(at, NOW, "zh", ZONE) == zh
    assert told(at, NOW, "en", ZONE) == en


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, "1 May, 09:00 –"),
        (NOW.replace(hour=8), "1 May, 09:00 – 16:00"),
        (NOW.replace(hour=16), "1 May, 09:00 – 2 May, 00:00"),
    ],
)
def test_a_span_says_the_day_once(end: datetime | None, said: str) -> None:
    assert span(NOW, end, "en", ZONE, short=True) == said


def test_times_are_on_the_clock_of_the_utility() -> None:
    assert moment(NOW, "en", "Europe/London") == "Fri 1 May 2026, 02:00"
    assert zone_label("Europe/London", NOW, "en") == "British Summer Time (UTC+01:00)"
    assert zone_label("Asia/Shanghai", NOW, "zh") == "北京时间 (UTC+08:00)"
    assert number(1234.56, "zh") == "1,234.6"


def test_the_catalogue_is_a_file_that_translators_can_open() -> None:
    assert Path(WEB / "locale" / "zh.po").read_text(encoding="utf-8").startswith("# ")
