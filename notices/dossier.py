"""A notice on its way from draft to issue: what can happen to it, what is allowed when, and what it is after its events.

::

                         ┌────────── withdrawn, redrafted ──────────┐
                         ▼                                          │
    new ─drafted─▶ draft ─submitted─▶ submitted ─approved─▶ approved ─issued─▶ issued
                     ▲                 ▲     │                 │
                     │         submitted     └────rejected─────┘
                     └─redrafted─ rejected ◀──────────┘                       and dropped, before it is issued

A dossier holds all texts that tell one change of one outage: a text for each `TextKey`. Whoever wrote any of its words cannot
approve it. What is issued never changes: a change, a delay, a cancellation and a retraction are new notices that refer to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from notices.history import (
    Approved,
    Drafted,
    Dropped,
    Issued,
    NoticeEvent,
    Redrafted,
    Rejected,
    Submitted,
    Text,
    TextKey,
    Texts,
    Withdrawn,
)

__all__ = [
    "EDITABLE",
    "NEW",
    "OPEN",
    "TRANSITIONS",
    "Approved",
    "Dossier",
    "Drafted",
    "Dropped",
    "Issued",
    "NoticeEvent",
    "NoticeTransitionError",
    "Redrafted",
    "Rejected",
    "Submitted",
    "Text",
    "TextKey",
    "Texts",
    "Withdrawn",
    "allowed",
    "begin",
    "edited",
    "fold",
    "notice_id_of",
    "step",
    "unchanged",
]

NEW = "new"
"""The state before the first event; no dossier ever shows it."""

TRANSITIONS: dict[str, dict[str, str]] = {
    NEW: {"drafted": "draft"},
    "draft": {"redrafted": "draft", "submitted": "submitted", "dropped": "dropped"},
    "submitted": {
        "approved": "approved",
        "rejected": "rejected",
        "withdrawn": "draft",
        "redrafted": "draft",
        "dropped": "dropped",
    },
    "rejected": {"submitted": "submitted", "redrafted": "draft", "dropped": "dropped"},
    "approved": {
        "issued": "issued",
        "rejected": "rejected",
        "withdrawn": "draft",
        "redrafted": "draft",
        "dropped": "dropped",
    },
    "issued": {},
    "dropped": {},
}
"""Status → the kinds of event that may follow → the status after each."""

OPEN = ("draft", "submitted", "rejected", "approved")
EDITABLE = ("draft", "rejected")
"""Where texts may be edited; what is submitted is taken back first."""


class NoticeTransitionError(ValueError):
    """An event that may not follow what has happened to the notice before."""


@dataclass(frozen=True)
class Dossier:
    """A notice as it stands after ``seq`` events.

    Attributes
    ----------
    generated, texts
        As they were last generated, and as they were last submitted, edits included; until then the same.
    kept
        Texts that were generated anew without a difference, so that edits of them still stand.
    authors
        Everybody who generated, edited or submitted any of the texts, ever: none of them can approve it.
    approved_by, approved_at
        Who approved the texts as they are, and when; "" and None where nobody has.
    why
        Of the last event.
    """

    id: str
    seq: int
    status: str
    outage_id: str
    number: int
    outage_seq: int
    kinds: tuple[str, ...]
    generated: Texts
    texts: Texts
    late: tuple[str, ...]
    higher: bool
    refers_to: tuple[str, ...]
    authors: frozenset[str]
    drafted_at: datetime
    changed_at: datetime
    reasons: Mapping[str, str] = field(default_factory=dict)
    late_reason: str = ""
    kept: frozenset[TextKey] = frozenset()
    submitted_at: datetime | None = None
    submitted_by: str = ""
    approved_at: datetime | None = None
    approved_by: str = ""
    issued_at: datetime | None = None
    issued_by: str = ""
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it may still be issued."""
        return self.status in OPEN


def notice_id_of(outage_id: str, number: int) -> str:
    """Return the id of notice ``number`` of an outage.

    >>> notice_id_of("7", 2)
    '7.2'
    """
    return f"{outage_id}.{number}"


def allowed(dossier: Dossier) -> tuple[str, ...]:
    """Return the kinds of event that may follow, in the order of the table."""
    return tuple(TRANSITIONS[dossier.status])


def step(dossier: Dossier, event: NoticeEvent) -> Dossier:
    """Return the dossier after ``event``; the input is not changed. Raises NoticeTransitionError where it may not follow."""
    if event.kind not in TRANSITIONS[dossier.status]:
        names = ", ".join(sorted(allowed(dossier))) or "nothing; a change is a new notice"
        raise NoticeTransitionError(f"notice {dossier.id} is {dossier.status} and cannot be {event.kind} (allowed: {names})")
    _check_zone(dossier.id, event)
    status = TRANSITIONS[dossier.status][event.kind]
    after = replace(dossier, seq=dossier.seq + 1, status=status, changed_at=event.at, why=getattr(event, "why", ""))
    return _take_over(dossier, after, event)


