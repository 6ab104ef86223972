"""Notices as lines for a terminal. Addresses, and what may repeat them, only where ``personal``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from api.commands.words import table
from api.language import moment
from api.publishing import Waiting
from api.reviewing import Review, SeenText
from notices.calllist import ToCall
from notices.crosscheck import Finding
from notices.dossier import Dossier, allowed
from notices.outbox import Message
from notices.rules import Due

Counts = Mapping[str, Mapping[str, int]]
"""Channel → state → how many messages."""


def waiting_list(waiting: Sequence[Waiting], zone: str) -> str:
    """Return a line for each outage at the desk."""
    rows = [
        (
            one.outage.id,
            one.outage.status,
            one.change or "",
            "" if one.dossier is None else f"{one.dossier.id} ({one.dossier.status})",
            _clock(one.dues, zone),
        )
        for one in waiting
    ]
    return table([("OUTAGE", "STATUS", "DUE", "NOTICE", "BY THE RULES"), *rows]) if rows else "Nothing waits at the desk."


def notice_line(dossier: Dossier) -> str:
    """Return how a notice stands after a change, and what may follow."""
    texts, follows = len(dossier.texts), ", ".join(allowed(dossier)) or "nothing"
    kinds = " and ".join(dossier.kinds)
    return f"{dossier.id} is {dossier.status}, revision {dossier.seq}: {kinds}, {texts} texts. What may follow: {follows}."


def notice_text(seen: Review, counts: Counts, zone: str) -> str:
    """Return a notice as it stands, with the keys of its texts."""
    dossier = seen.dossier
    rows = [
        ("Notice", f"{dossier.id}, revision {dossier.seq}"),
        ("Status", dossier.status),
        ("Tells", f"{', '.join(dossier.kinds)}; revision {dossier.outage_seq} of outage {dossier.outage_id}"),
        ("Follows", ", ".join(dossier.refers_to)),
        ("Late by", ", ".join(dossier.late)),
        ("Late because", dossier.late_reason),
        ("Approval", "a higher approver" if dossier.higher else ""),
        ("Authors", ", ".join(sorted(dossier.authors))),
        *(("Reason given", f"{key}: {why}") for key, why in dossier.reasons.items()),
        ("Approved", f"{moment(dossier.approved_at, 'en', zone)} by {dossier.approved_by}" if dossier.approved_at else ""),
        ("Issued", f"{moment(dossier.issued_at, 'en', zone)} by {dossier.issued_by}" if dossier.issued_at else ""),
        ("Why", dossier.why),
        *(("Text", f"{one.key}: {_size(one)}{', edited' if one.is_edited else ''}") for one in seen.texts),
        *(("No text", str(one.key)) for one in seen.unwritten),
        *(("Messages", f"{channel}: {_states(states)}") for channel, states in counts.items()),
        ("What may follow", ", ".join(allowed(dossier)) or "nothing"),
    ]
    return table([row for row in rows if row[1]])


def whole(one: SeenText) -> str:
    """Return a text as it is read and typed: title, empty line, text; the text alone where its channel sends no title."""
    return f"{one.text.title}\n\n{one.text.body}" if one.has_title else one.text.body


def findings_text(found: Iterable[Finding]) -> str:
    """Return each finding, with the key that a reason is given by below it."""
    return "\n".join(f"{one.severity:8}{one.says}\n        {one.key}" for one in found) or "Nothing was found."


def message_list(found: Sequence[Message], zone: str, *, personal: bool) -> str:
    """Return a line for each message."""
    rows = [
        (
            str(one.position),
            one.channel,
            one.audience,
            one.address if personal else "",
            one.state,
            str(one.attempts),
            moment(one.settled_at, "en", zone, short=True) if one.settled_at else "",
            one.last_error if personal else "",
        )
        for one in found
    ]
    return (
        table([("NO", "CHANNEL", "TO", "ADDRESS", "STATE", "TRIED", "SETTLED", "WHAT WAS SAID"), *rows])
        if rows
        else "No message."
    )


def call_list(found: Iterable[ToCall]) -> str:
    """Return a line for each customer whom somebody has to call."""
    rows = [
        (one.customer_id, one.name, one.phone or "visit", one.place, " ".join(problem.says for problem in one.problems))
        for one in found
    ]
    return table([("CUSTOMER", "NAME", "TELEPHONE", "WHERE", "WHY"), *rows]) if rows else "Nobody has to be called."


def _clock(dues: Iterable[Due], zone: str) -> str:
    """Return the limit that comes first, of what is still to be told."""
    waiting = [(due.due_at, due) for due in dues if due.is_waiting and due.due_at is not None]
    if not waiting:
        return ""
    at, first = min(waiting, key=lambda each: each[0])
    return f"{first.rule.id}: {first.status.replace('_', ' ')}, {moment(at, 'en', zone, short=True)}"


def _size(one: SeenText) -> str:
    sizes = one.sizes
    size = f"{sizes.length:,} characters"
    size += f", {sizes.parts} parts" if sizes.parts else ""
    return size + (f", {sizes.seconds:.0f} s" if sizes.seconds is not None else "")


def _states(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in states.items())
