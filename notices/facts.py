"""What a notice is made of, and whether it is complete and can be printed. All that is wrong is said at once.

::

    kind           tells                                              needs beside the facts of every notice
    first          that power goes off, or is off
    reminder       the same again
    reschedule     other times than were told                         earlier
    extension      that it takes longer than was told                 earlier, with an end
    scope_change   that others are affected than were told            earlier
    cancellation   that nothing happens of what was told              earlier
    restoration    that power is back                                 restored_at
    unaffected     that those addressed are affected no longer        earlier
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from outages.facts import ANNOUNCED_CLASSES, OUTAGE_CLASSES, Estimate, FactProblem, Window

Kind = Literal["first", "reminder", "reschedule", "extension", "scope_change", "cancellation", "restoration", "unaffected"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["ahead", "underway", "over"]

COMING: tuple[Kind, ...] = ("first", "reminder", "reschedule", "extension", "scope_change")
"""Kinds that tell of power that is off or goes off; the others tell that it is on."""

LONGEST_TEXT = 300
"""Characters of a reason, a why or a remark; what is longer is a report, and nobody reads it in a notice."""

_REFERRING: tuple[Kind, ...] = ("reschedule", "extension", "scope_change", "cancellation", "unaffected")
_REQUIRED = {
    "reference": "Give the number under which customers can ask about this outage.",
    "reason": "Say in a few words why the power is off.",
    "scope": "Say who is affected; an outage that affects nobody needs no notice.",
    "issuer": "Give the name of the utility.",
    "hotline": "Give the number that customers can call.",
}
_SHORT = ("reason", "why", "remark")
_PRINTED = (*_REQUIRED, "why", "link", "interpreter", "remark")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


@dataclass(frozen=True)
class Earlier:
    """What people were told before: when power would be off, when it was expected back for good, and when they were told.

    ``end`` is None where it was still being assessed.
    """

    windows: tuple[Window, ...]
    end: datetime | None
    issued_at: datetime


@dataclass(frozen=True)
class NoticeFacts:
    """The facts that one notice tells, in the language it is told in. Counts of customers are not for the public.

    Attributes
    ----------
    reference
        Number under which customers ask about the outage.
    outage_class
        One of ``outages.facts.OUTAGE_CLASSES``.
    windows
        When power is off, in the order of time; the last may have no end while that is being assessed.
    reason
        Why, in a few words.
    lines
        Names of the feeders; none where they are not known.
    scope
        Whom this text addresses, as `notices.scope.write_scope` says it; a line for each place.
    issuer, hotline
        Who says so, and the telephone number for questions.
    zone
        IANA name of the time zone that all times are shown in.
    issued_at
        When the notice is issued, aware; decides what has begun.
    kind
        What it is issued for: one of `KINDS`.
    estimate
        Between when power is expected back for good; goes before the end of the last window.
    earlier
        What was told before; for kinds that refer to it.
    restored_at
        When power came back, aware; for a restoration.
    why
        Why it was changed or cancelled; "" for nothing to say.
    link
        Address on the web where more is said; "" for none.
    alternative
        When it is done instead if it cannot be done as told; where a rule asks for it.
    interpreter
        Telephone number of an interpreter service; "" for none.
    remark
        What the desk adds, such as how the repair is going; "" for nothing.
    """

    reference: str
    outage_class: str
    windows: tuple[Window, ...]
    reason: str
    lines: tuple[str, ...]
    scope: str
    issuer: str
    hotline: str
    zone: str
    issued_at: datetime
    kind: Kind = "first"
    estimate: Estimate | None = None
    earlier: Earlier | None = None
    restored_at: datetime | None = None
    why: str = ""
    link: str = ""
    alternative: Window | None = None
    interpreter: str = ""
    remark: str = ""

    @property
    def start(self) -> datetime:
        """When power goes off first."""
        return self.windows[0].start

    @property
    def end(self) -> datetime | None:
        """When power is expected back for good: by the estimate where there is one, else the end of the last window."""
        return self.windows[-1].end if self.estimate is None else self.estimate.latest

    @property
    def state(self) -> State:
        """How the outage stands when the notice is issued; between two of its windows it is underway."""
        if self.issued_at < self.start:
            return "ahead"
        back = self.restored_at if self.kind == "restoration" else self.end
        return "over" if back is not None and back <= self.issued_at else "underway"

    @property
    def current(self) -> Window | None:
        """The window in which power is off when the notice is issued; the last one lasts until power is back for good."""
        begun = [window for window in self.windows if window.start <= self.issued_at]
        if self.state != "underway" or not begun:
            return None
        if len(begun) == len(self.windows):
            return Window(begun[-1].start, self.end)
        return begun[-1] if begun[-1].end is None or self.issued_at < begun[-1].end else None

    @property
    def following(self) -> Window | None:
        """The next window that begins after the notice is issued."""
        return next((window for window in self.windows if window.start > self.issued_at), None)


class NoticeError(ValueError):
    """No true notice can be written; `problems` holds everything that is in the way."""

    def __init__(self, *problems: FactProblem) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{problem.field}: {problem.says}" for problem in problems))


def check_facts(facts: NoticeFacts) -> None:
    """Raise NoticeError with every fact that is missing, cannot be printed or cannot be true."""
    problems = [*_missing(facts), *_texts(facts), *_choices(facts)]
    timing = [*_naive(facts), *_order(facts)]
    if not timing:
        timing = [*_window(facts), *_earlier(facts), *_restored(facts)]
    if problems := problems + timing:
        raise NoticeError(*problems)


def _missing(facts: NoticeFacts) -> Iterator[FactProblem]:
    for field, step in _REQUIRED.items():
        if not getattr(facts, field).strip():
            yield FactProblem(field, f"{field}_missing", f"The notice has no {field}. {step}")
    if facts.kind in _REFERRING and facts.earlier is None:
        says = f"A notice of the kind {facts.kind} refers to what was told. Give the times that were told before."
        yield FactProblem("earlier", "earlier_missing", says)
    if facts.kind == "restoration" and facts.restored_at is None:
        says = "The notice does not say since when power is back. Give the time of restoration."
        yield FactProblem("restored_at", "restored_at_missing", says)


def _texts(facts: NoticeFacts) -> Iterator[FactProblem]:
    for field in _SHORT:
        length = len(getattr(facts, field))
        if length > LONGEST_TEXT:
            says = f"The {field} has {length} characters, {LONGEST_TEXT} at most are printed. Say it shorter."
            yield FactProblem(field, f"{field}_too_long", says, str(length))
    for field in _PRINTED:
        text = getattr(facts, field)
        yield from _unprintable(field, "".join(text.splitlines()) if field == "scope" else text)
    for line in facts.lines:
        yield from _unprintable("lines", line)
    if facts.link and not _WEB_ADDRESS.fullmatch(facts.link.strip()):
        says = f"{facts.link!r} is no address on the web. Give one that begins with https:// or http://, or none."
        yield FactProblem("link", "link_unknown", says, facts.link)


def _unprintable(field: str, text: str) -> Iterator[FactProblem]:
    """Control characters break a page, and invisible ones (direction overrides) make it read as what it does not say."""
    found = sorted({f"U+{ord(char):04X}" for char in text if unicodedata.category(char) in _UNSEEN})
    if found:
        says = f"The text has characters that cannot be seen ({', '.join(found)}). Type the words again without them."
        yield FactProblem(field, "text_unprintable", says, text)
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        says = "The text has letters that are read from right to left, and numbers beside them change places. Write it in others."
        yield FactProblem(field, "text_right_to_left", says, text)
    if tag := _TAG.search(text):
        says = f"The text has markup ({tag[0]}), which would be printed as it stands. Type the words without it."
        yield FactProblem(field, "text_markup", says, text)
    if "[[" in text or "]]" in text:
        says = "The text has double brackets, which stand for what differs from person to person. Type the words without them."
        yield FactProblem(field, "text_placeholder", says, text)


def _choices(facts: NoticeFacts) -> Iterator[FactProblem]:
    if facts.outage_class not in OUTAGE_CLASSES:
        says = f"{facts.outage_class!r} is no class of outage. Take one of: {', '.join(OUTAGE_CLASSES)}."
        yield FactProblem("outage_class", "outage_class_unknown", says, facts.outage_class)
    if facts.kind not in KINDS:
        says = f"{facts.kind!r} is no kind of notice. Take one of: {', '.join(KINDS)}."
        yield FactProblem("kind", "kind_unknown", says, facts.kind)
    try:
        ZoneInfo(facts.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        says = f"{facts.zone!r} is no time zone. Give an IANA name, such as Asia/Shanghai."
        yield FactProblem("zone", "zone_unknown", says, facts.zone)


def _naive(facts: NoticeFacts) -> Iterator[FactProblem]:
    """Windows and estimates are aware since they were made."""
    told = facts.earlier
    moments: dict[str, datetime | None] = {
        "issued_at": facts.issued_at,
        "restored_at": facts.restored_at,
        "earlier": told.issued_at if told else None,
        "earlier.end": told.end if told else None,
    }
    for field, moment in moments.items():
        if moment is not None and moment.utcoffset() is None:
            says = f"{moment.isoformat()} does not say in which zone it is. Add the offset, as in 2025-06-12T08:30+08:00."
            yield FactProblem(field, "time_naive", says, moment.isoformat())


def _order(facts: NoticeFacts) -> Iterator[FactProblem]:
    if not facts.windows:
        yield FactProblem("windows", "windows_missing", "The notice does not say when power is off. Give one window or more.")
    for one, other in pairwise(facts.windows):
        if one.end is None or other.start < one.end:
            says = f"The window from {other.start.isoformat()} begins before the last one ends. Give them in order."
            yield FactProblem("windows", "windows_overlap", says, other.start.isoformat())


def _window(facts: NoticeFacts) -> Iterator[FactProblem]:
    end = facts.end
    if end is None and facts.outage_class in ANNOUNCED_CLASSES:
        says = f"A notice of class {facts.outage_class} must say until when. Give the planned end."
        yield FactProblem("end", "end_missing", says)
    if end is not None and end <= facts.windows[-1].start:
        says = f"The end {end.isoformat()} is not after the start {facts.windows[-1].start.isoformat()}. Correct one of them."
        yield FactProblem("end", "end_before_start", says, end.isoformat())
    elif facts.state == "over" and facts.kind in COMING and end is not None:
        says = f"The end {end.isoformat()} has passed when the notice is issued. Give a later end, or none while it is assessed."
        yield FactProblem("end", "end_passed", says, end.isoformat())
    if facts.outage_class == "fault" and facts.state == "ahead":
        says = f"A fault cannot begin after it is told, at {facts.start.isoformat()}. Correct the start or the class."
        yield FactProblem("start", "fault_in_future", says, facts.start.isoformat())
    if facts.alternative is not None and facts.alternative.start <= facts.start:
        says = f"{facts.alternative.start.isoformat()} is not after {facts.start.isoformat()}. Give a later alternative."
        yield FactProblem("alternative", "alternative_too_early", says, facts.alternative.start.isoformat())


def _earlier(facts: NoticeFacts) -> Iterator[FactProblem]:
    """What was told must be older than this notice, and what is changed must have changed."""
    told = facts.earlier
    if told is None:
        return
    if told.issued_at.astimezone(UTC) > facts.issued_at.astimezone(UTC):
        says = f"What was told before is of {told.issued_at.isoformat()}, after this notice. Refer to an older one."
        yield FactProblem("earlier", "earlier_after", says, told.issued_at.isoformat())
    if not told.windows:
        yield FactProblem("earlier", "earlier_windows_missing", "No times were told before. Give them, or a first notice.")
    if facts.kind == "reschedule" and (told.windows, told.end) == (facts.windows, facts.end):
        says = "The times are those that were told before. Give the new ones, or send a reminder."
        yield FactProblem("windows", "nothing_changed", says)
    if facts.kind == "extension" and told.end is None:
        says = "No end was told before that could be extended. Tell the new times as a reschedule."
        yield FactProblem("earlier", "earlier_end_missing", says)
    elif facts.kind == "extension" and told.end is not None and facts.end is not None and facts.end <= told.end:
        says = f"The end {facts.end.isoformat()} is not after the one that was told. Give a later one, or reschedule."
        yield FactProblem("end", "end_not_later", says, facts.end.isoformat())


def _restored(facts: NoticeFacts) -> Iterator[FactProblem]:
    back = facts.restored_at
    if facts.kind != "restoration" or back is None:
        return
    if not facts.start < back.astimezone(UTC) <= facts.issued_at.astimezone(UTC):
        says = f"Power cannot be back at {back.isoformat()}: not before it went off, and not after this notice. Correct the time."
        yield FactProblem("restored_at", "restored_at_impossible", says, back.isoformat())
