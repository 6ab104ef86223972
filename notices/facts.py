"""What a notice is made of, and whether it is complete and can be printed. All that is wrong is said at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from outages.facts import ANNOUNCED_CLASSES, OUTAGE_CLASSES, FactProblem

LONGEST_REASON = 300
"""Characters; a reason that is longer is a report, and nobody reads it in a notice."""

_REQUIRED = {
    "reference": "Give the number under which customers can ask about this outage.",
    "reason": "Say in a few words why the power is off.",
    "scope": "Say who is affected; an outage that affects nobody needs no notice.",
    "issuer": "Give the name of the utility.",
    "hotline": "Give the number that customers can call.",
}
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class NoticeFacts:
    """The facts that one notice tells, in the language it is told in. Counts of customers are not for the public.

    Attributes
    ----------
    reference
        Number under which customers ask about the outage.
    outage_class
        One of ``outages.events.OUTAGE_CLASSES``.
    start, end
        Half-open window, aware; ``end`` is the planned or expected restoration, None while it is being assessed.
    reason
        Why, in a few words.
    lines
        Names of the feeders; none where they are not known.
    scope
        Who is affected, as `notices.scope.write_scope` says it; a line for each place.
    issuer, hotline
        Who says so, and the telephone number for questions.
    zone
        IANA name of the time zone that all times are shown in.
    issued_at
        When the notice is issued, aware; decides what has begun.
    change
        ``new``: the first notice of this outage.
    restoration_note
        How the restoration is going, in a few words; "" for nothing to say.
    """

    reference: str
    outage_class: str
    start: datetime
    end: datetime | None
    reason: str
    lines: tuple[str, ...]
    scope: str
    issuer: str
    hotline: str
    zone: str
    issued_at: datetime
    change: Literal["new"] = "new"
    restoration_note: str = ""

    @property
    def underway(self) -> bool:
        """True from the start of the outage on."""
        return self.start.astimezone(UTC) <= self.issued_at.astimezone(UTC)


class NoticeError(ValueError):
    """No true notice can be written; `problems` holds everything that is in the way."""

    def __init__(self, *problems: FactProblem) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{problem.field}: {problem.says}" for problem in problems))


def check_facts(facts: NoticeFacts) -> None:
    """Raise NoticeError with every fact that is missing, cannot be printed or cannot be true."""
    problems = [*_texts(facts), *_choices(facts), *_naive(facts)]
    if not any(problem.code == "time_naive" for problem in problems):
        problems += _window(facts)
    if problems:
        raise NoticeError(*problems)


def _texts(facts: NoticeFacts) -> Iterator[FactProblem]:
    for field, step in _REQUIRED.items():
        if not getattr(facts, field).strip():
            yield FactProblem(field, f"{field}_missing", f"The notice has no {field}. {step}")
    if len(facts.reason) > LONGEST_REASON:
        says = f"The reason has {len(facts.reason)} characters, {LONGEST_REASON} at most are printed. Say it shorter."
        yield FactProblem("reason", "reason_too_long", says, str(len(facts.reason)))
    for field in (*_REQUIRED, "restoration_note"):
        text = getattr(facts, field)
        yield from _unprintable(field, "".join(text.splitlines()) if field == "scope" else text)
    for line in facts.lines:
        yield from _unprintable("lines", line)


def _unprintable(field: str, text: str) -> Iterator[FactProblem]:
    """Control characters break a page, and invisible ones (direction overrides) make it read as what it does not say."""
    found = sorted({f"U+{ord(char):04X}" for char in text if unicodedata.category(char) in _UNSEEN})
    if found:
        says = f"The text has characters that cannot be seen ({', '.join(found)}). Type the words again without them."
        yield FactProblem(field, "text_unprintable", says, text)


def _choices(facts: NoticeFacts) -> Iterator[FactProblem]:
    if facts.outage_class not in OUTAGE_CLASSES:
        says = f"{facts.outage_class!r} is no class of outage. Take one of: {', '.join(OUTAGE_CLASSES)}."
        yield FactProblem("outage_class", "outage_class_unknown", says, facts.outage_class)
    if facts.change != "new":
        says = f"No notice of the change {facts.change!r} can be written. Take: new."
        yield FactProblem("change", "change_unknown", says, facts.change)
    try:
        ZoneInfo(facts.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        says = f"{facts.zone!r} is no time zone. Give an IANA name, such as Asia/Shanghai."
        yield FactProblem("zone", "zone_unknown", says, facts.zone)


def _naive(facts: NoticeFacts) -> Iterator[FactProblem]:
    for field in ("start", "end", "issued_at"):
        moment: datetime | None = getattr(facts, field)
        if moment is not None and moment.utcoffset() is None:
            says = f"{moment.isoformat()} does not say in which zone it is. Add the offset, as in 2025-06-12T08:30+08:00."
            yield FactProblem(field, "time_naive", says, moment.isoformat())


def _window(facts: NoticeFacts) -> Iterator[FactProblem]:
    """Rules of times, which are compared in UTC: clocks of one zone run backwards once a year."""
    start, issued_at = facts.start.astimezone(UTC), facts.issued_at.astimezone(UTC)
    end = facts.end.astimezone(UTC) if facts.end else None
    if end is None and facts.outage_class in ANNOUNCED_CLASSES:
        yield FactProblem(
            "end", "end_missing", f"A notice of class {facts.outage_class} must say until when. Give the planned end."
        )
    if end is not None and end <= start:
        says = f"The end {end.isoformat()} is not after the start {start.isoformat()}. Correct one of them."
        yield FactProblem("end", "end_before_start", says, end.isoformat())
    elif end is not None and end <= issued_at:
        says = f"The end {end.isoformat()} has passed when the notice is issued. Give a later end, or none while it is assessed."
        yield FactProblem("end", "end_passed", says, end.isoformat())
    if facts.outage_class == "fault" and not facts.underway:
        says = f"A fault cannot begin after it is told, at {start.isoformat()}. Correct the start or the class."
        yield FactProblem("start", "fault_in_future", says, start.isoformat())
