"""The outbox: what is to be sent, who is sending it, and the proof of what came of each attempt.

::

    put ─▶ waiting ─claim─▶ claimed ─settle─▶ accepted
              ▲                │                refused    for ever: a dead letter
              ├──── later, unknown (back-off)   dead       attempts used up, or it cannot be sent as it is
              ├──── lease over                  given_up   by a person, or overtaken by a newer notice
              └──── retry, by a person

A message is put in the transaction that issues its notice, and sent at least once: a deliverer that dies leaves a lease that
ends, and whoever claims next sends under the same key. No transaction is open while something is sent. ``due_at`` is when
anybody may take a message next: of a claimed one that is the end of its lease.

Deliverers on PostgreSQL claim side by side (FOR UPDATE SKIP LOCKED) and beside the one writer; SQLite lets one write at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from notices.channels.parcel import LONGEST_SAYS, Outcome, one_line
from notices.dossier import notice_id_of
from notices.history import Issued, TextKey
from outages.appending import check_text
from outages.audit import AuditEntry, write_audit
from outages.database import Database
from outages.tables import MESSAGES, NOTICES, PROOFS

T = TypeVar("T")
State = Literal["waiting", "claimed", "accepted", "refused", "dead", "given_up"]

_ROWS_AT_ONCE = 1000
_NEWER_ASKED = 32
_PROVED = {"later": "failed", "dead": "failed"}  # in proofs; other results have a word of their own
_RETRIED: tuple[State, ...] = ("waiting", "refused", "dead", "given_up")
_GIVEN_UP: tuple[State, ...] = ("waiting", "refused", "dead")


class OutboxError(ValueError):
    """Something about a message that a person asked for and that cannot be done."""


@dataclass(frozen=True)
class NewMessage:
    """A message to one recipient by one channel; ``personal`` fills the blanks of the text, ``slot_s`` is a radio script's."""

    recipient: str
    kind: str
    audience: str
    channel: str
    language: str
    slot_s: int | None
    address: str
    personal: dict[str, str]
    needs_ack: bool


@dataclass(frozen=True)
class Message:
    """A message as it lies in the outbox; ``attempts`` counts those whose outcome was settled."""

    position: int
    notice_id: str
    recipient: str
    channel: str
    language: str
    kind: str
    slot_s: int | None
    audience: str
    address: str
    personal: dict[str, str]
    needs_ack: bool
    state: State
    attempts: int
    due_at: datetime
    claimed_by: str | None
    claimed_until: datetime | None
    settled_at: datetime | None
    last_error: str

    @property
    def key(self) -> str:
        """Under which it is sent, however often; whoever honours it receives it once."""
        return f"{self.notice_id}/{self.recipient}/{self.channel}"

    @property
    def text_key(self) -> TextKey:
        """Which text of the notice it tells."""
        return TextKey(self.kind, self.language, self.channel, self.slot_s)


