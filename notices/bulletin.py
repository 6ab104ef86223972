"""What everybody may know about one outage at one time: the value that alerts, feeds, calendars and records are made from.

::

    whoever knows the outage ──privacy rule──▶ Bulletin ──┬─▶ notices.cap      CAP 1.2
       (customers, devices)                   (no person, ├─▶ notices.feeds    Atom, iCalendar, outage records
                                               no device)
    revision 1 first ──▶ revision 2 update ──▶ revision 5 cancel       each knows all that were sent before it

A bulletin is checked once, when it is made. Nothing that reads one checks it again, and all formats say the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import shapely
from shapely.geometry.base import BaseGeometry

from notices.facts import NoticeError
from outages.facts import ANNOUNCED_CLASSES, MOST_WINDOWS, OUTAGE_CLASSES, Estimate, FactProblem, Window

Kind = Literal["first", "update", "cancel"]
Status = Literal["planned", "current", "restored", "cancelled"]

LONGEST_HEADLINE = 160
"""Characters; CAP asks for no more, since receivers cut what is longer."""

LONGEST_TEXT = 10_000
"""Characters of any other text; what is longer is a mistake."""

LONGEST_REFERENCE = 100

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_SENDER = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_WEB = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


@dataclass(frozen=True)
class Words:
    """What is told in one ``language`` (BCP 47: ``zh-CN``, ``en``). Only ``instruction`` may be empty.

    ``event`` is the class of the outage in words; ``description`` and ``instruction`` may have several lines.
    """

    language: str
    event: str
    headline: str
    description: str
    cause: str
    issuer: str
    instruction: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            text = getattr(self, field.name)
            object.__setattr__(self, field.name, "\n".join(re.split(r"\r\n?|\n", text.strip())))


@dataclass(frozen=True)
class Area:
    """A place as the public knows it: pairs of language and name, and what may be drawn of it (WGS 84, longitude first)."""

    names: tuple[tuple[str, str], ...]
    polygons: tuple[shapely.Polygon, ...] = ()

    def name(self, language: str) -> str:
        """Return the name in ``language``, which is one of the bulletin's."""
        return dict(self.names)[language]


@dataclass(frozen=True)
class Issue:
    """An earlier bulletin on the same outage: its revision, when it was sent, and the windows that it told."""

    revision: int
    sent: datetime
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Publisher:
    """Who sends bulletins: an address of their own (``outages@example.org``), a telephone number, a zone for all times."""

    sender: str
    hotline: str
    zone: str