def begin(notice_id: str, event: NoticeEvent) -> Dossier:
    """Return the dossier that its first event makes; raises NoticeTransitionError where that is not its `Drafted`."""
    if not isinstance(event, Drafted):
        raise NoticeTransitionError(f"notice {notice_id} is {NEW} and cannot be {event.kind} (allowed: drafted)")
    if notice_id != notice_id_of(event.outage_id, event.number):
        right = notice_id_of(event.outage_id, event.number)
        raise NoticeTransitionError(
            f"notice {notice_id} cannot be number {event.number} of outage {event.outage_id}. Call it {right}."
        )
    _check_zone(notice_id, event)
    texts = _by_key(notice_id, event.kinds, event.texts)
    return Dossier(
        id=notice_id,
        seq=1,
        status=TRANSITIONS[NEW][event.kind],
        outage_id=event.outage_id,
        number=event.number,
        outage_seq=event.outage_seq,
        kinds=event.kinds,
        generated=texts,
        texts=texts,
        late=event.late,
        higher=event.higher,
        refers_to=event.refers_to,
        authors=frozenset({event.by}),
        drafted_at=event.at,
        changed_at=event.at,
        why=event.why,
    )


def fold(notice_id: str, events: Iterable[NoticeEvent]) -> Dossier:
    """Return the dossier after ``events``, in order; raises NoticeTransitionError, and ValueError where there is no event."""
    rest = iter(events)
    first = next(rest, None)
    if first is None:
        raise ValueError(f"notice {notice_id} has no event, so there is nothing to fold. Was it ever drafted?")
    dossier = begin(notice_id, first)
    for event in rest:
        dossier = step(dossier, event)
    return dossier


def edited(dossier: Dossier, texts: Iterable[Text]) -> frozenset[TextKey]:
    """Return the keys of those ``texts`` that are not as they were generated."""
    return frozenset(text.key for text in texts if text != dossier.generated.get(text.key))


def unchanged(dossier: Dossier, texts: Iterable[Text]) -> frozenset[TextKey]:
    """Return the keys of those newly generated ``texts`` that are as they were generated before: edits of them still stand."""
    return frozenset(text.key for text in texts if text == dossier.generated.get(text.key))


def _take_over(dossier: Dossier, after: Dossier, event: NoticeEvent) -> Dossier:
    """Return ``after`` with what ``event`` brings."""
    match event:
        case Redrafted():
            return _generated_anew(dossier, _unapproved(after), event)
        case Submitted():
            return _submitted(dossier, _unapproved(after), event)
        case Approved():
            _check_approver(dossier, event)
            return replace(after, approved_at=event.at, approved_by=event.by)
        case Withdrawn():
            _check_author(dossier, event)
            return _unapproved(after)
        case Issued():
            return replace(after, issued_at=event.at, issued_by=event.by)
    return _unapproved(after)


def _generated_anew(dossier: Dossier, after: Dossier, event: Redrafted) -> Dossier:
    texts = _by_key(dossier.id, event.kinds, event.texts)
    kept = unchanged(dossier, event.texts)
    return replace(
        after,
        outage_seq=event.outage_seq,
        kinds=event.kinds,
        generated=texts,
        texts={key: dossier.texts.get(key, text) if key in kept else text for key, text in texts.items()},
        late=event.late,
        higher=event.higher,
        kept=kept,
        authors=dossier.authors | {event.by},
    )


def _submitted(dossier: Dossier, after: Dossier, event: Submitted) -> Dossier:
    texts = _by_key(dossier.id, dossier.kinds, event.texts)
    if strange := sorted(str(key) for key in texts.keys() - dossier.generated.keys()):
        raise NoticeTransitionError(
            f"notice {dossier.id} has no text {', '.join(strange)}. Submit the texts that were generated."
        )
    if dossier.late and not event.late_reason.strip():
        rules = ", ".join(dossier.late)
        raise NoticeTransitionError(f"notice {dossier.id} comes late by {rules}. Give the reason for that, then submit it.")
    return replace(
        after,
        texts=texts,
        reasons=event.reasons,
        late_reason=event.late_reason,
        authors=dossier.authors | event.authors | {event.by},
        submitted_at=event.at,
        submitted_by=event.by,
    )


def _unapproved(dossier: Dossier) -> Dossier:
    return replace(dossier, approved_at=None, approved_by="")


def _by_key(notice_id: str, kinds: tuple[str, ...], texts: Iterable[Text]) -> dict[TextKey, Text]:
    given = list(texts)
    found = {text.key: text for text in given}
    if not given:
        raise NoticeTransitionError(f"notice {notice_id} would have no text. Give one at least, or drop it.")
    if len(found) < len(given):
        raise NoticeTransitionError(f"notice {notice_id}: two texts have the same key. Give each once.")
    if strange := sorted({key.kind for key in found} - set(kinds)):
        raise NoticeTransitionError(
            f"notice {notice_id} is of {', '.join(kinds)}; texts of {', '.join(strange)} were given. Leave those out."
        )
    return found


def _check_approver(dossier: Dossier, event: Approved) -> None:
    if event.by in dossier.authors:
        raise NoticeTransitionError(
            f"notice {dossier.id} has words of {event.by}, who cannot approve it. "
            f"Ask somebody to approve it who is none of its authors: {', '.join(sorted(dossier.authors))}."
        )


def _check_author(dossier: Dossier, event: Withdrawn) -> None:
    if event.by not in dossier.authors:
        raise NoticeTransitionError(
            f"notice {dossier.id} was not written by {event.by}, who cannot withdraw it. Reject it and say why, or ask one of "
            f"its authors: {', '.join(sorted(dossier.authors))}."
        )


def _check_zone(notice_id: str, event: NoticeEvent) -> None:
    if event.at.utcoffset() is None:
        raise NoticeTransitionError(f"notice {notice_id}: {event.at.isoformat()} has no zone. Add one: +08:00.")
