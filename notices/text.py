"""The facts of one outage → a notice in a language, for a channel.

::

    NoticeFacts ──check──▶ facts ──tell──▶ words and times ──render──▶ title, body ──▶ Notice
                     │                │                  templates/<language>/<channel>.txt
                     └─ NoticeError   └─ notices.dates, in the zone of the utility

A notice is as true as its tense: before the outage begins it says what will be, while it lasts since when power is off and when
it is expected back, between two windows when it goes off again, and afterwards only what was. All words stand in the templates
of their language: ``words.toml`` says what classes and kinds are called, ``_parts.txt`` what several channels say alike.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, UndefinedError

from notices.audiences import PERSONAL
from notices.dates import LOCALES, Dates
from notices.facts import Kind, NoticeError, NoticeFacts, check_facts
from notices.personal import KNOWN
from notices.rules import CHANNELS
from notices.speech import Aloud, phone_aloud
from notices.spotsaloud import scope_aloud
from outages.facts import FactProblem

__all__ = ["CHANNELS", "LANGUAGES", "UNTITLED", "Notice", "NoticeError", "NoticeFacts", "write_notice"]

LANGUAGES = tuple(LOCALES)
UNTITLED = ("sms", "tv", "radio", "call")
"""Channels that send the body alone; their title is for the desk."""

SLOTS_S = (15, 30, 60)
"""How long a script for the radio may be; the second is taken where none is asked for."""

_BRIEF = ("sms", "tv", "app")
_SPOKEN = ("radio", "call")
_BLANK = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
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
    """A notice as it goes out. ``slot_s`` is the slot of a radio script; ``fields`` are the keys and values of an app."""

    kind: Kind
    language: str
    channel: str
    title: str
    body: str
    slot_s: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What goes out: the body, after title and an empty line where the channel has a title."""
        return self.body if self.channel in UNTITLED else f"{self.title}\n\n{self.body}"

    @property
    def length(self) -> int:
        """Number of characters of `text`."""
        return len(self.text)


def write_notice(facts: NoticeFacts, *, language: str, channel: str = "web", slot_s: int | None = None) -> Notice:
    """Write the notice that tells ``facts``; ``slot_s`` is for the radio: one of `SLOTS_S`.

    Raises
    ------
    NoticeError
        If the language, channel or slot is unknown, if a fact is missing, cannot be printed or cannot be true, or if a template
        asks for a fact that there is none of, or leaves a blank that nobody fills.
    """
    _known("language", language, LANGUAGES)
    _known("channel", channel, CHANNELS)
    slot_s = _slot(channel, slot_s)
    check_facts(facts)
    words = _words(language, facts.outage_class, channel)
    fields: list[tuple[str, str]] = []
    told = _told(facts, language, channel, apart=words["apart"]) | {
        "words": words,
        "opening": _opening(facts, words),
        "slot_s": slot_s,
        "field": _keeper(fields, words["colon"]),
    }
    body = _tidy(_render(f"{language}/{channel}.txt", told))
    _check_blanks(body, channel)
    return Notice(facts.kind, language, channel, words["titles"][facts.kind], body, slot_s, tuple(fields))


