"""Where notices are kept: their events, append-only; their drafts; who was told. Issued in one transaction, or not at all.

::

    append ──▶ notices + drafts + audit                        one transaction
    issue  ──▶ notices + told + messages (outbox) + audit      one transaction: no message goes out for what was not issued,
                                                               and none is missing for what was

Two people cannot overwrite each other: who writes says which state was seen, and whoever is second is told the newer one. An
outage has one open notice at most, so that nobody is told two things at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from notices.dossier import EDITABLE, Dossier, NoticeTransitionError, begin, fold, notice_id_of, step
from notices.drafts import (
    Draft,
    StaleDraftError,
    check_submitted,
    end_drafts,
    find_drafts,
    list_open_ids,
    regenerate_drafts,
    save_draft,
    start_drafts,
)
from notices.history import Drafted, Dropped, Issued, NoticeEvent, Redrafted, Submitted, Text, TextKey, event_from_json
from notices.outbox import NewMessage, put
from notices.subscriptions import OptOuts, Subscriptions
from notices.told import find_told, keep_told
from outages.appending import check_text
from outages.audit import NOTICE, AuditEntry, canonical, event_digest, event_entry, moment, write_audit
from outages.database import Database
from outages.failures import StoreError
from outages.tables import ACKNOWLEDGEMENTS, NOTICES

__all__ = ["Draft", "Registry", "StaleDraftError", "StaleNoticeError", "UnknownNoticeError", "UnreadableNoticeError"]

_NUMBERS_AT_ONCE = 16  # few outages have more notices
_IDS_AT_ONCE = 100


class UnknownNoticeError(LookupError):
    """No notice has this id."""

    def __init__(self, notice_id: str) -> None:
        self.notice_id = notice_id
        super().__init__(f"There is no notice {notice_id!r}. Check the id in the list of notices.")


class StaleNoticeError(RuntimeError):
    """Somebody else changed the notice first; `newer` is how it stands now."""

    def __init__(self, expected_seq: int, newer: Dossier) -> None:
        self.expected_seq = expected_seq
        self.newer = newer
        super().__init__(
            f"Notice {newer.id} was changed by someone else: it is at revision {newer.seq} ({newer.status}), your change was "
            f"made on revision {expected_seq}. Nothing was written. Look at the newer state; repeat the change if it still holds."
        )


class UnreadableNoticeError(StoreError):
    """An event of a notice that this release does not understand."""

    def __init__(self, position: int, notice_id: str, seq: int, why: Exception) -> None:
        super().__init__(f"Event {seq} of notice {notice_id} (position {position}) cannot be read: {why}")


class Registry:
    """All notices in a database. Safe to share between threads; several may be open on one database, in any process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.subscriptions = Subscriptions(database)
        self.opt_outs = OptOuts(database)

    def append(self, notice_id: str, expected_seq: int, events: Sequence[NoticeEvent]) -> Dossier:
        """Append ``events`` to a notice seen at ``expected_seq`` (0: a new one), and return it after them.

        Who saved a draft becomes an author of what is submitted, whatever `Submitted.authors` says. Raises StaleNoticeError,
        StaleDraftError (a draft was saved after the texts were read that are submitted), UnknownNoticeError,
        NoticeTransitionError and StoreError; then nothing was written.
        """
        if any(isinstance(event, Issued) for event in events):
            raise ValueError(f"notice {notice_id} is issued together with its messages. Call issue for that.")
        with self._database.writing() as connection:
            dossier = _find_at(connection, notice_id, expected_seq)
            for event in events:
                dossier = _take(connection, notice_id, dossier, event)
        if dossier is None:
            raise UnknownNoticeError(notice_id)
        return dossier

    def issue(
        self,
        notice_id: str,
        expected_seq: int,
        event: Issued,
        *,
        messages: Iterable[NewMessage],
        told: Iterable[str],
        now: datetime,
    ) -> tuple[Dossier, int]:
        """Issue an approved notice: it, who is ``told`` (ids of customers) and all ``messages`` are on disk, or nothing is.

        Returns the dossier and the number of messages. The messages are taken one by one, and never held all at once; each must
        have a text in the dossier. Raises as `append` does; issued twice, it is refused and nothing is doubled.
        """
        with self._database.writing() as connection:
            before = _find_at(connection, notice_id, expected_seq)
            if before is None:
                raise UnknownNoticeError(notice_id)
            after = _take(connection, notice_id, before, event)
            keep_told(connection, notice_id, told)
            count = put(connection, notice_id, _with_texts(after, messages), now=now)
        return after, count

    def get(self, notice_id: str) -> Dossier:
        """Return a notice as it stands; raises UnknownNoticeError."""
        return fold(notice_id, self.read(notice_id))

    def read(self, notice_id: str) -> tuple[NoticeEvent, ...]:
        """Return the events of a notice, in order; raises UnknownNoticeError."""
        with self._database.reading() as connection:
            events = _history(connection, notice_id)
        if not events:
            raise UnknownNoticeError(notice_id)
        return events

    def find_open(self, outage_id: str) -> Dossier | None:
        """Return the notice of an outage that is not issued or dropped yet, or None."""
        with self._database.reading() as connection:
            return _find_open(connection, outage_id)

    def list_of(self, outage_id: str) -> list[Dossier]:
        """Return all notices of an outage, by number."""
        with self._database.reading() as connection:
            return _fold_all(connection, _ids_of(connection, outage_id))

    def list_open(self) -> list[Dossier]:
        """Return every notice that is not issued or dropped yet, by id."""
        with self._database.reading() as connection:
            return _fold_all(connection, list_open_ids(connection))

    def list_issued(self, since: datetime) -> list[Dossier]:
        """Return the notices issued at ``since`` or later, in the order in which they were issued."""
        issued = select(NOTICES.c.notice_id).where(NOTICES.c.kind == Issued.kind, NOTICES.c.recorded_at >= since)
        with self._database.reading() as connection:
            return _fold_all(connection, connection.execute(issued.order_by(NOTICES.c.position)).scalars().all())

    def drafts(self, notice_id: str) -> dict[TextKey, Draft]:
        """Return the working copy of each text of an open notice, by key; nothing for one that is issued or dropped."""
        with self._database.reading() as connection:
            return find_drafts(connection, notice_id)

    def save_draft(self, notice_id: str, key: TextKey, title: str, body: str, *, version: int, by: str, at: datetime) -> int:
        """Save a text that was edited upon ``version``, and return its version from now on.

        Raises StaleDraftError with the newer text, NoticeTransitionError where the notice is not to be edited or has no such
        text, UnknownNoticeError and StoreError.
        """
        check_text(title, body, by)
        with self._database.writing() as connection:
            dossier = _find(connection, notice_id)
            if dossier is None:
                raise UnknownNoticeError(notice_id)
            held = find_drafts(connection, notice_id)
            _check_editable(dossier, key, held)
            return save_draft(connection, notice_id, Text(key, title, body), held[key], version=version, at=at, by=by)

    def told(self, notice_id: str) -> tuple[str, ...]:
        """Return the ids of the customers whom an issued notice was for, sorted; none before it is issued."""
        with self._database.reading() as connection:
            if _find_last_seq(connection, notice_id) is None:
                raise UnknownNoticeError(notice_id)
            return find_told(connection, notice_id)

    def acknowledge(self, notice_id: str, customer_id: str, *, at: datetime, by: str, how: str) -> bool:
        """Note that a customer has confirmed an issued notice; False where that is known already: the first one counts.

        Raises UnknownNoticeError, and NoticeTransitionError where the notice was not for that customer.
        """
        check_text(customer_id, by, how)
        with self._database.writing() as connection:
            if _find_last_seq(connection, notice_id) is None:
                raise UnknownNoticeError(notice_id)
            if customer_id not in find_told(connection, notice_id):
                raise NoticeTransitionError(f"notice {notice_id} was not for customer {customer_id!r}. Check both ids.")
            if customer_id in _acknowledged(connection, notice_id):
                return False
            row = {"notice_id": notice_id, "customer_id": customer_id, "at": at, "by": by, "how": how}
            connection.execute(insert(ACKNOWLEDGEMENTS), row)
            write_audit(connection, [AuditEntry(at, by, "acknowledged", notice_id, {"customer": customer_id, "how": how})])
            return True

    def acknowledged(self, notice_id: str) -> frozenset[str]:
        """Return the ids of the customers who have confirmed a notice."""
        with self._database.reading() as connection:
            return _acknowledged(connection, notice_id)


