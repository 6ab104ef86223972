"""A place to work at from a terminal: the service on a store and a network, somebody in whose name things are done, and a clock.

Whoever may open the store is trusted to name the account; the audit log says which user of the operating system it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.clock import utc_now
from api.commands.given import read_settings, say, status, who_types
from api.intake import load_network
from api.networks import UnknownNetworkError, keep_network, kept_network
from api.people.access import require
from api.people.accounts import find_account
from api.people.roles import ANYONE, Actor, person
from api.schemas import OutageOut, outage_out
from api.service import NetworkChangedError, Service, permission_for
from api.settings import Settings
from api.utility import utility_of
from notices.dossier import Dossier
from outages.audit import AuditEntry, write_audit
from outages.database import Database
from outages.events import Outage
from outages.impact import Impact
from outages.store import EventStore, open_store
from topology.network import Network


class ActorError(PermissionError):
    """Nothing can be done in the name of this account."""


@dataclass(frozen=True)
class Workplace:
    """What a command about outages works with; ``actor`` is `ANYONE` where nobody was named."""

    service: Service
    settings: Settings
    actor: Actor
    now: datetime

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.service.store.database

    def seen(self, outage_id: str, given: int | None) -> Outage:
        """Return the outage as it was seen: at the revision that was given, else the newest, which is said."""
        newest = self.service.get_outage(outage_id)
        if given is not None:
            return self.service.outage_at(outage_id, given)
        say(f"Revision {newest.seq} ({newest.status}) counts as seen; --seen {newest.seq} would say so.")
        return newest

    def allow(self, outage: Outage, kind: str) -> None:
        """Raise ForbiddenError where the role does not permit an event of ``kind``."""
        require(self.actor, permission_for(outage, kind))

    def keep_network(self) -> None:
        """Keep the network in the store, so that the impacts that are kept with it can be worked out again."""
        with status("Keeping the network in the store"):
            keep_network(self.service.store, self.service.network)

    def note(self, subject: Outage | Dossier, what: str, **detail: Any) -> None:
        """Write to the audit log which user of the operating system did ``what`` in the name of the account."""
        told = {"user": who_types(), "revision": subject.seq, **detail}
        with self.database.writing() as connection:
            write_audit(connection, [AuditEntry(self.now, self.actor.name, what, subject.id, told)])

    def out(self, outage: Outage) -> OutageOut:
        """Return an outage as the JSON interface tells it to the same person."""
        return outage_out(outage, self.find_impact(outage), self.now, personal=self.actor.may("personal"))

    def find_impact(self, outage: Outage) -> Impact | None:
        """Return the impact; None where a newer network lacks what the outage names, which must not hide the other outages."""
        try:
            return self.service.impact(outage)
        except NetworkChangedError:
            return None

    def feeders(self, outage: Outage) -> tuple[str, ...]:
        """Return the feeders that an outage affects, as far as they are known."""
        impact = self.find_impact(outage)
        return () if impact is None else impact.feeders


@contextmanager
def workplace(store: str, network: str, name: str = "") -> Iterator[Workplace]:
    """Open a workplace; ``network`` "" means the one that was kept in the store last, ``name`` "" nobody.

    Raises StoreError, ActorError, SourceError, NetworkRefusedError, UnknownNetworkError and SettingsError.
    """
    with closing(open_store(store, create=False)) as events:
        actor = find_actor(events.database, name) if name else ANYONE
        settings = read_settings(network or "-", store)
        loaded = _load(events, network)
        yield Workplace(Service(loaded, events, utility_of(settings)), settings, actor, utc_now())


def find_actor(database: Database, name: str) -> Actor:
    """Return the person whose account is called ``name``. Raises ActorError where there is none, or it is disabled."""
    account = find_account(database, name)
    if account is None:
        raise ActorError(f"There is no account {name!r}. `gridnotice account list` names those there are. Give one with --as.")
    if account.disabled_at is not None:
        raise ActorError(
            f"The account {account.name!r} is disabled, so nothing is done in its name. Name another one with --as, "
            f"or let its owner in again: `gridnotice account enable {account.name}`."
        )
    return person(account.name, account.role)


def _load(events: EventStore, network: str) -> Network:
    if network:
        with status(f"Reading {network}"):
            return load_network(network)
    kept = list(events.list_networks())
    if not kept:
        raise UnknownNetworkError("No network is named, and the store keeps none yet. Name one: --network NET.")
    with status(f"Reading the network {kept[-1][:12]} from the store"):
        return kept_network(events, kept[-1])
