"""The audit log: who did what, when; each row sealed by a hash over itself and the row before.

::

    hash(n) = sha256( hash(n-1) + canonical JSON of row n )        hash(0) = 64 zeros

So no row can be changed, removed or moved without every later hash being wrong. Every event, of an outage or of a notice, has a
row of its own, with the digest of its content, written in the same transaction. Only rows cut off at the very end leave no
trace here: note count and head elsewhere now and then, and give them to `verify_audit`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, FromClause, RowMapping, func, insert, select

from outages.database import Database
from outages.tables import AUDIT, EVENTS, NOTICES

START = "0" * 64
"""The hash before the first row."""

EVENT = "event:"
"""How `AuditEntry.what` begins where an event of an outage is told: ``event:entered``."""

NOTICE = "notice:"
"""How it begins where an event of a notice is told: ``notice:issued``."""

_PAGE = 1000  # rows that are looked at together
_MOST_PROBLEMS = 100  # enough to see what happened; a log that is wrong from its start would tell millions

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""JSON as one text per value: keys sorted, no spaces, ASCII."""

quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii
"""`canonical` of a string, ten times as fast."""


@dataclass(frozen=True)
class AuditEntry:
    """Something that was done: ``what`` (``event:entered``, ``sign-in``), to which ``subject``, with JSON ``detail``."""

    at: datetime
    by: str
    what: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class AuditRow:
    """An entry as it lies in the log: ``position`` counts from 1 without gaps."""

    position: int
    entry: AuditEntry
    hash: str


@dataclass(frozen=True)
class Verified:
    """What `verify_audit` found: rows in all, hash of the last, and a sentence for everything that is wrong (100 at most)."""

    count: int
    head: str
    problems: tuple[str, ...]


class Head(NamedTuple):
    """The last row of the log; `START` at position 0 where there is none."""

    position: int
    hash: str


def moment(at: datetime) -> str:
    """Return ``at`` as it is hashed: UTC, ISO 8601.

    >>> moment(datetime.fromisoformat("2026-05-01T08:00:00.5+08:00"))
    '2026-05-01T00:00:00.500000+00:00'
    """
    return at.astimezone(UTC).isoformat()


def event_digest(kind: str, body: str, at: str, by: str) -> str:
    """Return the sha256 of an event: ``body`` in `canonical` JSON, ``at`` as `moment` writes it."""
    text = f'{{"at":"{at}","body":{body},"by":{quoted(by)},"kind":"{kind}"}}'
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def event_entry(subject: str, seq: int, kind: str, digest: str, *, at: datetime, by: str, begins: str = EVENT) -> AuditEntry:
    """Return what the log says of an event of the outage ``subject``, or of the notice where it ``begins`` with `NOTICE`."""
    return AuditEntry(at, by, begins + kind, subject, {"digest": digest, "seq": seq})


def sealed(head: Head, entries: Iterable[AuditEntry]) -> list[AuditRow]:
    """Return the rows that follow ``head``, each sealed upon the one before."""
    rows = []
    position, previous = head
    for entry in entries:
        position += 1
        previous = _seal(previous, position, entry)
        rows.append(AuditRow(position, entry, previous))
    return rows


