"""Appending to outages: what is asked for, whether it may be, and the rows that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from outages.audit import AuditEntry, canonical, event_digest, event_entry, moment, sealed
from outages.driver import Driver, FirstCommand, Row
from outages.events import Event, Outage, event_from_json
from outages.failures import StoreError
from outages.kept import KeptImpact
from outages.lifecycle import begin, fold, step
from outages.tables import EVENTS

_MOST_REMEMBERED = 20_000  # outages; some 2 kB each


class UnknownOutageError(LookupError):
    """No outage has this id."""

    def __init__(self, outage_id: str) -> None:
        self.outage_id = outage_id
        super().__init__(f"There is no outage {outage_id!r}. Check the id in the list of outages.")


class StaleWriteError(RuntimeError):
    """Somebody else changed the outage first; `newer` is how it stands now."""

    def __init__(self, expected_seq: int, newer: Outage) -> None:
        self.expected_seq = expected_seq
        self.newer = newer
        super().__init__(
            f"Outage {newer.id} was changed by someone else: it is at revision {newer.seq} ({newer.status}), "
            f"your change was made on revision {expected_seq}. Look at the newer state and repeat the change if it still holds."
        )


class KeyReusedError(ValueError):
    """An idempotency key came back with another command than the first time."""

    def __init__(self, key: str, outage_id: str) -> None:
        super().__init__(
            f"The key {key!r} was used for another command before (it changed outage {outage_id}). "
            "Use a new key for a new command."
        )


class UnreadableEventError(StoreError):
    """An event that this release does not understand."""

    def __init__(self, position: int, outage_id: str, seq: int, why: Exception) -> None:
        self.position = position
        self.outage_id = outage_id
        self.seq = seq
        super().__init__(f"Event {seq} of outage {outage_id} (position {position}) cannot be read: {why}")


@dataclass(frozen=True)
class Command:
    """What makes a repeat recognisable: the client's key, and a digest of what was asked."""

    key: str
    digest: str


class Request:
    """One append, prepared by the thread that asks so that the transaction is short.

    Raises StoreError where a text cannot be stored: it holds a NUL or half a surrogate pair.
    """

    def __init__(
        self,
        outage_id: str,
        expected_seq: int,
        events: Sequence[Event],
        *,
        command: Command | None = None,
        kept: Sequence[KeptImpact] = (),
    ) -> None:
        self.outage_id = outage_id
        self.expected_seq = expected_seq
        self.events = events
        self.command = command
        self.kept = kept
        self.bodies = [canonical(event.body()) for event in events]
        self.digests = [
            event_digest(event.kind, body, moment(event.at), event.by) for event, body in zip(events, self.bodies, strict=True)
        ]
        check_text(outage_id, *(event.by for event in events), *((command.key, command.digest) if command else ()))


def check_text(*texts: str) -> None:
    """Raise StoreError where a text cannot be stored on every database: it holds a NUL or half a surrogate pair."""
    for text in texts:
        if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
            raise StoreError(f"{text!r} holds a character that is no text (NUL, or half of a pair). Write it without.")


class Remembered:
    """Outages as they stood after the newest event seen, so that not every append folds its history again.

    True only as far as position ``until``: `catch_up` forgets what others have changed since.
    """

    def __init__(self) -> None:
        self.until = 0
        self._outages: dict[str, Outage] = {}

    def find(self, outage_id: str) -> Outage | None:
        """Return the outage, or None where it is not remembered."""
        return self._outages.get(outage_id)

    def catch_up(self, connection: Connection, newest: int) -> None:
        """Forget what changed between ``until`` and ``newest``; everything, where the store went back (a restored backup)."""
        if newest < self.until:
            self._outages.clear()
        elif newest > self.until and self._outages:
            changed = select(EVENTS.c.outage_id).distinct().where(EVENTS.c.position > self.until)
            for outage_id in connection.execute(changed).scalars():
                self._outages.pop(outage_id, None)
        self.until = newest

    def add(self, outages: dict[str, Outage], newest: int) -> None:
        """Remember outages that were committed."""
        if len(self._outages) + len(outages) > _MOST_REMEMBERED:
            self._outages.clear()
        self._outages.update(outages)
        self.until = newest