def _take(connection: Connection, notice_id: str, before: Dossier | None, event: NoticeEvent) -> Dossier:
    """Check one event against what was before it, write it, and return the dossier after it."""
    if isinstance(event, Submitted):
        event = _by_all_authors(connection, notice_id, event)
    after = begin(notice_id, event) if before is None else step(before, event)
    if isinstance(event, Drafted):
        _check_next(connection, event)
    _write(connection, after, event)
    match event:
        case Drafted():
            start_drafts(connection, notice_id, event.texts, at=event.at, by=event.by)
        case Redrafted() if before is not None:
            regenerate_drafts(connection, before, event)
        case Issued() | Dropped():
            end_drafts(connection, notice_id)
    return after


def _by_all_authors(connection: Connection, notice_id: str, event: Submitted) -> Submitted:
    held = find_drafts(connection, notice_id)
    check_submitted(notice_id, event, held)
    return replace(event, authors=event.authors.union(*(draft.authors for draft in held.values())))


def _write(connection: Connection, after: Dossier, event: NoticeEvent) -> None:
    body = event.body()
    written = canonical(body)
    check_text(after.id, event.by, *_strings(body))
    position = (connection.execute(select(func.max(NOTICES.c.position))).scalar() or 0) + 1
    row = {"position": position, "notice_id": after.id, "seq": after.seq, "kind": event.kind, "body": body}
    connection.execute(insert(NOTICES), {**row, "recorded_at": event.at, "recorded_by": event.by})
    digest = event_digest(event.kind, written, moment(event.at), event.by)
    write_audit(connection, [event_entry(after.id, after.seq, event.kind, digest, at=event.at, by=event.by, begins=NOTICE)])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings([*value, *value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _check_next(connection: Connection, event: Drafted) -> None:
    """A notice has the next number, the one before it is issued or dropped, and it refers to what people have read."""
    earlier = {one.id: one for one in _fold_all(connection, _ids_of(connection, event.outage_id))}
    if (first := next((one for one in earlier.values() if one.is_open), None)) is not None:
        raise NoticeTransitionError(
            f"outage {event.outage_id} has the open notice {first.id} ({first.status}). Redraft that one, or drop it first."
        )
    if event.number != len(earlier) + 1:
        raise NoticeTransitionError(
            f"the next notice of outage {event.outage_id} has the number {len(earlier) + 1}, not {event.number}."
        )
    for one in event.refers_to:
        if one not in earlier or earlier[one].status != "issued":
            raise NoticeTransitionError(
                f"no notice {one} of outage {event.outage_id} was issued. Refer to those that people have read."
            )


def _check_editable(dossier: Dossier, key: TextKey, held: dict[TextKey, Draft]) -> None:
    if dossier.status not in EDITABLE:
        what = "Withdraw or reject it first." if dossier.is_open else "Write a new notice that refers to it."
        raise NoticeTransitionError(f"notice {dossier.id} is {dossier.status} and its texts cannot be edited. {what}")
    if key not in held:
        known = ", ".join(map(str, held))
        raise NoticeTransitionError(f"notice {dossier.id} has no text {key}. Take one of: {known}.")


def _with_texts(dossier: Dossier, messages: Iterable[NewMessage]) -> Iterator[NewMessage]:
    """Pass on messages whose text was approved; raises NoticeTransitionError at the first that has none."""
    for one in messages:
        key = TextKey(one.kind, one.language, one.channel, one.slot_s)
        if key not in dossier.texts:
            raise NoticeTransitionError(
                f"notice {dossier.id} has no text {key} for the message to {one.recipient}, so nothing was issued. "
                "Submit that text too, or leave the message out."
            )
        yield one


def _find_at(connection: Connection, notice_id: str, expected_seq: int) -> Dossier | None:
    dossier = _find(connection, notice_id)
    if dossier is None and expected_seq:
        raise UnknownNoticeError(notice_id)
    if dossier is not None and dossier.seq != expected_seq:
        raise StaleNoticeError(expected_seq, dossier)
    return dossier


def _find(connection: Connection, notice_id: str) -> Dossier | None:
    events = _history(connection, notice_id)
    return fold(notice_id, events) if events else None


def _find_last_seq(connection: Connection, notice_id: str) -> int | None:
    return connection.execute(select(func.max(NOTICES.c.seq)).where(NOTICES.c.notice_id == notice_id)).scalar()


def _find_open(connection: Connection, outage_id: str) -> Dossier | None:
    ids = _ids_of(connection, outage_id)
    newest = _find(connection, ids[-1]) if ids else None
    return newest if newest is not None and newest.is_open else None


def _ids_of(connection: Connection, outage_id: str) -> list[str]:
    """Return the ids of the notices of an outage, by number. Numbers have no gaps: they are asked for until one is missing."""
    found: list[str] = []
    while len(found) % _NUMBERS_AT_ONCE == 0:
        asked = [notice_id_of(outage_id, len(found) + number) for number in range(1, _NUMBERS_AT_ONCE + 1)]
        query = select(NOTICES.c.notice_id).where(NOTICES.c.notice_id.in_(asked), NOTICES.c.seq == 1)
        there = set(connection.execute(query).scalars())
        if not there:
            break
        found += [one for one in asked if one in there]
    return found


def _fold_all(connection: Connection, ids: Sequence[str]) -> list[Dossier]:
    found = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        asked = ids[start : start + _IDS_AT_ONCE]
        events: dict[str, list[NoticeEvent]] = {one: [] for one in asked}
        query = select(NOTICES).where(NOTICES.c.notice_id.in_(asked)).order_by(NOTICES.c.position)
        for row in connection.execute(query).mappings():
            events[row["notice_id"]].append(_event_of(row))
        found += [fold(one, events[one]) for one in asked]
    return found


def _history(connection: Connection, notice_id: str) -> tuple[NoticeEvent, ...]:
    query = select(NOTICES).where(NOTICES.c.notice_id == notice_id).order_by(NOTICES.c.seq)
    return tuple(_event_of(row) for row in connection.execute(query).mappings())


def _event_of(row: RowMapping) -> NoticeEvent:
    try:
        return event_from_json(row["kind"], row["body"], at=row["recorded_at"], by=row["recorded_by"])
    except Exception as error:  # whatever a newer release or a foreign hand has written
        raise UnreadableNoticeError(row["position"], row["notice_id"], row["seq"], error) from error


def _acknowledged(connection: Connection, notice_id: str) -> frozenset[str]:
    query = select(ACKNOWLEDGEMENTS.c.customer_id).where(ACKNOWLEDGEMENTS.c.notice_id == notice_id)
    return frozenset(connection.execute(query).scalars())