def _known(field: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        says = f"No notice can be written for the {field} {given!r}. Take one of: {', '.join(known)}."
        raise NoticeError(FactProblem(field, f"{field}_unknown", says, given))


def _slot(channel: str, slot_s: int | None) -> int | None:
    if channel == "radio" and slot_s is None:
        return SLOTS_S[1]
    if slot_s is not None and (channel != "radio" or slot_s not in SLOTS_S):
        known = ", ".join(map(str, SLOTS_S))
        says = f"There is no slot of {slot_s} seconds for the channel {channel}. Take {known} for the radio, or none."
        raise NoticeError(FactProblem("slot_s", "slot_s_unknown", says, str(slot_s)))
    return slot_s


@lru_cache
def _words(language: str, outage_class: str, channel: str) -> dict[str, Any]:
    """Return the words of a class, its own before those of every class; its titles are as ``channel`` has them."""
    tables = tomllib.loads((_TEMPLATES / language / "words.toml").read_text(encoding="utf-8"))
    every, own = tables["every"], tables[outage_class]
    words: dict[str, Any] = every | own
    named = {"name": words["name"], "first": "{first}", "notice": every["notice"].get(channel, every["notice"]["other"])}
    for table in ("titles", "openings", "openings_ahead"):
        filled = every.get(table, {}) | own.get(table, {})
        words[table] = {kind: text.format_map(named) for kind, text in filled.items()}
    return words


def _opening(facts: NoticeFacts, words: dict[str, Any]) -> str:
    """Return the sentence that opens a notice: by its kind, before the outage begins and after; else by class and state."""
    openings: dict[str, str] = words["openings"]
    state = "between" if facts.state == "underway" and facts.current is None else facts.state
    by_kind = words["openings_ahead"].get(facts.kind) if state == "ahead" else None
    first = openings[state] if facts.kind in ("first", "reminder") else ""
    return by_kind or openings.get(facts.kind, "{first}").replace("{first}", first)


def _told(facts: NoticeFacts, language: str, channel: str, *, apart: str) -> dict[str, Any]:
    """Return everything a template may print: texts as they are, times in the zone and language of the reader.

    Where a person reads it aloud, figures of times, places and telephone numbers are words.
    """
    spoken = channel in _SPOKEN
    lines = [_line(place) for place in facts.scope.strip().splitlines()]
    places = [scope_aloud(line, language) for line in lines] if spoken else lines
    phone = partial(phone_aloud, language=language) if spoken else _line
    return _times(facts, _dates(facts, language, channel)) | {
        "facts": facts,
        "channel": channel,
        "outage_class": facts.outage_class,
        "kind": facts.kind,
        "state": facts.state,
        "reference": _line(facts.reference),
        "reason": _line(facts.reason).rstrip("。."),
        "why": _line(facts.why).rstrip("。."),
        "lines": [_line(line) for line in facts.lines if line.strip()],
        "places": places,
        "places_inline": apart.join(places),
        "issuer": _line(facts.issuer),
        "hotline": phone(facts.hotline),
        "interpreter": phone(facts.interpreter),
        "link": facts.link.strip(),
        "remark": _line(facts.remark),
    }


def _dates(facts: NoticeFacts, language: str, channel: str) -> Dates | Aloud:
    if channel in _SPOKEN:
        return Aloud(language, facts.zone, facts.issued_at)
    return Dates(language, "short" if channel in _BRIEF else "full", facts.zone, facts.issued_at)


def _times(facts: NoticeFacts, dates: Dates | Aloud) -> dict[str, Any]:
    """Return the times: ``when`` in as few lines as are true, since when power is off, when it is back or goes off again."""
    current, following, told = facts.current, facts.following, facts.earlier
    is_last = current is not None and following is None
    update = facts.estimate and facts.estimate.next_update
    return {
        "windows": [dates.window(window) for window in facts.windows],
        "when": dates.each(facts.windows),
        "window": dates.together(facts.windows),
        "start": dates.moment(facts.start),
        "end": dates.moment(facts.end, up=True) if facts.end else None,
        "estimate": dates.estimate(facts.estimate) if facts.estimate else None,
        "next_update": dates.moment(update) if update and update > facts.issued_at else None,
        "off_since": dates.moment(current.start) if current else None,
        "back": dates.moment(current.end, up=True) if current and current.end and not (is_last and facts.estimate) else None,
        "off_again": dates.window(following) if following and facts.state == "underway" else None,
        "earlier": [dates.window(window) for window in told.windows] if told else [],
        "earlier_when": dates.each(told.windows) if told else [],
        "earlier_end": dates.moment(told.end, up=True) if told and told.end else None,
        "restored": dates.moment(facts.restored_at) if facts.restored_at else None,
        "alternative": dates.window(facts.alternative) if facts.alternative else None,
        "issued_on": dates.day_of_issue(),
    }


def _line(text: str) -> str:
    return " ".join(text.split())


def _keeper(fields: list[tuple[str, str]], colon: str) -> Callable[[str, str], str]:
    """Return what a template calls to print a key with its value; each pair is kept in ``fields`` as well."""

    def field(key: str, value: str) -> str:
        fields.append((key, value))
        return f"{key}{colon}{value}"

    return field


def _render(path: str, told: dict[str, Any]) -> str:
    try:
        return _PAGES.get_template(path).render(told)
    except TemplateNotFound as error:
        says = f"There is no template {error.name}. Add it under notices/templates."
        raise NoticeError(FactProblem("channel", "template_missing", says, path)) from error
    except UndefinedError as error:
        says = f"The template {path} asks for a fact that no notice has: {error.message}. Correct the template."
        raise NoticeError(FactProblem("template", "template_fact_unknown", says, path)) from error


def _check_blanks(body: str, channel: str) -> None:
    """A blank is filled for each person, so only a channel that addresses persons has any."""
    known = KNOWN if channel in PERSONAL else ()
    unknown = sorted({name for name in _BLANK.findall(body) if name not in known})
    if unknown:
        may = ", ".join(f"[[{name}]]" for name in known) or "none"
        given = ", ".join(f"[[{name}]]" for name in unknown)
        says = f"The text for {channel} has blanks that nobody fills: {given}. It may have: {may}."
        raise NoticeError(FactProblem("template", "placeholder_unknown", says, given))


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