@dataclass(frozen=True)
class Proof:
    """What is on record of one attempt, or of what a person did with a message."""

    position: int
    message: int
    at: datetime
    what: str
    detail: dict[str, Any]
    by: str


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next attempt, and after how many to stop.

    >>> [round(Backoff(jitter=0).delay("7.1/anna/sms", attempt).total_seconds()) for attempt in (1, 2, 3, 10)]
    [30, 60, 120, 3600]
    """

    first_s: float = 30
    most_s: float = 3600
    attempts: int = 10
    jitter: float = 0.5
    """Share of the wait that chance may take off, so that a gateway that is back is not asked for everything at once."""

    def delay(self, key: str, attempt: int) -> timedelta:
        """Return the wait after the ``attempt``-th (from 1) has failed; the same for the same key and attempt."""
        full = min(self.most_s, self.first_s * 2 ** min(attempt - 1, 60))
        chance = int.from_bytes(hashlib.sha256(f"{attempt} {key}".encode("utf-8", "surrogatepass")).digest()[:4]) / 2**32
        return timedelta(seconds=full * (1 - self.jitter * chance))


def put(connection: Connection, notice_id: str, messages: Iterable[NewMessage], *, now: datetime) -> int:
    """Put ``messages`` of a notice in the outbox, within the transaction that issues it; return how many were new.

    A second one for the same recipient and channel is passed over: nobody is told twice. Memory stays the same however many
    there are. Raises StoreError for an address or a recipient that no database can store.
    """
    of_dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    write = of_dialect.insert(MESSAGES).on_conflict_do_nothing()
    fresh = {"notice_id": notice_id, "state": "waiting", "attempts": 0, "due_at": now, "last_error": ""}
    count = 0
    for chunk in _chunks(messages):
        check_text(*(text for one in chunk for text in (one.recipient, one.address)))
        count += connection.execute(
            write, [vars(one) | fresh for one in chunk], execution_options={"preserve_rowcount": True}
        ).rowcount
    return count


class Outbox:
    """The messages and proofs in a database. Safe to share between threads; several may be open on one database."""

    def __init__(self, database: Database, *, backoff: Backoff | None = None) -> None:
        self._database = database
        self._backoff = backoff or Backoff()

    def claim(self, channel: str, *, limit: int, by: str, now: datetime, lease_s: float) -> list[Message]:
        """Take up to ``limit`` messages that are due, for ``lease_s`` seconds: until then nobody else gets them.

        Those whose deliverer died come first. What waited until a newer notice spoke to the same recipient is not sent any more:
        nobody hears "rescheduled" after "cancelled". ``by`` is a name that no other deliverer has. Raises StoreError.
        """
        until = now + timedelta(seconds=lease_s)
        with self._database.writing_beside() as connection:
            rows = _due(connection, channel, "claimed", now=now, limit=limit)
            rows += _due(connection, channel, "waiting", now=now, limit=limit - len(rows))
            rows = _pass_over(connection, rows, by=by, now=now)
            lease = {"state": "claimed", "claimed_by": by, "claimed_until": until, "due_at": until}
            _change(connection, [row["position"] for row in rows], **lease)
        return [_message({**row, **lease}) for row in rows]

    def settle(self, outcomes: Iterable[tuple[Message, Outcome]], *, by: str, now: datetime) -> None:
        """Write down what came of messages that ``by`` had claimed: a proof for each, and what happens next.

        Where the lease ended and somebody else has the message, the proof is kept all the same; only that it was accepted also
        changes the message, since that is true whoever holds it. Raises StoreError; then nothing was written.
        """
        for chunk in _chunks(outcomes):
            with self._database.writing_beside() as connection:
                held = _locked(connection, [message.position for message, _ in chunk])
                proofs, changes = [], []
                for message, outcome in chunk:
                    row = held[message.position]
                    proofs.append(_proof(message, outcome, row["attempts"] + 1, by=by, now=now))
                    if outcome.result == "accepted" or (row["state"] == "claimed" and row["claimed_by"] == by):
                        changes.append(self._after(message, outcome, row["attempts"] + 1, now))
                connection.execute(insert(PROOFS), proofs)
                if changes:
                    connection.execute(_SETTLE, changes)

    def counts(self, notice_id: str | None = None) -> dict[str, dict[str, int]]:
        """Return channel → state → how many messages, of one notice or of all; states without any are not in it."""
        query = select(MESSAGES.c.channel, MESSAGES.c.state, func.count()).group_by(MESSAGES.c.channel, MESSAGES.c.state)
        if notice_id is not None:
            query = query.where(MESSAGES.c.notice_id == notice_id)
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for channel, state, count in connection.execute(query.order_by(MESSAGES.c.channel, MESSAGES.c.state)):
                found.setdefault(channel, {})[state] = count
        return found

    def told(self, notice_id: str) -> list[tuple[str, str]]:
        """Return which audiences a notice was sent to, each by which channel."""
        query = select(MESSAGES.c.audience, MESSAGES.c.channel).where(MESSAGES.c.notice_id == notice_id).distinct()
        with self._database.reading() as connection:
            return sorted((audience, channel) for audience, channel in connection.execute(query))

    def list_of(self, notice_id: str, *, state: State | None = None, after: int = 0, limit: int = 100) -> list[Message]:
        """Return up to ``limit`` messages of a notice after the position ``after``, in the order of positions."""
        conditions = [MESSAGES.c.notice_id == notice_id] + ([MESSAGES.c.state == state] if state else [])
        return self._list(*conditions, after=after, limit=limit)

    def list_dead(self, *, after: int = 0, limit: int = 100) -> list[Message]:
        """Return the dead letters, by position: refused or used up, and nobody has retried them or given them up."""
        return self._list(MESSAGES.c.state.in_(("refused", "dead")), after=after, limit=limit)

    def oldest_waiting(self) -> datetime | None:
        """Return since when the message is due that nobody has taken for longest; None where none waits."""
        with self._database.reading() as connection:
            return connection.execute(select(func.min(MESSAGES.c.due_at)).where(MESSAGES.c.state == "waiting")).scalar()

    def proofs(self, position: int) -> list[Proof]:
        """Return what is on record of the message at ``position``, the oldest first."""
        query = select(PROOFS).where(PROOFS.c.message == position).order_by(PROOFS.c.position)
        with self._database.reading() as connection:
            return [Proof(**row) for row in connection.execute(query).mappings()]

    def retry(self, positions: Iterable[int], *, by: str, now: datetime, why: str) -> list[int]:
        """Let messages go out again at once, with all attempts before them; return the positions of those that do.

        For one that waits, was refused, is dead or was given up; one that is under way or was accepted stays as it is. Raises
        OutboxError without a reason, and StoreError.
        """
        return self._decide("retried", _RETRIED, positions, by=by, now=now, why=why)

    def give_up(self, positions: Iterable[int], *, by: str, now: datetime, why: str) -> list[int]:
        """Leave messages for good; return the positions of those that are.

        For one that waits, was refused or is dead; one that is under way or was accepted stays as it is. Raises OutboxError
        without a reason, and StoreError.
        """
        return self._decide("given_up", _GIVEN_UP, positions, by=by, now=now, why=why)

    def _list(self, *conditions: ColumnElement[bool], after: int, limit: int) -> list[Message]:
        query = select(MESSAGES).where(*conditions, MESSAGES.c.position > after).order_by(MESSAGES.c.position).limit(limit)
        with self._database.reading() as connection:
            return [_message(row) for row in connection.execute(query).mappings()]

    def _after(self, message: Message, outcome: Outcome, attempts: int, now: datetime) -> dict[str, Any]:
        result = outcome.result
        again = result in ("later", "unknown") and attempts < self._backoff.attempts
        state = "waiting" if again else "dead" if result in ("later", "unknown") else result
        return {
            "at_position": message.position,
            "state": state,
            "attempts": attempts,
            "due_at": now + self._backoff.delay(message.key, attempts) if again else now,
            "settled_at": None if again else now,
            "last_error": "" if result == "accepted" else _kept(outcome.says),
        }

    def _decide(
        self, what: str, allowed: tuple[State, ...], positions: Iterable[int], *, by: str, now: datetime, why: str
    ) -> list[int]:
        check_text(by, why)
        if not why.strip():
            raise OutboxError("Say why: the reason is kept with the proof of each message. Nothing was changed.")
        changes: dict[str, Any] = {"state": "given_up", "settled_at": now}
        if what == "retried":
            changes = {"state": "waiting", "attempts": 0, "due_at": now, "settled_at": None}
        done: list[int] = []
        with self._database.writing() as connection:
            for chunk in _chunks(sorted(set(positions))):
                rows = [row for row in _locked(connection, chunk).values() if row["state"] in allowed]
                _change(connection, [row["position"] for row in rows], **changes)
                _note(connection, what, rows, by=by, now=now, why=why)
                done += [row["position"] for row in rows]
        return done


_SETTLE = (
    update(MESSAGES)
    .where(MESSAGES.c.position == bindparam("at_position"))
    .values(
        {name: bindparam(name) for name in ("state", "attempts", "due_at", "settled_at", "last_error")}
        | {"claimed_by": None, "claimed_until": None}
    )
)


def _due(connection: Connection, channel: str, state: State, *, now: datetime, limit: int) -> list[RowMapping]:
    """Lock and return messages of one state that are due; state by state, so that the index gives them in their order."""
    query = (
        select(MESSAGES)
        .where(MESSAGES.c.state == state, MESSAGES.c.channel == channel, MESSAGES.c.due_at <= now)
        .order_by(MESSAGES.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite knows no locks of rows, and needs none: one transaction writes at a time
    )
    return [*connection.execute(query).mappings()]


def _pass_over(connection: Connection, rows: Sequence[RowMapping], *, by: str, now: datetime) -> list[RowMapping]:
    """Give up those of ``rows`` whose recipient a newer notice on the outage speaks to by the same channel; return the rest."""
    newer = {notice_id: _issued_after(connection, notice_id) for notice_id in {row["notice_id"] for row in rows}}
    spoken = _spoken(connection, [row for row in rows if newer[row["notice_id"]]], {one for ids in newer.values() for one in ids})
    late = [row for row in rows if any((one, *_whom(row)) in spoken for one in newer[row["notice_id"]])]
    if late:
        says = "A newer notice was issued to the same recipient."
        _change(connection, [row["position"] for row in late], state="given_up", settled_at=now, last_error=says)
        proofs = [{"message": row["position"], "at": now, "what": "given_up", "detail": {"says": says}, "by": by} for row in late]
        connection.execute(insert(PROOFS), proofs)
    gone = {row["position"] for row in late}
    return [row for row in rows if row["position"] not in gone]


def _issued_after(connection: Connection, notice_id: str) -> list[str]:
    """Return the notices on the same outage that were issued after one; numbers have no gaps, and few outages have many."""
    outage_id, _, number = notice_id.rpartition(".")
    asked = [notice_id_of(outage_id, int(number) + ahead) for ahead in range(1, _NEWER_ASKED + 1)]
    query = select(NOTICES.c.notice_id).where(NOTICES.c.notice_id.in_(asked), NOTICES.c.kind == Issued.kind)
    return [*connection.execute(query).scalars()]


def _spoken(connection: Connection, rows: Sequence[RowMapping], newer: Collection[str]) -> set[tuple[str, ...]]:
    """Return notice and recipient of the messages in ``newer`` by the channel of ``rows``, as far as those are the same."""
    if not rows:
        return set()
    named = [row["recipient"] for row in rows]
    to_them = or_(MESSAGES.c.recipient.in_(named), MESSAGES.c.audience == "public")
    query = select(MESSAGES).where(MESSAGES.c.notice_id.in_(newer), MESSAGES.c.channel == rows[0]["channel"], to_them)
    return {(row["notice_id"], *_whom(row)) for row in connection.execute(query).mappings()}


def _whom(row: RowMapping) -> tuple[str, ...]:
    """Return who a message is to; the public is one for each language and slot, whatever it is told."""
    return ("public", row["language"], str(row["slot_s"])) if row["audience"] == "public" else (row["recipient"],)


def _locked(connection: Connection, positions: Sequence[int]) -> dict[int, RowMapping]:
    """Lock and return rows by position, in that order: two who want the same ones wait, and never for each other."""
    query = select(MESSAGES).where(MESSAGES.c.position.in_(positions)).order_by(MESSAGES.c.position).with_for_update()
    return {row["position"]: row for row in connection.execute(query).mappings()}


def _change(connection: Connection, positions: Sequence[int], **values: Any) -> None:
    if positions:
        connection.execute(update(MESSAGES).where(MESSAGES.c.position.in_(positions)).values(**values))


def _note(connection: Connection, what: str, rows: Sequence[RowMapping], *, by: str, now: datetime, why: str) -> None:
    """Write what a person decided: a proof for each message, and a row in the audit log for each notice."""
    of_notice: dict[str, list[int]] = {}
    for row in rows:
        of_notice.setdefault(row["notice_id"], []).append(row["position"])
    if rows:
        detail = {"why": why}
        connection.execute(
            insert(PROOFS), [{"message": row["position"], "at": now, "what": what, "detail": detail, "by": by} for row in rows]
        )
    write_audit(
        connection,
        [
            AuditEntry(now, by, f"messages {what.replace('_', ' ')}", notice_id, {"why": why, "messages": positions})
            for notice_id, positions in of_notice.items()
        ],
    )


def _proof(message: Message, outcome: Outcome, attempt: int, *, by: str, now: datetime) -> dict[str, Any]:
    detail = {"attempt": attempt, "address": message.address, "text": str(message.text_key), "says": _kept(outcome.says)}
    what = _PROVED.get(outcome.result, outcome.result)
    return {"message": message.position, "at": now, "what": what, "detail": detail, "by": by}


def _kept(says: str) -> str:
    return one_line(says)[:LONGEST_SAYS]


def _message(row: Mapping[Any, Any]) -> Message:
    return Message(**row)


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while chunk := [*islice(source, _ROWS_AT_ONCE)]:
        yield chunk