@dataclass(frozen=True)
class Bulletin:
    """What the public is told about an outage, once.

    Attributes
    ----------
    reference
        Number under which customers ask about the outage; the same in all its bulletins.
    revision
        Rises with every bulletin on the outage; not every number need have been sent.
    sent
        When this bulletin is issued; decides what has begun.
    kind
        ``first``, ``update`` (it supersedes those before) or ``cancel`` (those before no longer hold: it does not take place).
    status
        As people see it at ``sent``. ``restored``: the last window ends when power was confirmed to be back.
    windows
        When power is or was off, in the order of time.
    words, areas
        The texts, a `Words` for each language; where it is, with a name in each of these languages.
    earlier
        Every bulletin on the outage that was sent before, oldest first.
    at_least
        So many customers, at least; None where the privacy rule gives no number.

    Raises NoticeError with everything that is wrong.
    """

    reference: str
    revision: int
    sent: datetime
    kind: Kind
    status: Status
    outage_class: str
    windows: tuple[Window, ...]
    words: tuple[Words, ...]
    areas: tuple[Area, ...]
    publisher: Publisher
    web: str
    earlier: tuple[Issue, ...] = ()
    estimate: Estimate | None = None
    at_least: int | None = None

    def __post_init__(self) -> None:
        problems = [*_naive(self), *_choices(self), *_addresses(self), *_texts(self), *_places(self)]
        if not problems:
            problems = [*_chain(self), *_windows(self)]
        if not problems:
            problems = [*_tense(self)]
        if problems:
            raise NoticeError(*problems)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the bulletin, the main one first."""
        return tuple(words.language for words in self.words)

    @property
    def end(self) -> datetime | None:
        """When power is expected back for good, or was; None where nobody knows."""
        return self.windows[-1].end if self.estimate is None else self.estimate.latest

    def in_language(self, language: str) -> Words:
        """Return the words in ``language``; raises NoticeError where there are none."""
        for words in self.words:
            if words.language == language:
                return words
        says = f"{self.reference} is not told in {language!r}. Take one of: {', '.join(self.languages)}."
        raise NoticeError(FactProblem("language", "language_unknown", says, language))


def identifier(reference: str, revision: int) -> str:
    """Return the name of one bulletin: of letters, digits, dot, hyphen and underscore only, different for different bulletins.

    >>> identifier("GN-2025-0612", 3), identifier("a b", 1)
    ('GN-2025-0612.3', 'a_20b.1')
    """
    return f"{plain(reference)}.{revision}"


def plain(reference: str) -> str:
    """Return ``reference`` with every other byte than a letter, digit, dot or hyphen as an underscore and its number."""
    return re.sub(rb"[^A-Za-z0-9.-]", lambda found: b"_%02X" % found[0][0], reference.encode()).decode()


def stable_id(publisher: Publisher, *names: str) -> UUID:
    """Return the UUID (version 5) of what ``publisher`` calls by ``names``: the same everywhere and always."""
    return uuid5(NAMESPACE_URL, "/".join([f"mailto:{publisher.sender}", *map(plain, names)]))


def from_second(moment: datetime) -> datetime:
    """Return the whole second, in UTC, that ``moment`` is in: no standard here knows fractions."""
    return moment.astimezone(UTC).replace(microsecond=0)


def to_second(moment: datetime) -> datetime:
    """Return the first whole second, in UTC, not before ``moment``; with `from_second`, no window gets shorter or empty."""
    whole = from_second(moment)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _naive(given: Bulletin) -> Iterator[FactProblem]:
    named = [("sent", given.sent), *(("earlier", one.sent) for one in given.earlier)]
    named += [("windows", moment) for one in given.windows for moment in (one.start, one.end) if moment is not None]
    named += [] if given.estimate is None else [("estimate", given.estimate.latest)]
    for field, moment in named:
        if moment.utcoffset() is None:
            says = f"{moment.isoformat()} does not say in which zone it is. Add the offset, as in 2025-06-12T08:30+08:00."
            yield FactProblem(field, "time_naive", says, moment.isoformat())
        elif not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            says = f"{moment.isoformat()} is not a time of our days. Correct the year."
            yield FactProblem(field, "time_absurd", says, moment.isoformat())


def _choices(given: Bulletin) -> Iterator[FactProblem]:
    choices = (("kind", get_args(Kind)), ("status", get_args(Status)), ("outage_class", OUTAGE_CLASSES))
    for field, known in choices:
        value = getattr(given, field)
        if value not in known:
            says = f"{value!r} is no {field} of a bulletin. Take one of: {', '.join(known)}."
            yield FactProblem(field, f"{field}_unknown", says, str(value))
    try:
        ZoneInfo(given.publisher.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        says = f"{given.publisher.zone!r} is no time zone. Give an IANA name, such as Asia/Shanghai."
        yield FactProblem("zone", "zone_unknown", says, given.publisher.zone)
    if given.revision < 1:
        yield FactProblem("revision", "revision_low", f"Revision {given.revision} is below 1. Count from 1.", str(given.revision))
    if given.at_least is not None and given.at_least < 1:
        says = f"At least {given.at_least} customers tells nothing. Give a number from 1, or none."
        yield FactProblem("at_least", "count_low", says, str(given.at_least))


def _addresses(given: Bulletin) -> Iterator[FactProblem]:
    sender, web = given.publisher.sender, given.web
    if not _SENDER.fullmatch(sender):
        says = f"{sender!r} is no address of a sender. Give one of your own, as in outages@example.org; nobody need read it."
        yield FactProblem("sender", "sender_malformed", says, sender)
    if not _WEB.fullmatch(web):
        says = f"{web!r} is no address of a page. Give one that begins with https:// and has no spaces."
        yield FactProblem("web", "web_malformed", says, web)


def _texts(given: Bulletin) -> Iterator[FactProblem]:
    yield from _text("reference", given.reference, most=LONGEST_REFERENCE)
    yield from _text("hotline", given.publisher.hotline, most=LONGEST_REFERENCE)
    if not given.words:
        yield FactProblem("words", "words_missing", "The bulletin has no words. Give them in at least one language.")
    if len(set(given.languages)) < len(given.languages):
        yield FactProblem("words", "language_twice", f"{', '.join(given.languages)}: a language comes twice. Give each once.")
    for words in given.words:
        if not _LANGUAGE.fullmatch(words.language):
            says = f"{words.language!r} is no language. Give a tag such as zh-CN or en."
            yield FactProblem("language", "language_malformed", says, words.language)
        yield from _text("event", words.event)
        yield from _text("headline", words.headline, most=LONGEST_HEADLINE)
        yield from _text("description", words.description, lines=True)
        yield from _text("cause", words.cause)
        yield from _text("issuer", words.issuer)
        if words.instruction:
            yield from _text("instruction", words.instruction, lines=True)


def _text(field: str, text: str, *, most: int = LONGEST_TEXT, lines: bool = False) -> Iterator[FactProblem]:
    if not text.strip():
        yield FactProblem(field, f"{field}_missing", f"The bulletin has no {field}. Give one.")
    if len(text) > most:
        says = f"The {field} has {len(text)} characters, {most} at most are sent. Say it shorter."
        yield FactProblem(field, "text_too_long", says, str(len(text)))
    unseen = sorted({f"U+{ord(char):04X}" for char in set(text) if _cannot_be_seen(char) and not (lines and char == "\n")})
    if unseen:
        says = f"The {field} has characters that cannot be seen ({', '.join(unseen)}). Type the words again without them."
        yield FactProblem(field, "text_unprintable", says, text)


def _cannot_be_seen(char: str) -> bool:
    """Return whether a character breaks a message, or makes it read as what it does not say (direction overrides)."""
    code = ord(char)
    return unicodedata.category(char) in _UNSEEN or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _places(given: Bulletin) -> Iterator[FactProblem]:
    if not given.areas:
        yield FactProblem("areas", "areas_missing", "The bulletin names no area. Give at least one; it need not be drawn.")
    for area in given.areas:
        names = dict(area.names)
        missing = [language for language in given.languages if language not in names]
        if missing:
            says = f"The area {next(iter(names.values()), '')!r} has no name in {', '.join(missing)}. Give one."
            yield FactProblem("areas", "area_name_missing", says)
        for name in names.values():
            yield from _text("area", name)
        if not all(_can_be_drawn(polygon) for polygon in area.polygons):
            says = (
                f"The area {next(iter(names.values()), '')!r} has a polygon that is empty, crosses itself or leaves the world. "
                "Give valid polygons of longitude and latitude, or none."
            )
            yield FactProblem("areas", "polygon_invalid", says)


def _can_be_drawn(polygon: BaseGeometry) -> bool:
    if polygon.geom_type != "Polygon" or polygon.is_empty or not polygon.is_valid:
        return False
    west, south, east, north = polygon.bounds
    return west >= -180 and east <= 180 and south >= -90 and north <= 90


def _chain(given: Bulletin) -> Iterator[FactProblem]:
    """The rules of what came before: a first bulletin has nothing before it, every other does."""
    if (given.kind == "first") is bool(given.earlier):
        says = f"A bulletin of kind {given.kind} has {len(given.earlier)} before it. The first has none; all others name them."
        yield FactProblem("earlier", "chain_broken", says, given.kind)
    if (given.kind == "cancel") is not (given.status == "cancelled"):
        says = f"Kind {given.kind} and status {given.status} do not agree. Cancel what is cancelled, and nothing else."
        yield FactProblem("kind", "kind_and_status", says, given.kind)
    chain = [*((one.revision, one.sent) for one in given.earlier), (given.revision, given.sent)]
    for (revision, sent), (later, then) in pairwise(chain):
        if later <= revision or then < sent:
            says = f"Revision {later} of {then.isoformat()} follows {revision} of {sent.isoformat()}. Give the oldest first."
            yield FactProblem("earlier", "chain_order", says, str(later))


def _windows(given: Bulletin) -> Iterator[FactProblem]:
    windows = given.windows
    if not 1 <= len(windows) <= MOST_WINDOWS:
        says = f"The bulletin tells {len(windows)} windows. Give 1 to {MOST_WINDOWS}."
        yield FactProblem("windows", "windows_number", says, str(len(windows)))
        return
    for earlier, later in pairwise(windows):
        if earlier.end is None or later.start < earlier.end:
            says = f"The window from {later.start.isoformat()} begins before the last one ends. Give them in order."
            yield FactProblem("windows", "windows_overlap", says)
    is_announced = given.outage_class in ANNOUNCED_CLASSES and given.status != "current"  # what went off late has no end yet
    if windows[-1].end is None and (is_announced or given.status == "restored"):
        says = f"A {given.outage_class} outage that is {given.status} has no end. Say until when."
        yield FactProblem("windows", "end_missing", says)
    if given.estimate is not None and given.estimate.latest <= windows[-1].start:
        says = f"Power is expected back by {given.estimate.latest.isoformat()}, before it goes off. Give a later time."
        yield FactProblem("estimate", "estimate_before_window", says)


def _tense(given: Bulletin) -> Iterator[FactProblem]:
    """The rules of times that keep a bulletin from saying "will be" of what is, and the other way round."""
    start, end, sent = given.windows[0].start, given.windows[-1].end, given.sent.astimezone(UTC)
    if given.status == "planned" and given.outage_class == "fault":
        yield FactProblem("status", "fault_in_future", "A fault cannot be planned. Correct the class or the status.")
    if given.status == "planned" and start <= sent:
        says = f"It is called planned at {sent.isoformat()}, but begins at {start.isoformat()}. Call it current."
        yield FactProblem("status", "planned_but_begun", says)
    if given.status == "current" and start > sent:
        says = f"It is called current at {sent.isoformat()}, but begins at {start.isoformat()}. Call it planned, or correct it."
        yield FactProblem("status", "current_but_ahead", says)
    if given.status == "restored" and (given.estimate is not None or end is None or end > sent):
        says = "Power is back, so the last window ends in the past and nothing is estimated. Give when power was back."
        yield FactProblem("status", "restored_but_open", says)