class Batch:
    """Several requests within one transaction. A refused one leaves no trace and does not hinder the others."""

    def __init__(self, connection: Connection, remembered: Remembered, requests: Sequence[Request]) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._heads = self._driver.heads()
        remembered.catch_up(connection, self._heads.events)
        self._remembered = remembered
        self._firsts = self._driver.find_commands({one.command.key for one in requests if one.command is not None})
        asked = {request.outage_id for request in requests}
        self._known = self._driver.find_outages({one for one in asked if remembered.find(one) is None})
        self._done: dict[str, tuple[str, Outage]] = {}  # key → digest, and the outage as the command left it
        self._entries: list[AuditEntry] = []
        self._rows: dict[str, list[Row]] = {"events": [], "commands": [], "impacts": [], "audit": []}
        self.outages: dict[str, Outage] = {}

    @property
    def position(self) -> int:
        """The newest event's position when the batch is committed."""
        return self._heads.events + len(self._rows["events"])

    def take(self, request: Request) -> Outage:
        """Check one request against everything before it, and return the outage after it. Raises as `EventStore.append` does."""
        if request.command is not None and (first := self._find_done(request.command)) is not None:
            return first
        outage = self._find(request.outage_id)
        if (outage.seq if outage is not None else 0) != request.expected_seq:
            if outage is None:
                raise UnknownOutageError(request.outage_id)
            raise StaleWriteError(request.expected_seq, outage)
        for event in request.events:
            outage = begin(request.outage_id, event) if outage is None else step(outage, event)
        if outage is None:
            raise UnknownOutageError(request.outage_id)
        self._add(request, outage)
        return outage

    def write(self) -> None:
        """Insert what was taken."""
        rows = sealed(self._heads.audit, self._entries)
        self._rows["audit"] = [self._driver.audit_row(row) for row in rows]
        self._driver.insert(self._rows, self.position)

    def _find_done(self, command: Command) -> Outage | None:
        if command.key in self._done:
            digest, outage = self._done[command.key]
            if digest != command.digest:
                raise KeyReusedError(command.key, outage.id)
            return outage
        first = self._firsts.get(command.key)
        return None if first is None else repeat(self._connection, command, first)

    def _find(self, outage_id: str) -> Outage | None:
        known = self.outages.get(outage_id) or self._remembered.find(outage_id)
        if known is not None or outage_id not in self._known:
            return known
        return fold(outage_id, history(self._connection, outage_id))

    def _add(self, request: Request, outage: Outage) -> None:
        events = self._rows["events"]
        for seq, (event, body, digest) in enumerate(
            zip(request.events, request.bodies, request.digests, strict=True), request.expected_seq + 1
        ):
            at, by = self._driver.time(event.at), event.by
            events.append((self.position + 1, request.outage_id, seq, event.kind, body, at, by))
            self._entries.append(event_entry(request.outage_id, seq, event.kind, digest, at=event.at, by=by))
        if request.command is not None:
            command = request.command
            self._rows["commands"].append((command.key, command.digest, outage.id, outage.seq))
            self._done[command.key] = (command.digest, outage)
        self._rows["impacts"] += [_impact_row(impact) for impact in request.kept]
        self.outages[outage.id] = outage


def repeat(connection: Connection, command: Command, first: FirstCommand) -> Outage:
    """Return the outage as the first command with this key left it; raises KeyReusedError where that was another command."""
    if first.digest != command.digest:
        raise KeyReusedError(command.key, first.outage_id)
    return fold(first.outage_id, history(connection, first.outage_id)[: first.last_seq])


def history(connection: Connection, outage_id: str) -> tuple[Event, ...]:
    """Return the events of an outage, in order."""
    query = select(EVENTS).where(EVENTS.c.outage_id == outage_id).order_by(EVENTS.c.seq)
    return tuple(event_of(row) for row in connection.execute(query).mappings())


def event_of(row: RowMapping) -> Event:
    """Return the event that a row of the table holds; raises UnreadableEventError."""
    try:
        return event_from_json(row["kind"], row["body"], at=row["recorded_at"], by=row["recorded_by"])
    except Exception as error:  # whatever a newer release or a foreign hand has written
        raise UnreadableEventError(row["position"], row["outage_id"], row["seq"], error) from error


def _impact_row(kept: KeptImpact) -> Row:
    given = canonical([list(one) for one in kept.given])
    return (kept.outage_id, kept.seq, kept.network_version, kept.rules, given, canonical(kept.counts), kept.customers)