def _seal(previous: str, position: int, entry: AuditEntry) -> str:
    text = (
        f'{previous}{{"at":"{moment(entry.at)}","by":{quoted(entry.by)},"detail":{canonical(entry.detail)},"position":{position},'
        f'"subject":{quoted(entry.subject)},"what":{quoted(entry.what)}}}'
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def write_audit(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Add ``entries`` to the log. Only within `Database.writing`: what is told and its entry are kept together, or neither."""
    last = connection.execute(select(AUDIT.c.position, AUDIT.c.hash).order_by(AUDIT.c.position.desc()).limit(1)).first()
    rows = sealed(Head(0, START) if last is None else Head(*last), entries)
    if rows:
        connection.execute(insert(AUDIT), [_columns(row) for row in rows])


def read_audit(
    database: Database,
    *,
    after: int = 0,
    limit: int = 100,
    what: str | None = None,
    by: str | None = None,
    subject: str | None = None,
) -> list[AuditRow]:
    """Return up to ``limit`` rows after position ``after``, oldest first. ``what`` may be a beginning: ``event:``."""
    query = select(AUDIT).where(AUDIT.c.position > after).order_by(AUDIT.c.position).limit(limit)
    if what is not None:
        query = query.where(AUDIT.c.what.startswith(what, autoescape=True) if what.endswith(":") else AUDIT.c.what == what)
    if by is not None:
        query = query.where(AUDIT.c.recorded_by == by)
    if subject is not None:
        query = query.where(AUDIT.c.subject == subject)
    with database.reading() as connection:
        return [_row(found) for found in connection.execute(query).mappings()]


def verify_audit(database: Database, *, noted: Head | None = None) -> Verified:
    """Check the whole log against itself and against all events; memory stays the same however long it is.

    ``noted`` is a head that was written down before: it must still be in the log. What is written meanwhile is not looked at.
    Raises StoreError where the database cannot be read.
    """
    with database.reading() as connection:
        newest = {
            table: connection.execute(select(func.max(table.c.position))).scalar() or 0 for table in (EVENTS, NOTICES, AUDIT)
        }
    problems = _Problems()
    pairings = [
        _Pairing(database, EVENT, EVENTS.c.outage_id, problems, newest=newest[EVENTS]),
        _Pairing(database, NOTICE, NOTICES.c.notice_id, problems, newest=newest[NOTICES]),
    ]
    check = _Check(pairings, noted, problems)
    for row in _rows(database, AUDIT, newest[AUDIT]):
        check.look_at(_row(row))
    return check.end()


class _Problems:
    """Sentences about what is wrong, so many and no more."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def say(self, problem: str) -> None:
        if len(self.found) < _MOST_PROBLEMS:
            self.found.append(problem)


class _Check:
    """Walks the log from its first row on: is it whole, and is every event told that it says it tells?"""

    def __init__(self, pairings: Sequence[_Pairing], noted: Head | None, problems: _Problems) -> None:
        self._pairings = pairings
        self._noted = noted
        self._head = Head(0, START)
        self._count = 0
        self._problems = problems

    def look_at(self, row: AuditRow) -> None:
        """Check the next row of the log."""
        self._count += 1
        expected = self._head.position + 1
        if row.position != expected:
            missing = f"Row {expected} is" if row.position == expected + 1 else f"Rows {expected} to {row.position - 1} are"
            self._problems.say(f"{missing} missing from the audit log.")
        if row.hash != _seal(self._head.hash, row.position, row.entry):
            self._problems.say(
                f"Row {row.position} of the audit log ({row.entry.what} of {row.entry.subject!r}) does not fit its hash: "
                "it or the row before it was changed, moved or removed."
            )
        self._head = Head(row.position, row.hash)
        if self._noted is not None and self._noted.position == row.position and self._noted.hash != row.hash:
            self._problems.say(f"Row {row.position} of the audit log has another hash than was noted: the log was written anew.")
        for pairing in self._pairings:
            if row.entry.what.startswith(pairing.begins):
                pairing.pair(row)

    def end(self) -> Verified:
        """Return what was found, when every row was looked at."""
        for pairing in self._pairings:
            pairing.end()
        if self._noted is not None and self._noted.position > self._head.position:
            cut = (
                f"The audit log ends at row {self._head.position}, but row {self._noted.position} was noted: its end was cut off."
            )
            self._problems.say(cut)
        return Verified(self._count, self._head.hash, tuple(self._problems.found))


class _Pairing:
    """Walks the log and the events of outages, or of notices, side by side: both are in the order of commits."""

    def __init__(self, database: Database, begins: str, subject: Column[str], problems: _Problems, *, newest: int) -> None:
        self.begins = begins
        self._database = database
        self._subject = subject
        self._table = subject.table
        self._events = _rows(database, self._table, newest)
        self._event = next(self._events, None)
        self._problems = problems

    def pair(self, row: AuditRow) -> None:
        """Check the next row of the log that tells of an event here."""
        key = (row.entry.subject, row.entry.detail.get("seq"))
        while self._event is not None and key != self._key(self._event):
            position = self._find_position(*key)
            if position is None or position < self._event["position"]:
                break
            self._miss_row(self._event)
        if self._event is None or key != self._key(self._event):
            known = self._find_position(*key) is not None
            says = "is told twice, or out of its order" if known else "is not in the store: it was removed"
            self._problems.say(f"{self._name(*key)} {says} (row {row.position} of the audit log, {row.entry.what}).")
            return
        self._compare(row, self._event)
        self._event = next(self._events, None)

    def end(self) -> None:
        """Name the events that are left when the log has ended."""
        while self._event is not None:
            self._miss_row(self._event)

    def _compare(self, row: AuditRow, event: RowMapping) -> None:
        at, by = event["recorded_at"], event["recorded_by"]
        digest = event_digest(event["kind"], canonical(event["body"]), moment(at), by)
        subject, seq = self._key(event)
        if event_entry(subject, seq, event["kind"], digest, at=at, by=by, begins=self.begins) != row.entry:
            self._problems.say(
                f"{self._name(subject, seq)} ({event['kind']}) is not what row {row.position} of the audit log says: its content "
                "was changed."
            )

    def _miss_row(self, event: RowMapping) -> None:
        self._problems.say(f"{self._name(*self._key(event))} ({event['kind']}) has no row in the audit log.")
        self._event = next(self._events, None)

    def _key(self, event: RowMapping) -> tuple[str, int]:
        return event[self._subject.name], event["seq"]

    def _name(self, subject: str, seq: object) -> str:
        return f"Event {seq} of {self._subject.name.removesuffix('_id')} {subject!r}"

    def _find_position(self, subject: str, seq: object) -> int | None:
        if not isinstance(seq, int):
            return None
        query = select(self._table.c.position).where(self._subject == subject, self._table.c.seq == seq)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()


def _rows(database: Database, table: FromClause, until: int) -> Iterator[RowMapping]:
    """Yield the rows of a table up to position ``until``, some at a time, holding no transaction in between."""
    after = -1
    while True:
        query = select(table).where(table.c.position > after, table.c.position <= until).order_by(table.c.position).limit(_PAGE)
        with database.reading() as connection:
            page = connection.execute(query).mappings().all()
        if not page:
            return
        yield from page
        after = page[-1]["position"]


def _row(found: RowMapping) -> AuditRow:
    entry = AuditEntry(found["recorded_at"], found["recorded_by"], found["what"], found["subject"], found["detail"])
    return AuditRow(found["position"], entry, found["hash"])


def _columns(row: AuditRow) -> dict[str, Any]:
    entry = row.entry
    return {
        "position": row.position,
        "recorded_at": entry.at,
        "recorded_by": entry.by,
        "what": entry.what,
        "subject": entry.subject,
        "detail": entry.detail,
        "hash": row.hash,
    }
