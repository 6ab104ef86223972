"""Outages, people and the audit log as lines for a terminal. Names and telephone numbers only where ``personal``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len

from api.labels import CHANGE_CODES, CLASSES, STATUSES
from api.language import moment, span
from api.people.accounts import Account
from api.people.tokens import Token
from api.record import Told
from api.saying import Saying
from api.schemas import OutageOut
from outages.audit import AuditRow
from outages.conflicts import Conflict
from outages.events import Outage
from outages.lifecycle import Difference


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns as wide as their widest cell; a Chinese character is as wide as two letters.

    >>> print(table([("线路", "L1"), ("a", "L2")]))
    线路  L1
    a     L2
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_padded(row, widths).rstrip() for row in rows)


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))


def outage_line(out: OutageOut) -> str:
    """Return how an outage stands after a change, and what may follow."""
    follows = ", ".join(out.allowed) or "nothing"
    return f"{out.id} is {out.status}, revision {out.revision}: {_many(out)} customers affected. What may follow: {follows}."


def _many(out: OutageOut) -> str:
    return "?" if out.impact is None else f"{out.impact.counts.customers:,}"


def outage_list(outages: Iterable[OutageOut], zone: str) -> str:
    """Return a line for each outage."""
    head = ("ID", "STATUS", "WHEN", "CLASS", "TIME", "CUSTOMERS", "REASON")
    rows = [
        (
            one.id,
            one.status,
            f"{one.when}, overdue" if one.overdue else one.when,
            one.outage_class,
            span(one.start, one.end, "en", zone, short=True),
            _many(one),
            one.reason,
        )
        for one in outages
    ]
    return table([head, *rows]) if rows else "No outage."


def outage_text(outage: Outage, out: OutageOut, zone: str, *, personal: bool) -> str:
    """Return an outage with its newest facts."""
    say, facts = Saying("en", zone, personal=personal), outage.facts
    switching = out.switching
    rows = [
        ("Outage", f"{out.id}, revision {out.revision}"),
        ("Status", f"{STATUSES[out.status]} ({out.status}{', overdue' if out.overdue else ''})"),
        ("Class", CLASSES[out.outage_class]),
        ("Times", say.windows(facts)),
        ("Expected back", say.estimate(facts.estimate) if facts.estimate else ""),
        ("Reason", facts.reason),
        ("Contact", facts.contact if personal else ""),
        *((label, ", ".join(map(_device, switching[name]))) for label, name in _SWITCHING),
        *_counts(out),
        ("Written", _signed(out.facts_at, out.facts_by, zone)),
        ("Approved", _signed(out.approved_at, out.approved_by, zone) if out.approved_at else ""),
        ("Off since", moment(out.off_at, "en", zone) if out.off_at else ""),
        *(("Operated", say.operation(one)) for one in outage.operations),
        ("Back since", moment(out.restored_at, "en", zone) if out.restored_at else ""),
        ("What may follow", ", ".join(out.allowed) or "nothing"),
    ]
    return table([row for row in rows if row[1]])


def _counts(out: OutageOut) -> list[tuple[str, str]]:
    if out.impact is None:
        return [("Customers affected", "not known: the network has no longer what the outage names")]
    counts = out.impact.counts
    return [
        ("Customers affected", f"{counts.customers:,} ({counts.out:,} without supply, {counts.partial:,} on some phases)"),
        ("  important", f"{counts.important:,}"),
        ("  life support", f"{counts.life_support:,}"),
    ]


_SWITCHING = (("Opens", "open"), ("Closes", "close"), ("Fault at", "fault"))


def _device(item: str | list[str]) -> str:
    return item if isinstance(item, str) else ":".join(item)


def _signed(at: datetime, by: str, zone: str) -> str:
    return f"{moment(at, 'en', zone)} by {by}"


def history_text(history: Iterable[Told], zone: str) -> str:
    """Return a line for each event, the first one first."""
    rows = [
        (
            str(one.seq),
            moment(one.event.at, "en", zone, short=True),
            one.event.kind + (" (undone)" if one.undone else ""),
            f"{one.code} {CHANGE_CODES[one.code]}",
            one.event.by,
            one.event.why,
        )
        for one in history
    ]
    return table([("SEQ", "AT", "WHAT", "CHANGE", "BY", "WHY"), *rows])


def differences_text(found: Iterable[Difference], zone: str, *, personal: bool) -> str:
    """Return what differs between two revisions, before and after."""
    say = Saying("en", zone, personal=personal)
    lines: list[str] = []
    for one in map(say.difference, found):
        lines += [one.field, *(f"  - {line}" for line in one.before), *(f"  + {line}" for line in one.after)]
    return "\n".join(lines) or "The facts are the same."


def conflicts_text(found: Iterable[Conflict]) -> str:
    """Return a line for each conflict, the gravest first."""
    return "\n".join(f"{one.severity:8}{one.says}" for one in found) or "Nothing speaks against it."


def account_list(accounts: Iterable[Account], now: datetime) -> str:
    """Return a line for each account."""
    rows = [(one.name, one.role, account_state(one, now), f"{one.created_at:%Y-%m-%d}") for one in accounts]
    return table([("NAME", "ROLE", "STATE", "SINCE"), *rows]) if rows else "No account."


def account_state(account: Account, now: datetime) -> str:
    """Return what keeps the owner of an account from signing in, or lets anybody in; "enabled" where nothing does."""
    says = {
        "disabled": account.disabled_at is not None,
        "locked": account.is_locked(now),
        "demo": account.demo,
        "password to be changed": account.must_change,
    }
    return ", ".join(word for word, holds in says.items() if holds) or "enabled"


def token_list(tokens: Iterable[Token], now: datetime) -> str:
    """Return a line for each token."""
    rows = [
        (one.id, one.name, ",".join(one.permissions), token_state(one, now), f"{one.expires_at:%Y-%m-%d}", one.created_by)
        for one in tokens
    ]
    return table([("ID", "NAME", "MAY", "STATE", "UNTIL", "MADE BY"), *rows]) if rows else "No token."


def token_state(token: Token, now: datetime) -> str:
    """Return whether a token opens anything, and why not."""
    return "valid" if token.is_valid(now) else "revoked" if token.revoked_at is not None else "over"


def audit_list(rows: Iterable[AuditRow], zone: str) -> str:
    """Return a line for each entry of the audit log."""
    lines = [
        (str(one.position), moment(one.entry.at, "en", zone), one.entry.what, one.entry.by, one.entry.subject) for one in rows
    ]
    return table([("NO", "AT", "WHAT", "BY", "SUBJECT"), *lines]) if lines else "No entry."
