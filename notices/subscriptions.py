"""Who asked to be told about a place, and who asked not to be told.

::

    add ─▶ asked, a link is sent there ─confirm─▶ active ─end─▶ ended        both by the secret that is in the link
    opt-outs: a channel and an address that nothing is sent to, but what a rule demands

Neither addresses nor secrets are in the audit log, which nothing is ever taken out of: of a secret only the digest is kept, of an
opt-out the log has the digest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from outages.appending import check_text
from outages.audit import AuditEntry, write_audit
from outages.database import Database
from outages.tables import OPT_OUTS, SUBSCRIBERS

_PLACES_AT_ONCE = 500


class SubscriptionError(ValueError):
    """A link that confirms or ends nothing, or an id that is taken."""


@dataclass(frozen=True)
class Subscription:
    """Somebody who wants to be told what happens at a place; told only from `confirmed_at` until `ended_at`."""

    id: str
    channel: str
    address: str
    language: str
    place_id: str
    created_at: datetime
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Return whether it is confirmed, and not ended."""
        return self.confirmed_at is not None and self.ended_at is None


@dataclass(frozen=True)
class OptOut:
    """An address that nothing is to be sent to by a channel, since when, who noted it, and why."""

    channel: str
    address: str
    at: datetime
    by: str
    why: str


class Subscriptions:
    """The subscriptions in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, asked: Subscription, *, secret: str) -> None:
        """Keep a subscription that somebody asked for; ``secret`` is what the link holds that confirms it.

        Raises SubscriptionError where the id is taken, and StoreError.
        """
        check_text(asked.id, asked.channel, asked.address, asked.language, asked.place_id, secret)
        with self._database.writing() as connection:
            if _find(connection, asked.id) is not None:
                raise SubscriptionError(f"There is a subscription {asked.id!r} already. Give the new one another id.")
            connection.execute(insert(SUBSCRIBERS), {**vars(asked), "secret_digest": _digest(secret)})
            _note(connection, "subscription asked for", asked, at=asked.created_at)

    def confirm(self, subscription_id: str, secret: str, *, at: datetime) -> Subscription:
        """Return the subscription, active from now on; confirmed again, it stays as it was.

        Raises SubscriptionError where the secret is not the right one, or the subscription has ended.
        """
        return self._settle(subscription_id, secret, "confirmed", at)

    def end(self, subscription_id: str, secret: str, *, at: datetime) -> Subscription:
        """Return the subscription, ended for good; once more, it stays as it was. Raises SubscriptionError for a wrong secret."""
        return self._settle(subscription_id, secret, "ended", at)

    def list_active(self, places: Collection[str] | None = None) -> list[Subscription]:
        """Return the active subscriptions, by id: all, or those of ``places``."""
        active = select(SUBSCRIBERS).where(SUBSCRIBERS.c.confirmed_at.is_not(None), SUBSCRIBERS.c.ended_at.is_(None))
        with self._database.reading() as connection:
            if places is None:
                rows = connection.execute(active).mappings().all()
            else:
                rows = []
                wanted = sorted(places)
                for start in range(0, len(wanted), _PLACES_AT_ONCE):
                    some = SUBSCRIBERS.c.place_id.in_(wanted[start : start + _PLACES_AT_ONCE])
                    rows += connection.execute(active.where(some)).mappings().all()
        return sorted(map(_subscription, rows), key=lambda one: one.id)

    def _settle(self, subscription_id: str, secret: str, done: Literal["confirmed", "ended"], at: datetime) -> Subscription:
        check_text(subscription_id)
        with self._database.writing() as connection:
            row = _find(connection, subscription_id)
            # Whether there is such a subscription is nobody's business but its own.
            if row is None or not hmac.compare_digest(row["secret_digest"], _digest(secret)):
                raise SubscriptionError("This link is not valid. Subscribe again to get a new one.")
            if row[f"{done}_at"] is not None:
                return _subscription(row)
            if row["ended_at"] is not None:
                raise SubscriptionError("This subscription has ended. Subscribe again to get a new one.")
            is_it = SUBSCRIBERS.c.id == subscription_id
            connection.execute(update(SUBSCRIBERS).where(is_it).values({f"{done}_at": at}))
            subscription = _subscription({**row, f"{done}_at": at})
            _note(connection, f"subscription {done}", subscription, at=at)
            return subscription


class OptOuts:
    """The opt-outs in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, opt_out: OptOut) -> bool:
        """Note that nothing is to be sent there; False where that is noted already: the first one stands."""
        check_text(opt_out.channel, opt_out.address, opt_out.by, opt_out.why)
        with self._database.writing() as connection:
            if connection.execute(select(OPT_OUTS).where(*_at(opt_out.channel, opt_out.address))).first() is not None:
                return False
            connection.execute(insert(OPT_OUTS), vars(opt_out))
            _note_opt_out(connection, "opted out", opt_out.channel, opt_out.address, at=opt_out.at, by=opt_out.by)
            return True

    def remove(self, channel: str, address: str, *, at: datetime, by: str) -> bool:
        """Let things be sent there again; False where nothing was noted."""
        check_text(channel, address, by)
        with self._database.writing() as connection:
            if not connection.execute(delete(OPT_OUTS).where(*_at(channel, address))).rowcount:
                return False
            _note_opt_out(connection, "opted in", channel, address, at=at, by=by)
            return True

    def list_all(self) -> list[OptOut]:
        """Return all opt-outs, by channel and address."""
        with self._database.reading() as connection:
            found = [OptOut(**row) for row in connection.execute(select(OPT_OUTS)).mappings()]
        return sorted(found, key=lambda one: (one.channel, one.address))


def _find(connection: Connection, subscription_id: str) -> RowMapping | None:
    return connection.execute(select(SUBSCRIBERS).where(SUBSCRIBERS.c.id == subscription_id)).mappings().one_or_none()


def _subscription(row: Mapping[Any, Any]) -> Subscription:
    return Subscription(**{one.name: row[one.name] for one in fields(Subscription)})


def _at(channel: str, address: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OPT_OUTS.c.channel == channel, OPT_OUTS.c.address == address


def _note(connection: Connection, what: str, subscription: Subscription, *, at: datetime) -> None:
    detail = {"channel": subscription.channel, "place": subscription.place_id}
    write_audit(connection, [AuditEntry(at, "subscriber", what, subscription.id, detail)])


def _note_opt_out(connection: Connection, what: str, channel: str, address: str, *, at: datetime, by: str) -> None:
    write_audit(connection, [AuditEntry(at, by, what, channel, {"address_digest": _digest(address)})])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
