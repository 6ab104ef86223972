"""The facts of one outage → a notice in a language, for a channel.

::

    NoticeFacts ──check──▶ facts ──localise──▶ words and times ──render──▶ body ──▶ Notice
                     │                              │                 templates/<language>/<channel>.txt
                     └─ NoticeError, all at once    └─ Babel, in the zone of the utility

A notice is as true as its tense: before the outage begins it says what will be, afterwards since when the power is off and
when it is expected back. All words stand in the templates of their language.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notices.facts import NoticeError, NoticeFacts, check_facts
from outages.facts import FactProblem

__all__ = ["CHANNELS", "LANGUAGES", "Notice", "NoticeError", "NoticeFacts", "write_notice"]

CHANNELS = ("web",)


@dataclass(frozen=True)
class DateStyle:
    """How Babel is asked for dates in a language: patterns of a day and of a moment, words between and around them."""

    locale: str
    day: str
    moment: str
    between: str
    aside: str


LANGUAGES = {
    "zh": DateStyle(locale="zh_Hans_CN", day="y年M月d日", moment="y年M月d日（EEEE）HH:mm", between=" 至 ", aside="（{}）"),
    "en": DateStyle(locale="en", day="d MMMM y", moment="EEEE, d MMMM y, HH:mm", between=" to ", aside=" ({})"),
}

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text; whoever puts it into a page escapes it there
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Notice:
    """A notice as it goes out. ``length`` is the number of characters of `text`."""

    language: str
    channel: str
    title: str
    body: str
    length: int

    @property
    def text(self) -> str:
        """Title and body, with an empty line between them."""
        return f"{self.title}\n\n{self.body}"


def write_notice(facts: NoticeFacts, *, language: str, channel: str = "web") -> Notice:
    """Write the notice that tells ``facts``.

    Raises
    ------
    NoticeError
        If the language or channel is unknown, or a fact is missing, cannot be printed or cannot be true.
    """
    _known("language", language, tuple(LANGUAGES))
    _known("channel", channel, CHANNELS)
    check_facts(facts)
    words = _words(language)[facts.outage_class]
    told = _localised(facts, LANGUAGES[language])
    opening = words["underway" if facts.underway else "ahead"]
    body = _tidy(_PAGES.get_template(f"{language}/{channel}.txt").render(told, words=words, opening=opening))
    title = words["title"]
    return Notice(language, channel, title, body, len(title) + 2 + len(body))


def _known(field: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        says = f"No notice can be written for the {field} {given!r}. Take one of: {', '.join(known)}."
        raise NoticeError(FactProblem(field, f"{field}_unknown", says, given))


@lru_cache
def _words(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((_TEMPLATES / language / "words.toml").read_text(encoding="utf-8"))


def _localised(facts: NoticeFacts, style: DateStyle) -> dict[str, Any]:
    """Everything a template may print: texts as they are, times in the zone and language of the reader."""
    zone = ZoneInfo(facts.zone)
    start = _minute(facts.start, up=False).astimezone(zone)
    end = _minute(facts.end, up=True).astimezone(zone) if facts.end else None
    return {
        "reference": facts.reference.strip(),
        "outage_class": facts.outage_class,
        "underway": facts.underway,
        "window": _window(start, end, style) if end and not facts.underway else None,
        "start": _moment(start, style),
        "end": _moment(end, style) if end else None,
        "reason": facts.reason.strip().rstrip("。."),
        "lines": [line.strip() for line in facts.lines if line.strip()],
        "places": facts.scope.strip().splitlines(),
        "issuer": facts.issuer.strip(),
        "hotline": facts.hotline.strip(),
        "issued_on": format_date(facts.issued_at.astimezone(zone), style.day, locale=style.locale),
        "restoration_note": facts.restoration_note.strip(),
    }


def _minute(moment: datetime, *, up: bool) -> datetime:
    """Whole minutes that never make the window shorter than it is."""
    whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return whole + timedelta(minutes=1) if up and whole < moment.astimezone(UTC) else whole


def _moment(moment: datetime, style: DateStyle) -> str:
    return _plain(moment, style) + _zone(moment, style)


def _plain(moment: datetime, style: DateStyle) -> str:
    return format_datetime(moment, style.moment, tzinfo=moment.tzinfo, locale=style.locale)


def _zone(moment: datetime, style: DateStyle) -> str:
    return style.aside.format(zone_name(moment, style.locale))


def zone_name(moment: datetime, locale: str) -> str:
    """Return the name of the zone of ``moment``, as newspapers write it.

    >>> from zoneinfo import ZoneInfo
    >>> zone_name(datetime(2026, 5, 1, tzinfo=ZoneInfo("Asia/Shanghai")), "zh_CN")
    '北京时间'
    """
    name: str = get_timezone_name(moment, locale=locale)
    return _AS_PRINTED.get(name, name)


_AS_PRINTED = {"中国标准时间": "北京时间"}
"""Names of zones that the press writes otherwise than Babel's data do."""


def _window(start: datetime, end: datetime, style: DateStyle) -> str:
    """Start to end: the date twice over midnight, the zone twice where clocks are changed in between."""
    same_day, same_zone = start.date() == end.date(), start.utcoffset() == end.utcoffset()
    until = f"{end:%H:%M}" if same_day else _plain(end, style)
    return f"{_plain(start, style)}{'' if same_zone else _zone(start, style)}{style.between}{until}{_zone(end, style)}"


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
